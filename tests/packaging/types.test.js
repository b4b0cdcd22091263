import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { root } from '../e2e/support/paths.js';
import { installed, project, typeCheck } from './support/packed.js';

const REPORT = new URL('./public-api.txt', import.meta.url);
const ENTRIES = ['stillhere', 'inline', 'mug', 'jspsych'];

/**
 * The sources at a path, without their tests.
 *
 * @param {string} path
 * @returns {Promise<string[]>}
 */
async function texts(path) {
  if (/\.(rs|js)$/.test(path)) return [(await readFile(path, 'utf8')).split('#[cfg(test)]\nmod tests {')[0]];
  const entries = await readdir(path, { withFileTypes: true });
  const wanted = entries.filter((entry) => entry.isDirectory() || /^(?!tests).*\.rs$/.test(entry.name));
  return (await Promise.all(wanted.map(({ name }) => texts(join(path, name))))).flat();
}

describe('the declarations of the package', () => {
  /** @type {string} */
  let folder;

  before(async () => {
    folder = await project('types', { uses: ['socket.io-client', 'jspsych'] });
  });

  /** @param {string} name */
  const read = (name) => readFile(join(installed(folder), 'dist', `${name}.d.ts`), 'utf8');

  /** @param {string} name @returns {Promise<Record<string, any>>} */
  const load = (name) => import(pathToFileURL(join(installed(folder), 'dist', `${name}.js`)).href);

  test('accept what is right and refuse what is wrong, for Node and for bundlers', async () => {
    await typeCheck(folder);
    await typeCheck(folder, ['--module', 'esnext', '--moduleResolution', 'bundler']);
  });

  test('are of all that the scripts export, and of nothing else', async () => {
    /** @param {Iterable<string>} names */
    const union = (names) => [...names].map((name) => `'${name}'`).join(' | ');
    const lines = ["import { type Equal, holds } from './equal.js';"];
    for (const name of ENTRIES) {
      const specifier = name === 'stillhere' ? name : `stillhere/${name}`;
      lines.push(`holds<Equal<keyof typeof import('${specifier}'), ${union(Object.keys(await load(name)))}>>();`);
    }
    const { ParticipantSession } = await load('stillhere');
    const own = Object.getOwnPropertyNames(ParticipantSession.prototype).filter(
      (name) => !/^__|^constructor$/.test(name),
    );
    lines.push(
      "type Session = import('stillhere').ParticipantSession;",
      `holds<Equal<Exclude<keyof Session, symbol>, ${union(own)}>>();`,
      `holds<Equal<Extract<keyof Session, symbol>, typeof Symbol.dispose>>();`,
    );
    await writeFile(join(folder, 'exported.ts'), lines.join('\n'));
    await typeCheck(folder);
  });

  test('have not drifted from what is written down (STILLHERE_UPDATE_API=1 writes it down anew)', async () => {
    const declared = await Promise.all(
      ENTRIES.map(async (name) => `// ${name}\n${(await read(name)).replace(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '')}`),
    );
    const report = declared.join('\n');
    if (process.env.STILLHERE_UPDATE_API) await writeFile(REPORT, report);
    assert.equal(report, await readFile(REPORT, 'utf8'));
  });

  test('know every code of an error', async () => {
    const declared = /export type ErrorCode =([^;]*);/.exec(await read('stillhere'))?.[1] ?? '';
    const codes = [...declared.matchAll(/'(\w+)'/g)].map(([, code]) => code);
    const sources = ['src', 'crates/core/src/participant', 'crates/core/src/wire/ack.rs', 'js/loader.js'];
    const said = /(?:failure|join_failed|notify_error)\(\s*["'](\w+)["']|^ {8}\("(\w+)", Self::|^ +code: "(\w+)"/gm;
    /** @type {Set<string>} */
    const known = new Set();
    for (const source of sources) {
      for (const text of await texts(join(root, source))) {
        for (const [, ...found] of text.matchAll(said)) known.add(found.find(Boolean) ?? '');
      }
    }
    assert.deepEqual(codes.sort(), [...known].sort());
  });

  test('say of everything what it is', async () => {
    const lines = (await read('stillhere')).split('\n');
    const said = /^export (?!default)|^ {2}(?!private)\w.*\(.*\): .*;$/;
    const silent = lines.filter((line, index) => said.test(line) && !lines[index - 1].endsWith('*/'));
    assert.deepEqual(silent, []);
  });
});
