/**
 * What Rust needs of JavaScript's values. Each function of the language that Rust called itself would be an import with its
 * glue, and each exception a value to be carried across.
 *
 * @module stillhere/values
 */

/** Nothing where there is no page. */
export const theWindow = () => (typeof window === 'undefined' ? undefined : window);

/** What a value is, by number. */
const NOTHING = 0;
const OTHER = 4;
const RECORD = 5;
const PLAIN = ['', 'boolean', 'number', 'string'];

/** @param {any} value */
export function kind(value) {
  if (value == null) return NOTHING;
  const plain = PLAIN.indexOf(typeof value);
  if (plain > 0) return plain;
  // Functions and other things that JSON lacks are, like lists, nothing that any reader takes.
  return typeof value === 'object' && !Array.isArray(value) ? RECORD : OTHER;
}

/** `undefined` for whatever has no such property. @param {any} object @param {string | number} key */
export function get(object, key) {
  try {
    return object[key];
  } catch {
    return undefined;
  }
}

/** @param {any} object @param {string} key @param {unknown} value */
export function set(object, key, value) {
  object[key] = value;
}

export const record = () => ({});
export const list = () => [];

/** @param {unknown[]} list @param {unknown} value */
export const push = (list, value) => list.push(value);

/** @param {any} value */
export const keys = (value) => Object.keys(value);

/** For error messages. @param {any} value @returns {string} */
export function show(value) {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}

/** A copy of plain data that nobody else holds; throws for what JSON cannot carry. @param {any} value */
export function copy(value) {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
}

/** An error as the page gets it. @param {string} code @param {string} message */
export const failure = (code, message) => Object.assign(new Error(message), { code });

/** For the page's developer. @param {unknown} error */
export const report = (error) => console.error('stillhere:', error);

/** @param {string} text */
export const warn = (text) => console.warn(text);

/** What a function of the page throws is reported and stays there. @param {(argument: any) => void} run @param {any} argument */
export function call(run, argument) {
  try {
    run(argument);
  } catch (error) {
    report(error);
  }
}

/**
 * The metrics with the game's own data beside them, and what was wrong with those.
 *
 * @param {object} ours
 * @param {(() => any) | undefined} source must have them at once
 * @param {(data: any) => any} [take] what becomes of them
 * @returns {[any, unknown]}
 */
export function compose(ours, source, take = copy) {
  let game;
  let fault;
  try {
    if (source) {
      const data = source();
      if (data instanceof Promise) throw new Error('it returned a promise; the data is needed at once');
      game = take(data);
      if (kind(game) !== RECORD) throw new Error('it returned something else than an object');
    }
  } catch (error) {
    game = undefined;
    fault = error;
  }
  // Ours come last: whatever the game calls its own data, it says nothing in our name.
  return [{ ...game, ...ours }, fault];
}

const ORIGINS = ['socket', 'frontend'];

/** Samples out of six numbers for each: no number is `null`. @param {Float64Array} numbers */
export function samples(numbers) {
  const list = [];
  const orNull = (/** @type {number} */ at) => (numbers[at] >= 0 ? numbers[at] : null);
  for (let i = 0; i < numbers.length; i += 6) {
    list.push({
      seq: orNull(i),
      sentMs: numbers[i + 1],
      rttMs: orNull(i + 2),
      stalledMs: numbers[i + 3],
      origin: ORIGINS[numbers[i + 4]],
      judged: numbers[i + 5] > 0,
    });
  }
  return list;
}

/** The generated `free` would take the memory from under a session that goes on. @param {any} session */
export function disposable(session) {
  const prototype = Object.getPrototypeOf(session);
  if (prototype.free) prototype.free = prototype.dispose;
  if (Symbol.dispose) prototype[Symbol.dispose] = prototype.dispose;
}

/**
 * The hot path: games say at each frame where they are, and a call into WebAssembly costs more than all the rest of it. So the
 * number waits here until Rust wants to know, which is before whatever it does next.
 *
 * @param {any} session
 * @param {any} lane what Rust keeps of it
 */
export function pave(session, lane) {
  const checked = session.frame.bind(session);
  Object.assign(lane, { frame: -1, open: true });
  session.frame = (/** @type {number} */ n) => {
    // Surely a frame of a session that lives. What else may be one, and what is wrong with all others, Rust says.
    if (n >>> 0 === n && lane.open) lane.frame = n;
    else checked(n);
  };
}

/** The frame that was reached since this was last asked; else -1. @param {any} lane */
export function reached(lane) {
  const { frame } = lane;
  lane.frame = -1;
  return frame;
}

/** A promise, and what settles it. */
export function deferred() {
  /** @type {any} */
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** @param {any} socket @param {string} name @param {(...args: any[]) => void} listener @returns {() => void} ends it */
export function subscribe(socket, name, listener) {
  socket.on(name, listener);
  return () => socket.off(name, listener);
}

/** @param {any} socket @param {string} name @param {unknown} payload @param {number} [number] of the ack @param {(number: number, body: unknown) => void} [acked] */
export function emit(socket, name, payload, number, acked) {
  try {
    if (acked) socket.emit(name, payload, (/** @type {unknown} */ body) => acked(/** @type {number} */ (number), body));
    else socket.emit(name, payload);
  } catch (error) {
    report(error);
  }
}

/** Shows the token with the next connection, beside what the page shows. @param {any} socket @param {any} own @param {string} participant_token */
export function authorise(socket, own, participant_token) {
  const add = (/** @type {object} */ auth) => ({ ...auth, participant_token });
  socket.auth =
    typeof own === 'function'
      ? (/** @type {any} */ answer) => call(own, (/** @type {object} */ auth) => answer(add(auth)))
      : add(own);
}
