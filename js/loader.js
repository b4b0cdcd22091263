/**
 * Loading the WebAssembly module, from wherever an entry of the package has it.
 *
 * @module stillhere/loader
 */
import instantiate, { ParticipantSession } from '../pkg/stillhere.js';

/** @typedef {import('../pkg/stillhere.js').InitInput} InitInput */

/** @param {string} code @param {string} message @param {unknown} [cause] */
const failure = (code, message, cause) => Object.assign(new Error(message, { cause }), { code });

/** @type {Promise<void> | undefined} */
let loading;
let isLoaded = false;

/**
 * Any number of calls load it once; after a failure the next call tries again.
 *
 * @param {InitInput | Promise<InitInput>} module
 */
export function load(module) {
  loading ??= instantiate({ module_or_path: module }).then(
    () => {
      isLoaded = true;
    },
    (error) => {
      loading = undefined;
      const where = typeof module === 'string' || module instanceof URL ? module : 'what init(…) was given';
      throw failure('not_loaded', `stillhere.wasm could not be loaded from ${where}: ${error.message}`, error);
    },
  );
  return loading;
}

// On the class itself rather than on a subclass, so that `instanceof` holds for what attach returns.
const { attach, prototype } = ParticipantSession;
ParticipantSession.attach = (...args) => {
  if (!isLoaded) {
    throw failure('not_initialised', 'ParticipantSession.attach was called before init: call `await init()` first');
  }
  return attach.apply(ParticipantSession, args);
};

// What the generated class means by these takes the memory from under a session that goes on; the collector gives it back.
delete (/** @type {Partial<ParticipantSession>} */ (prototype).free);
if (Symbol.dispose) prototype[Symbol.dispose] = prototype.dispose;

/**
 * Sends what earlier pages had to leave in this browser.
 *
 * @param {Promise<void>} loaded
 * @returns {Promise<{ sent: number, left: number }>}
 */
export async function sendKept(loaded) {
  await loaded;
  const nowhere = { connected: false, emit() {}, on() {}, off() {} };
  const session = ParticipantSession.attach(nowhere, { worker: false });
  try {
    return await new Promise((resolve) => session.on('leftOvers', resolve));
  } finally {
    session.dispose();
  }
}

export { ParticipantSession };
