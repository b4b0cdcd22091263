/**
 * The package's entry for pages that cannot serve a `.wasm` file: the module is within the script.
 *
 * @module stillhere/inline
 */
import wasm from '../pkg/stillhere_bg.wasm';
import { load, ParticipantSession, sendKept } from './loader.js';

/**
 * Makes the WebAssembly module ready for use. Any number of calls do it once.
 *
 * @returns {Promise<void>}
 */
export function init() {
  return load(wasm);
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
