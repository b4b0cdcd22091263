import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { target } from './paths.js';

const run = promisify(execFile);
const directory = fileURLToPath(new URL('../python/', import.meta.url));
const venv = join(target, 'e2e-venv');
const python = join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** @returns {Promise<string | null>} why Python cannot be used on this machine, or null if it can */
export async function whyNoPython() {
  try {
    await run('python3', ['--version']);
  } catch {
    return 'python3 is not installed';
  }
  try {
    await run('python3', ['-c', 'import venv, ensurepip']);
  } catch {
    return 'python3 has no venv with pip (on Debian: apt-get install python3-venv)';
  }
  return null;
}

/** @type {Promise<void> | undefined} */
let prepared;

/** Makes the virtual environment, unless it is there with what the requirements ask for. */
function prepareVenv() {
  prepared ??= installRequirements();
  return prepared;
}

async function installRequirements() {
  const requirements = join(directory, 'requirements.txt');
  const stamp = join(venv, 'installed-requirements.txt');
  const wanted = await readFile(requirements, 'utf8');
  const installed = await readFile(stamp, 'utf8').catch(() => '');
  if (installed === wanted) return;
  await run('python3', ['-m', 'venv', '--clear', venv]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]);
  await writeFile(stamp, wanted);
}

/**
 * Plays a scenario of roles.py; what it printed is in the error if it fails.
 *
 * @param {string} url
 * @param {string} scenario
 */
export async function playRoles(url, scenario) {
  await prepareVenv();
  try {
    const { stdout } = await run(python, [join(directory, 'roles.py'), url, scenario], { timeout: 120_000 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
    throw new Error(`${scenario} failed\n${stdout}${stderr}`);
  }
}
