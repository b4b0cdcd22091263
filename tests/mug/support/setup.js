import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { target } from '../../e2e/support/paths.js';

// What the tests need of MUG is fetched once, by pip and npm, into the directory of what is built.

const run = promisify(execFile);
const here = fileURLToPath(new URL('..', import.meta.url));
const home = join(target, 'mug');
const venv = join(home, 'venv');

export const experiment = join(here, 'experiment');
export const python = join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
export const modules = join(home, 'pages/node_modules');
export const wheels = join(home, 'wheels');

/** What Pyodide loads at the start of MUG's page, in the versions of Pyodide's own list. */
const WHEELS = ['micropip==0.6.0', 'packaging==23.2'];

/** @type {Promise<void> | undefined} */
let prepared;

/** Makes the virtual environment and fetches the packages, unless they are there. */
export function prepare() {
  prepared ??= fetchAll();
  return prepared;
}

async function fetchAll() {
  const requirements = join(experiment, 'requirements.txt');
  const lock = join(here, 'pages/package-lock.json');
  const wanted = [await readFile(requirements, 'utf8'), await readFile(lock, 'utf8'), ...WHEELS].join('\n');
  const stamp = join(home, 'installed.txt');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return;
  const quiet = ['--quiet', '--disable-pip-version-check'];
  await run('python3', ['-m', 'venv', '--clear', venv]);
  await run(python, ['-m', 'pip', 'install', ...quiet, '--requirement', requirements]);
  await run(python, ['-m', 'pip', 'download', ...quiet, '--no-deps', '--dest', wheels, ...WHEELS]);
  const pages = join(home, 'pages');
  await mkdir(pages, { recursive: true });
  for (const name of ['package.json', 'package-lock.json'])
    await copyFile(join(here, 'pages', name), join(pages, name));
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: pages,
    shell: process.platform === 'win32',
  });
  await writeFile(stamp, wanted);
}
