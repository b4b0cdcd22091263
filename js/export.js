/**
 * An export on its way out of the page's memory, as JSON. A large one would take the page's one thread for seconds in one go.
 *
 * @module stillhere/export
 */

import { hold, keep, origin } from './outbox.js';
import { compose } from './values.js';

/** @typedef {import('./outbox.js').Kept} Kept */

/** What holds this much is taken apart. */
const HEAVY = 1000;

/** What is left of `room` when the value is in. @param {any} value @param {number} room @returns {number} */
function weigh(value, room) {
  room -= typeof value === 'string' ? 1 + value.length / 50 : 1;
  if (typeof value === 'object') {
    for (const key in value) {
      if (room < 0) break;
      room = weigh(value[key], room - 1);
    }
  }
  return room;
}

/**
 * What `JSON.stringify` writes, in pieces that are each done soon. Nothing for what that writes nothing for.
 *
 * @param {any} value
 * @param {any[]} [within] what it is a part of
 * @returns {Generator<string, void>}
 */
export function* pieces(value, within = []) {
  if (typeof value?.toJSON === 'function') value = value.toJSON();
  if (weigh(value, HEAVY) >= 0) {
    const text = JSON.stringify(value);
    if (text) yield text;
    return;
  }
  if (typeof value === 'string') {
    // Half a character at an end is written as an escape, which means the same.
    for (let i = 0; i < value.length; i += HEAVY) yield JSON.stringify(value.slice(i, i + HEAVY)).slice(i && 1, -1);
    yield '"';
    return;
  }
  if (within.includes(value)) throw new TypeError('it contains itself');
  const inner = [...within, value];
  const list = Array.isArray(value);
  let before = list ? '[' : '{';
  for (const key of list ? value.keys() : Object.keys(value)) {
    const name = list ? '' : `${JSON.stringify(key)}:`;
    let isEmpty = true;
    for (const piece of pieces(value[key], inner)) {
      yield isEmpty ? before + name + piece : piece;
      isEmpty = false;
    }
    if (isEmpty && list) yield `${before}null`;
    if (!isEmpty || list) before = ',';
  }
  yield (before === ',' ? '' : before) + (list ? ']' : '}');
}

/** What holds less is written at once. */
const SMALL = 5000;
/** So many characters of JSON are written before the page has its turn, fewer as long as the browser has not compiled this. */
const TURN = 50_000;
const FIRST_TURN = 5000;

/** @param {any} value */
function isSmall(value) {
  try {
    return weigh(value, SMALL) >= 0;
  } catch {
    // It cannot be read, which is found again when it is written.
    return true;
  }
}

/**
 * Writes an export, and keeps it if it says whose it is. What is large is written in many turns, unless nobody sees the page wait or
 * there is no time.
 *
 * @param {Kept} kept
 * @param {object} ours
 * @param {(() => any) | undefined} source the game's own data
 * @param {any} socket
 * @param {boolean} hurry
 * @param {(bytes: number, persisted: boolean, fault?: unknown) => void} done first when it is written, again when it is kept
 */
export function write(kept, ours, source, socket, hurry, done) {
  const [value, broken] = compose(ours, source, (data) => (typeof data?.toJSON === 'function' ? data.toJSON() : data));
  Object.assign(kept, { url: origin(socket), at: Date.now() });
  hold(kept.export_id);
  let fault = broken;
  let parts = pieces(value);
  hurry ||= isSmall(value);
  /** @type {string[]} */
  let text = [];
  /** @type {Blob[]} */
  let blobs = [];
  let isWritten = false;

  /** @returns {void} */
  const turn = () => {
    let written = '';
    try {
      while (written.length < Math.min(TURN, FIRST_TURN * (text.length + 1)) && !isWritten) {
        const { done, value } = parts.next();
        if (done) isWritten = true;
        else written += value;
      }
    } catch (error) {
      // Of the game's own data only: ours are plain.
      if (fault) throw error;
      fault = error;
      text = [];
      blobs = [];
      parts = pieces(ours);
      return turn();
    }
    text.push(written);
    if (!hurry) blobs.push(new Blob([written]));
  };
  const step = () => {
    if (isWritten) return;
    do turn();
    while (!isWritten && (hurry || document.hidden));
    if (isWritten) {
      removeEventListener('pagehide', rest);
      // A blob's content is fetched later, and a page that is being closed has no later.
      const bytes = hurry ? new TextEncoder().encode(text.join('')) : undefined;
      kept.text = text;
      kept.body = new Blob(bytes ? [bytes] : blobs);
      done(kept.body.size, false, fault);
      if (kept.token) keep(kept, bytes, (persisted) => done(kept.body.size, persisted));
    } else {
      later();
    }
  };
  const later = () => {
    addEventListener('pagehide', rest);
    setTimeout(step);
  };
  const rest = () => {
    hurry = true;
    step();
  };
  if (hurry || document.hidden) step();
  else later();
}

/** The metrics as the socket sends them; nothing once they go up in chunks. @param {Kept | undefined} kept */
export const plain = (kept) => kept?.text && JSON.parse(kept.text.join(''));
