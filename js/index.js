/**
 * The package's entry: `await init()` once, then `ParticipantSession.attach(socket, options)`.
 *
 * @module stillhere
 */
import load, { ParticipantSession } from '../pkg/stillhere.js';

/** @typedef {import('../pkg/stillhere.js').InitInput} InitInput */

/** @type {Promise<void> | undefined} */
let loading;
let loaded = false;

/**
 * Loads the WebAssembly module. Any number of calls load it once; after a failure the next call tries again.
 *
 * @param {InitInput | Promise<InitInput>} [moduleOrPath] where the module is, if not beside the generated script
 * @returns {Promise<void>}
 */
export function init(moduleOrPath) {
  loading ??= load(moduleOrPath === undefined ? undefined : { module_or_path: moduleOrPath }).then(
    () => {
      loaded = true;
    },
    (error) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

// On the class itself rather than on a subclass, so that `instanceof` holds for what attach returns.
const attach = ParticipantSession.attach;
ParticipantSession.attach = (...args) => {
  if (!loaded) {
    const message = 'ParticipantSession.attach was called before init: call `await init()` first';
    throw Object.assign(new Error(message), { code: 'not_initialised' });
  }
  return attach.apply(ParticipantSession, args);
};

/**
 * Sends what earlier pages had to leave in this browser, on a page that plays nothing itself.
 *
 * @returns {Promise<{sent: number, left: number}>} once each export was tried; what is left is kept for the next time
 */
export async function sendLeftOvers() {
  await init();
  const nowhere = { connected: false, emit() {}, on() {}, off() {} };
  const session = ParticipantSession.attach(nowhere, { worker: false });
  try {
    return await new Promise((resolve) => session.on('leftOvers', resolve));
  } finally {
    session.dispose();
  }
}

export { ParticipantSession };
export default init;
