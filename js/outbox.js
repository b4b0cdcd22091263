/**
 * The browser's outbox: an export is written as JSON, kept in IndexedDB, compressed and sent. What is done, and when, the session decides.
 *
 * @module stillhere/outbox
 */

import { compose } from './values.js';

/**
 * An export on its way. Enough for any later page to send it.
 *
 * @typedef {object} Kept
 * @property {string} export_id
 * @property {string} scene_id
 * @property {string} participant_id
 * @property {string} token
 * @property {string} url the origin of the server
 * @property {Blob} body the metrics as JSON
 * @property {string[]} [text] the same, while the socket may send it
 * @property {string} [encoding] `gzip` once the body is compressed
 * @property {number} at when it was made, in milliseconds since the Unix epoch
 */

const STORE = 'outbox';
/** So much is compressed in some milliseconds. */
const BIT = 1 << 15;
/** A chunk that takes longer is sent anew. */
const PATIENCE = 60_000;

/** @type {IDBDatabase | undefined} */
let database;
/** @type {Promise<void> | undefined} */
let opening;

function closed() {
  database = undefined;
  opening = undefined;
}

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('stillhere', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'export_id' });
    request.onerror = () => {
      closed();
      reject(request.error);
    };
    request.onsuccess = () => {
      database = request.result;
      database.onclose = closed;
      database.onversionchange = () => {
        database?.close();
        closed();
      };
      resolve();
    };
  });
  return opening;
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T>} once it is on the disk
 */
async function transact(mode, act) {
  // Without a pause where the database is open: a page that is being closed gets no second turn.
  if (!database) await open();
  return new Promise((resolve, reject) => {
    const transaction = /** @type {IDBDatabase} */ (database).transaction(STORE, mode, { durability: 'strict' });
    const request = act(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
    // Chromium never completes a transaction that reads a large value and was committed before it had it.
    if (mode === 'readwrite') transaction.commit();
  });
}

/** @param {Omit<Kept, 'body'> & { body: BlobPart }} kept */
async function put(kept) {
  const { body } = kept;
  try {
    return await transact('readwrite', (store) => store.put(kept));
  } catch (error) {
    if (!(body instanceof Blob)) throw error;
    // A private window of Safari keeps no blobs.
    const bytes = await body.arrayBuffer();
    return transact('readwrite', (store) => store.put({ ...kept, body: bytes }));
  }
}

/** Where an export is until the database has it: a page that is being closed may not live to see that. */
const BRIEFLY = 'stillhere:kept:';
/** Browsers grant an origin about five times as many characters there. */
const BRIEFLY_AT_MOST = 1_000_000;

/** What the sessions of this page send themselves: left over it is only once they are disposed of. @type {Set<IDBValidKey>} */
const inHand = new Set();

/** @param {string} id */
const hold = (id) => inHand.add(id);

/** @param {string} id */
export const release = (id) => inHand.delete(id);

/** @param {string} id */
function forget(id) {
  try {
    localStorage.removeItem(BRIEFLY + id);
  } catch {
    // Then nothing was put there either.
  }
}

/**
 * @param {Kept} kept
 * @param {Uint8Array<ArrayBuffer> | undefined} bytes of the body, if they are at hand
 * @param {(persisted: boolean) => void} done
 */
function keep({ text: _, ...kept }, bytes, done) {
  const id = kept.export_id;
  try {
    if (bytes && bytes.length < BRIEFLY_AT_MOST) {
      localStorage.setItem(BRIEFLY + id, JSON.stringify({ ...kept, body: new TextDecoder().decode(bytes) }));
    }
  } catch {
    // No room, or forbidden: the database alone then.
  }
  /** @param {boolean} persisted */
  const settled = (persisted) => {
    forget(id);
    done(persisted);
  };
  put({ ...kept, body: bytes ?? kept.body }).then(
    () => settled(true),
    () => settled(false),
  );
}

/** Brings into the database what closed pages could not. */
async function recover() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(BRIEFLY)) {
      await put(JSON.parse(localStorage[key]));
      localStorage.removeItem(key);
    }
  }
}

/** Whether this browser can send exports in chunks. */
export const canCompress = () => typeof CompressionStream === 'function';

/** @param {(ids: IDBValidKey[]) => void} done */
export function list(done) {
  recover()
    .catch(() => {})
    .then(() => transact('readonly', (store) => store.getAllKeys()))
    .then(
      (ids) => done(ids.filter((id) => !inHand.has(id))),
      () => done([]),
    );
}

/** @param {string} id */
export function drop(id) {
  release(id);
  forget(id);
  transact('readwrite', (store) => store.delete(id)).catch(() => {});
}

/**
 * Sends the chunk that begins at `offset`. `done` gets the server's JSON; `null` if the outbox has no such export;
 * nothing if there was no answer.
 *
 * @param {Kept | undefined} kept
 * @param {string} id
 * @param {number} offset
 * @param {number} limit
 * @param {(answer?: unknown) => void} done
 */
export function patch(kept, id, offset, limit, done) {
  answer(kept, id, offset, offset + limit).then(done, () => done());
}

/**
 * @param {Kept | undefined} given
 * @param {string} id
 * @param {number} offset
 * @param {number} end
 */
async function answer(given, id, offset, end) {
  /** @type {Kept | undefined} */
  const kept = given ?? (await transact('readonly', (store) => store.get(id)));
  if (!kept) return null;
  delete kept.text;
  kept.body = new Blob([kept.body]);
  if (!kept.encoding) {
    kept.body = await compress(kept.body);
    kept.encoding = 'gzip';
    // Another browser version may compress otherwise; chunks of two kinds would not fit together. A database that does not
    // answer must not keep the data here, though.
    put(kept).catch(() => {});
  }
  const path = `/api/exports/${encodeURIComponent(id)}?scene_id=${encodeURIComponent(kept.scene_id)}`;
  const response = await fetch(kept.url + path, {
    method: 'PATCH',
    headers: {
      Authorization: `Bearer ${kept.token}`,
      'Upload-Offset': `${offset}`,
      'Upload-Complete': end < kept.body.size ? '?0' : '?1',
    },
    body: kept.body.slice(offset, end),
    signal: AbortSignal.timeout?.(PATIENCE),
  });
  return response.json();
}

/** Fed bit by bit: browsers compress all that they are given at once, and in the page's one thread. @param {Blob} body */
async function compress(body) {
  const { readable, writable } = new CompressionStream('gzip');
  const compressed = new Response(readable).blob();
  const writer = writable.getWriter();
  for (let i = 0; i < body.size; i += BIT) {
    await writer.write(new Uint8Array(await body.slice(i, i + BIT).arrayBuffer()));
  }
  await writer.close();
  return compressed;
}

/**
 * @param {any} socket
 * @param {object} words
 */
export function beacon(socket, words) {
  navigator.sendBeacon?.(`${origin(socket)}/api/last-status`, JSON.stringify(words));
}

/** Where the socket's server is; the page's own if the socket does not say. @param {any} socket */
function origin(socket) {
  try {
    return new URL(socket.io.uri, location.href).origin.replace(/^ws/, 'http');
  } catch {
    return location.origin;
  }
}

// A large export would take the page's one thread for seconds in one go.

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
