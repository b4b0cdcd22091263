import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { root } from '../e2e/support/paths.js';
import { installed, integrity, packed, project } from './support/packed.js';

const run = promisify(execFile);
const program = (/** @type {string} */ path) => join(root, 'node_modules', path);

/** Scripts, and what goes with each of them. */
const SCRIPTS = ['stillhere', 'inline', 'mug', 'jspsych', 'stillhere.global', 'jspsych.global'];

describe('what npm publishes', () => {
  /** @type {string} */
  let folder;
  /** @type {Record<string, any>} */
  let manifest;

  before(async () => {
    folder = await project('plain', { uses: [] });
    manifest = JSON.parse(await readFile(join(installed(folder), 'package.json'), 'utf8'));
  });

  test('is what is needed and nothing else', async () => {
    const { files } = await packed();
    const needed = [
      ...['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT'],
      ...['dist/stillhere.wasm', 'dist/ticker.js', 'dist/integrity.json'],
      ...SCRIPTS.flatMap((name) => ['.js', '.js.map', '.d.ts'].map((ending) => `dist/${name}${ending}`)),
    ];
    // The adapters' declarations may be of several files.
    const others = files.filter((path) => !/^dist\/(mug|jspsych)\/[\w-]+\.d\.ts$/.test(path));
    assert.deepEqual(others.sort(), needed.sort());
  });

  test('brings nothing else along', async () => {
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}), []);
    const optional = Object.entries(manifest.peerDependenciesMeta).filter(([, { optional }]) => optional);
    assert.deepEqual(optional.map(([name]) => name).sort(), Object.keys(manifest.peerDependencies).sort());
    const modules = await readdir(join(folder, 'node_modules'));
    assert.deepEqual(
      modules.filter((name) => !name.startsWith('.')),
      ['stillhere'],
    );
  });

  test('has a file for every entry', async () => {
    const paths = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? entry : Object.values(entry),
    );
    for (const path of [...paths, manifest.main, manifest.types, manifest.unpkg, manifest.jsdelivr]) {
      assert.ok((await readFile(join(installed(folder), path))).length > 0, path);
    }
    assert.deepEqual(Object.keys(manifest.exports).sort(), [
      ...['.', './inline', './jspsych', './mug', './package.json', './stillhere.wasm', './ticker.js'],
    ]);
  });

  test('has the hashes that its scripts have', async () => {
    const hashes = await integrity(folder);
    assert.deepEqual(Object.keys(hashes).sort(), [...SCRIPTS, 'ticker'].map((name) => `${name}.js`).sort());
    for (const [name, hash] of Object.entries(hashes)) {
      const content = await readFile(join(installed(folder), 'dist', name));
      assert.equal(hash, `sha384-${createHash('sha384').update(content).digest('base64')}`, name);
    }
  });

  test('maps every script back to its sources', async () => {
    for (const name of SCRIPTS) {
      const script = await readFile(join(installed(folder), 'dist', `${name}.js`), 'utf8');
      assert.ok(script.trimEnd().endsWith(`//# sourceMappingURL=${name}.js.map`), name);
      const { sources, sourcesContent } = JSON.parse(
        await readFile(join(installed(folder), 'dist', `${name}.js.map`), 'utf8'),
      );
      assert.equal(sourcesContent.filter(Boolean).length, sources.length, name);
      const others = sources.filter((/** @type {string} */ source) => !/^(\.\.\/(js|pkg)\/|global:)/.test(source));
      assert.deepEqual(others, [], name);
    }
  });

  test('is one module in a page, whichever adapter is used besides', async () => {
    for (const name of ['mug', 'jspsych']) {
      const script = await readFile(join(installed(folder), 'dist', `${name}.js`), 'utf8');
      assert.match(script, /from"\.\/stillhere\.js"/);
      assert.doesNotMatch(script, /WebAssembly/);
    }
  });

  test('is as big as README says', async () => {
    const readme = await readFile(join(installed(folder), 'README.md'), 'utf8');
    const claimed = readme.matchAll(/^\| `import .* from '(stillhere[/\w]*)'` \|.*\| (?:\+ )?(\d+) KiB \|$/gm);
    const claims = new Map([...claimed].map(([, entry, size]) => [entry, Number(size)]));
    const made = {
      stillhere: ['stillhere.js', 'stillhere.wasm', 'ticker.js'],
      'stillhere/inline': ['inline.js', 'ticker.js'],
      'stillhere/mug': ['mug.js'],
      'stillhere/jspsych': ['jspsych.js'],
    };
    assert.deepEqual([...claims.keys()], Object.keys(made));
    for (const [entry, names] of Object.entries(made)) {
      let size = 0;
      for (const name of names)
        size += gzipSync(await readFile(join(installed(folder), 'dist', name)), { level: 9 }).length;
      const difference = Math.abs(size / 1024 - (claims.get(entry) ?? 0));
      assert.ok(difference < 1, `${entry} is ${(size / 1024).toFixed(1)} KiB, README says ${claims.get(entry)}`);
    }
  });

  test('is clean for publint', async () => {
    const { tarball } = await packed();
    const { stdout } = await run(process.execPath, [program('publint/src/cli.js'), 'run', tarball, '--strict']);
    assert.match(stdout, /All good!/);
  });

  test('is clean for "are the types wrong?"', async () => {
    const { tarball } = await packed();
    const attw = program('@arethetypeswrong/cli/dist/index.js');
    // For those who import modules: it is no CommonJS. Nor are there types for what is no script that anyone imports.
    const args = ['--profile', 'esm-only', '--exclude-entrypoints', 'stillhere.wasm', 'ticker.js', '--format', 'json'];
    const { stdout } = await run(process.execPath, [attw, tarball, ...args], { maxBuffer: 1 << 26 });
    const { analysis, problems } = JSON.parse(stdout);
    const found = /** @type {{ resolutionKind?: string }[]} */ (Object.values(problems).flat());
    assert.deepEqual(
      found.filter(({ resolutionKind }) => resolutionKind !== 'node10' && resolutionKind !== 'node16-cjs'),
      [],
    );
    assert.deepEqual(Object.keys(analysis.entrypoints).sort(), [
      '.',
      './inline',
      './jspsych',
      './mug',
      './package.json',
    ]);
  });
});
