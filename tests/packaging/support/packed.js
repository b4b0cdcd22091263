import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../../e2e/support/paths.js';

const run = promisify(execFile);
const projects = fileURLToPath(new URL('../projects/', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** Folders that are gone when the file's tests are over. @type {string[]} */
const folders = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 }))));

export async function newFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'stillhere-packaging-'));
  folders.push(folder);
  return folder;
}

/**
 * @typedef {object} Packed
 * @property {string} tarball
 * @property {string[]} files what is in it
 */

/** @type {Promise<Packed> | undefined} */
let packing;

/** The package as npm would publish it, of what is built. @returns {Promise<Packed>} */
export function packed() {
  packing ??= (async () => {
    const folder = await newFolder();
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run(npm, args, { cwd: root });
    const [{ filename, files }] = JSON.parse(stdout);
    const paths = files.map((/** @type {{ path: string }} */ { path }) => path);
    return { tarball: join(folder, filename), files: paths };
  })();
  return packing;
}

/**
 * A fresh copy of one of the projects beside this folder, with the package installed by npm, which may not ask the network for
 * anything. Whatever else the project uses is taken from this repository's own packages.
 *
 * @param {string} name
 * @param {{ uses?: string[] }} [options]
 * @returns {Promise<string>} where it is
 */
export async function project(name, { uses = ['socket.io-client'] } = {}) {
  const { tarball } = await packed();
  const folder = join(await newFolder(), name);
  await cp(join(projects, name), folder, { recursive: true });
  const args = ['install', '--offline', '--ignore-scripts', '--no-package-lock', '--no-save', tarball];
  await run(npm, [...args, '--cache', await newFolder()], { cwd: folder });
  for (const used of uses) {
    const to = join(folder, 'node_modules', used);
    await mkdir(dirname(to), { recursive: true });
    await symlink(join(root, 'node_modules', used), to, 'junction');
  }
  return folder;
}

/**
 * What is published of the package in a project.
 *
 * @param {string} folder
 */
export const installed = (folder) => join(folder, 'node_modules/stillhere');

/**
 * The hashes for `integrity` attributes.
 *
 * @param {string} folder of a project
 * @returns {Promise<Record<string, string>>}
 */
export async function integrity(folder) {
  return JSON.parse(await readFile(join(installed(folder), 'dist/integrity.json'), 'utf8'));
}

/**
 * Checks the types of a project.
 *
 * @param {string} folder
 * @param {string[]} [options]
 */
export async function typeCheck(folder, options = []) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false', ...options], { cwd: folder });
  } catch (error) {
    throw new Error(/** @type {{ stdout?: string }} */ (error).stdout ?? String(error));
  }
}
