// What a game pays each tick: no call into the module, none back out of it, no memory; and the frame is known when it is asked for.

import assert from 'node:assert/strict';
import { study } from './support/study.js';

const FRAMES = 100_000;

/**
 * Loads the package with every way in and out of the module counted, and plays frames without a pause. Runs in the page.
 *
 * @param {number} frames
 * @param {(result: { into: number, outOf: number, grown: number, reached: number } | { failed: string }) => void} answer
 */
async function countCrossings(frames, answer) {
  const count = { into: 0, outOf: 0 };
  /**
   * @param {object} functions
   * @param {'into' | 'outOf'} direction
   */
  const counted = (functions, direction) =>
    Object.fromEntries(
      Object.entries(functions).map(([name, value]) => [
        name,
        typeof value !== 'function'
          ? value
          : /** @param {unknown[]} args */ (...args) => {
              count[direction] += 1;
              return value(...args);
            },
      ]),
    );
  try {
    const load = WebAssembly.instantiateStreaming;
    /** @type {WebAssembly.Memory | undefined} */
    let memory;
    WebAssembly.instantiateStreaming = async (source, imports = {}) => {
      const watched = Object.entries(imports).map(([name, module]) => [name, counted(module, 'outOf')]);
      const { instance, module } = await load.call(WebAssembly, source, Object.fromEntries(watched));
      memory = /** @type {WebAssembly.Memory} */ (instance.exports.memory);
      return { module, instance: { exports: counted(instance.exports, 'into') } };
    };
    const path = '/stillhere/js/index.js';
    const { default: init, ParticipantSession } = await import(path);
    await init();
    const socket = { connected: false, on() {}, off() {}, emit() {} };
    const session = ParticipantSession.attach(socket, { worker: false });
    session.frame(0);
    const before = { ...count, bytes: memory?.buffer.byteLength ?? 0 };
    for (let n = 1; n <= frames; n += 1) session.frame(n);
    const result = {
      into: count.into - before.into,
      outOf: count.outOf - before.outOf,
      grown: (memory?.buffer.byteLength ?? -1) - before.bytes,
      reached: session.status().frame,
    };
    session.dispose();
    answer(result);
  } catch (error) {
    answer({ failed: String(error) });
  }
}

study(
  'a frame is no call into the module, none out of it, no memory, and known when it is asked for',
  {},
  async (running) => {
    const page = await running.participant('ada');
    await page.browser.driver.get(`${running.server.url}/done.html`);
    const result = await page.browser.driver.executeAsyncScript(countCrossings, FRAMES);
    assert.deepEqual(result, { into: 0, outOf: 0, grown: 0, reached: FRAMES });
  },
);
