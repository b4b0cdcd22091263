// The declarations of the package: what wasm-bindgen and tsify made of the Rust types, without what is only the generated
// script's own business, and what the JSDoc of the hand-written scripts says.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const TSC = 'node_modules/typescript/bin/tsc';
const BIOME = 'node_modules/@biomejs/biome/bin/biome';
const TSC_FLAGS = [
  ...['--ignoreConfig', '--allowJs', '--declaration', '--emitDeclarationOnly', '--noCheck', '--skipLibCheck'],
  ...['--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--rootDir', '.'],
];
const ENTRIES = ['index', 'inline', 'mug', 'jspsych'];

/** The generated script's own: how it loads the module, and what is in that. */
const OWN_FROM = 'export interface InitOutput';
/** Nothing of it may be left. */
const OWN = /__wb|InitOutput|initSync|SyncInitInput|\bfree\(|pkg\/|\b__\w+/;

/** What a script says of itself. */
const ABOUT = /^\/\*\*[\s\S]*?@module[\s\S]*?\*\/\n/;

/**
 * @param {string} root of the checkout
 * @returns {Promise<Map<string, string>>} the text of each file, by its path in `dist/`
 */
export async function declarations(root) {
  const emitted = await emit(root);
  const read = (/** @type {string} */ name) => emitted.get(`${name}.d.ts`) ?? '';
  const generated = await readFile(join(root, 'pkg/stillhere.d.ts'), 'utf8');
  const files = new Map([
    ['stillhere.d.ts', session(generated, read('index'))],
    ['inline.d.ts', inline(read('inline'))],
    ['stillhere.global.d.ts', GLOBAL],
    ['jspsych.global.d.ts', JSPSYCH_GLOBAL],
  ]);
  for (const name of reachable(['mug.d.ts', 'jspsych.d.ts'], emitted)) {
    files.set(name, atHome(name, emitted.get(name) ?? ''));
  }
  for (const [name, content] of files) {
    const left = OWN.exec(content);
    if (left)
      throw new Error(`${name} tells of ${left[0]}, which is nobody's business outside of the generated script`);
    files.set(name, await format(root, content));
  }
  return files;
}

const GLOBAL = `/** What \`stillhere.global.js\` sets. */
declare global {
  const stillhere: Pick<typeof import('./stillhere.js'), 'init' | 'ParticipantSession' | 'sendLeftOvers'>;
}
export {};
`;

const JSPSYCH_GLOBAL = `/** What \`jspsych.global.js\` sets. */
declare global {
  const jsPsychExtensionStillhere: typeof import('./jspsych.js').default;
}
export {};
`;

/** What the JSDoc says. @param {string} root */
async function emit(root) {
  const out = await mkdtemp(join(tmpdir(), 'stillhere-declarations-'));
  const sources = [...ENTRIES.map((name) => `js/${name}.js`), 'js/wasm.d.ts'];
  try {
    const args = [TSC, ...sources, ...TSC_FLAGS, '--listEmittedFiles', '--outDir', out];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
    const files = stdout.split('\n').filter((line) => line.startsWith('TSFILE: '));
    const paths = files.map((line) => line.slice('TSFILE: '.length).trim());
    const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    const names = paths.map((path) => path.slice(join(out, 'js/').length).replaceAll('\\', '/'));
    return new Map(names.map((name, index) => [name, texts[index].replace(/^\/\*\* @typedef .*\*\/\n/gm, '')]));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/**
 * The Rust types and the entry's functions in one file.
 *
 * @param {string} generated
 * @param {string} entry
 */
function session(generated, entry) {
  const end = generated.indexOf(OWN_FROM);
  if (end < 0) throw new Error(`the generated declarations have no \`${OWN_FROM}\``);
  let types = generated.slice(0, end).replace(/^\/\* (tslint|eslint).*\n/gm, '');
  // tsify gives what a namespace refers to a name of its own, in case that the namespace has one of that name.
  for (const [line, alias, name] of types.matchAll(/^type (__\w+) = (\w+);\n/gm)) {
    if (new RegExp(`^ +export type ${name}\\b`, 'm').test(types)) throw new Error(`two types are called ${name}`);
    types = types.replace(line, '').replaceAll(alias, name);
  }
  // Nor are they the names of what only the wire knows.
  for (const [declaration, name] of types.matchAll(
    /^\/\*\*\n(?: \*.*\n)+export type (\w+) = (?:string|number);\n\n/gm,
  )) {
    if (types.split(new RegExp(`\\b${name}\\b`)).length === 2) types = types.replace(declaration, '');
  }
  types = types
    // Each member on a line of its own: what is said of it would else be taken for the one before.
    .replaceAll('; /**', ';\n/**')
    .replace(/^ +free\(\): void;\n/gm, '')
    .replace(/^declare namespace/gm, 'export declare namespace')
    .replace(/^export type InitInput/m, '/** Where the WebAssembly module is, or what is in it. */\n$&')
    // What the reader of Rust calls so.
    .replaceAll('`None`', '`null`')
    .replace(/^( +\*) # Errors\n +\* /gm, '$1 @throws {SessionError} ');
  const functions = entry
    .replace(ABOUT, '')
    .replace(/^import .*\n/gm, '')
    .replace(/^export type InitInput = .*\n/m, '')
    .replace(/^export \{ ParticipantSession \};\n/m, '');
  return `/// <reference lib="dom" />\n/// <reference lib="esnext.disposable" />\n${ABOUT.exec(entry)?.[0] ?? ''}${functions}\n${types}`;
}

/** Its own `init`, and all else as it is in the main entry. @param {string} entry */
function inline(entry) {
  return entry
    .replace(/^import .*\n/gm, '')
    .replace(/^export type InitInput = .*\n/m, '')
    .replace(/^export \{ ParticipantSession \};\n/m, "export * from './stillhere.js';\n");
}

/**
 * The given files and those that they refer to, among them.
 *
 * @param {string[]} names
 * @param {Map<string, string>} emitted
 */
function reachable(names, emitted) {
  const found = new Set(names);
  for (const name of found) {
    for (const [, path] of (emitted.get(name) ?? '').matchAll(/(?:from |import\()["'](\.[^"']+)\.js["']/g)) {
      const target = `${posix.join(posix.dirname(name), path)}.d.ts`;
      if (emitted.has(target) && !['index.d.ts', 'loader.d.ts'].includes(target)) found.add(target);
    }
  }
  return found;
}

/** What the sources import from elsewhere in the checkout is in the main entry. @param {string} name @param {string} content */
function atHome(name, content) {
  const main = name.includes('/') ? '../'.repeat(name.split('/').length - 1) : './';
  return content.replace(/(["'])(?:\.\.?\/)+(?:pkg\/stillhere|index|loader)\.js\1/g, `'${main}stillhere.js'`);
}

/** @param {string} root @param {string} content */
async function format(root, content) {
  const args = [join(root, BIOME), 'format', '--stdin-file-path=js/types.d.ts'];
  const biome = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  biome.stdin.end(content);
  const formatted = await text(biome.stdout);
  if (formatted.trim() === '') throw new Error('biome cannot format what was generated');
  return formatted;
}
