import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, with a trailing slash. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Where generated files (screenshots, failure reports, the Python venv) go. */
export const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');

/**
 * The first of `candidates` that is a file, or an error that says how to name another.
 *
 * @param {string} what what is looked for, as a reader calls it
 * @param {string} variable the environment variable that overrides the search
 * @param {string[]} candidates
 * @returns {string}
 */
export function findFile(what, variable, candidates) {
  const named = process.env[variable];
  if (named) {
    if (existsSync(named)) return named;
    throw new Error(`${variable} names ${named}, which does not exist`);
  }
  const found = candidates.find((path) => existsSync(path));
  if (found) return found;
  throw new Error(`no ${what} found (${candidates.join(', ')}): set ${variable} to its path`);
}
