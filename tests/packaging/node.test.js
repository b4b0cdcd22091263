import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { installed, project } from './support/packed.js';

const run = promisify(execFile);

describe('under Node, where pages are rendered that a browser shows later', () => {
  /** @type {string} */
  let folder;

  before(async () => {
    folder = await project('plain', { uses: [] });
  });

  /**
   * @param {string} source of a module in the project
   * @returns {Promise<any>} what it has made `told`
   */
  async function told(source) {
    const file = join(folder, 'rendered.mjs');
    await writeFile(file, `let told;\n${source}\nprocess.stdout.write(JSON.stringify(told));`);
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder });
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  }

  for (const [entry, names] of Object.entries({
    stillhere: ['ParticipantSession', 'default', 'init', 'sendLeftOvers'],
    'stillhere/inline': ['ParticipantSession', 'default', 'init', 'sendLeftOvers'],
    'stillhere/mug': ['replaceMonitoring'],
    'stillhere/jspsych': ['StillhereExtension', 'WaitingRoom', 'default'],
  })) {
    test(`${entry} can be imported, and does nothing yet`, async () => {
      const before = 'const before = Object.getOwnPropertyNames(globalThis);';
      const after = 'Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name))';
      const source = `${before} const entry = await import('${entry}'); told = [Object.keys(entry), ${after}];`;
      assert.deepEqual(await told(source), [names, []]);
    });
  }

  for (const entry of ['stillhere', 'stillhere/inline']) {
    test(`attach without init is an error that names it (${entry})`, async () => {
      const { code, message, isError } = await told(`
        import { ParticipantSession } from '${entry}';
        try {
          ParticipantSession.attach({ emit() {}, on() {}, off() {} });
        } catch (error) {
          told = { code: error.code, message: error.message, isError: error instanceof Error };
        }`);
      assert.deepEqual([code, isError], ['not_initialised', true]);
      assert.match(message, /`await init\(\)`/);
    });
  }

  test('`using` disposes of a session, and nothing takes the memory from under one', async () => {
    const seen = await told(`
      import { ParticipantSession } from 'stillhere';
      const { prototype } = ParticipantSession;
      told = [prototype[Symbol.dispose] === prototype.dispose, 'free' in prototype];`);
    assert.deepEqual(seen, [true, false]);
  });

  test('a module that cannot be loaded is an error that says from where, and the next call tries again', async () => {
    const [first, second] = await told(`
      import init from 'stillhere';
      const failed = ({ code, message, cause }) => ({ code, message, hasCause: cause instanceof Error });
      told = [await init('http://127.0.0.1:9/a.wasm').catch(failed), await init('http://127.0.0.1:9/b.wasm').catch(failed)];`);
    assert.deepEqual([first.code, first.hasCause], ['not_loaded', true]);
    assert.match(first.message, /127\.0\.0\.1:9\/a\.wasm/);
    assert.match(second.message, /127\.0\.0\.1:9\/b\.wasm/);
  });

  test('the module within the script needs nothing to be loaded; a session needs a page', async () => {
    const { code } = await told(`
      import init, { ParticipantSession } from 'stillhere/inline';
      await init();
      try {
        ParticipantSession.attach({ emit() {}, on() {}, off() {} });
      } catch ({ code }) {
        told = { code };
      }`);
    assert.equal(code, 'no_page');
  });

  test('the module is the same one, wherever it is', async () => {
    const { code } = await told(`
      import { readFile } from 'node:fs/promises';
      import init, { ParticipantSession } from 'stillhere';
      await init(await readFile(new URL(import.meta.resolve('stillhere/stillhere.wasm'))));
      try {
        ParticipantSession.attach({ emit() {}, on() {}, off() {} });
      } catch ({ code }) {
        told = { code };
      }`);
    assert.equal(code, 'no_page');
  });

  test('the classic scripts say which of them comes first', async () => {
    const script = await readFile(join(installed(folder), 'dist/jspsych.global.js'), 'utf8');
    assert.throws(() => new Function(script)(), /stillhere\.global\.js must be loaded before/);
  });
});
