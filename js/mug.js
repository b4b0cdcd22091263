/**
 * stillhere in place of MUG's own monitoring: `await replaceMonitoring()` on a page of MUG (Multi-User Gymnasium).
 *
 * @module stillhere/mug
 */
import * as stillhere from './index.js';
import { Takeover } from './mug/takeover.js';

/**
 * @typedef {import('../pkg/stillhere.js').SessionOptions} SessionOptions
 * @typedef {import('../pkg/stillhere.js').ParticipantSession} ParticipantSession
 */

/**
 * Where a participant is sent, and what they can show. In `url` and `completionCode`, `{participant_id}`, `{outcome}` and (in
 * `url`) `{completion_code}` stand for the participant's own.
 *
 * @typedef {object} Destination
 * @property {string} [url] http(s), or an absolute path on MUG's server; without it the page stays where it is
 * @property {number} [delayMs] how long the overlay is read before; 5000 if absent
 * @property {string} [completionCode]
 */

/**
 * How a game can end early. MUG's own scenes go on after a normal end.
 *
 * @typedef {'excluded' | 'partner_excluded' | 'partner_disconnected' | 'focus_loss' | 'default'} Outcome
 */

/**
 * @typedef {object} TakeoverOptions
 * @property {any} [socket] MUG's; `window.socket` if absent
 * @property {() => any} [game] MUG's running game; `window.game` if absent
 * @property {{ [outcome in Outcome]?: Destination }} [redirects] MUG's server never says where to go after an early end
 * @property {(session: ParticipantSession) => void} [onSession] gets the session of each game before it begins, to listen to it
 * @property {import('./index.js').InitInput} [wasm] where the WebAssembly module is, if not beside the script
 * @property {Pick<typeof stillhere, 'init' | 'ParticipantSession'>} [module] another instance of stillhere than the one imported
 *
 * @typedef {TakeoverOptions & SessionOptions} MugOptions
 */

/**
 * What was put in place.
 *
 * @typedef {object} Replacement
 * @property {ParticipantSession | undefined} session of the running game, if there is one
 * @property {() => void} dispose games that begin from now on are MUG's own affair again
 */

/** @type {WeakMap<object, Promise<Replacement>>} */
const running = new WeakMap();

/**
 * Takes the place of MUG's ContinuousMonitor and of what MUG does on exclusion, for every game that is played in this page.
 * Once: whoever calls it again, such as a scene that is shown again, gets what is there. If the WebAssembly module cannot be
 * loaded, the promise rejects and MUG's own monitoring stays.
 *
 * @param {MugOptions} [options]
 * @returns {Promise<Replacement>} once stillhere is loaded
 */
export function replaceMonitoring(options = {}) {
  const page = /** @type {any} */ (globalThis);
  const { socket = page.socket, game = () => page.game, ...rest } = options;
  if (typeof socket?.on !== 'function') {
    const message =
      'replaceMonitoring() is for a page of MUG: there is no `window.socket`, and no `socket` in the options';
    return Promise.reject(Object.assign(new Error(message), { code: 'no_socket' }));
  }
  let replacement = running.get(socket);
  if (!replacement) {
    replacement = begin(socket, game, rest);
    running.set(socket, replacement);
    replacement.catch(() => running.delete(socket));
  }
  return replacement;
}

/**
 * @param {any} socket
 * @param {() => any} game
 * @param {Omit<MugOptions, 'socket' | 'game'>} options
 * @returns {Promise<Replacement>}
 */
async function begin(socket, game, { wasm, module = stillhere, ...options }) {
  // Listening from now on: a game may begin while the module is on its way.
  const takeover = new Takeover(socket, game, options);
  try {
    await module.init(wasm);
  } catch (error) {
    takeover.dispose();
    throw error;
  }
  takeover.begin(module.ParticipantSession);
  return {
    get session() {
      return takeover.session;
    },
    dispose() {
      running.delete(socket);
      takeover.dispose();
    },
  };
}
