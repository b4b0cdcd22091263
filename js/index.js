/**
 * The package's entry: `await init()` once, then `ParticipantSession.attach(socket, options)`.
 *
 * @module stillhere
 */
import { load, ParticipantSession, sendKept } from './loader.js';

/** @typedef {import('../pkg/stillhere.js').InitInput} InitInput */

/**
 * Loads the WebAssembly module. Any number of calls load it once; after a failure (`not_loaded`) the next call tries again.
 *
 * @param {InitInput | Promise<InitInput>} [moduleOrPath] where `stillhere.wasm` is, or what is in it; beside this script if
 *   absent
 * @returns {Promise<void>}
 */
export function init(moduleOrPath = new URL('../pkg/stillhere_bg.wasm', import.meta.url)) {
  return load(moduleOrPath);
}

/**
 * Sends what earlier pages had to leave in this browser, on a page that plays nothing itself. Calls `init()` where nobody has.
 *
 * @returns {Promise<{ sent: number, left: number }>} once each export was tried; what is left is kept for the next time
 */
export function sendLeftOvers() {
  return sendKept(init());
}

export { ParticipantSession };
export default init;
