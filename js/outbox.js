/**
 * The browser's outbox: IndexedDB, compression and requests as they are. What is done, and when, the session decides.
 *
 * @module stillhere/outbox
 */

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
const put = (kept) => transact('readwrite', (store) => store.put(kept));

/** Where an export is until the database has it: a page that is being closed may not live to see that. */
const BRIEFLY = 'stillhere:kept:';
/** Browsers grant an origin about five times as many characters there. */
const BRIEFLY_AT_MOST = 1_000_000;

/** What the sessions of this page send themselves: left over it is only once they are disposed of. @type {Set<IDBValidKey>} */
const inHand = new Set();

/** @param {string} id */
export const hold = (id) => inHand.add(id);

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
export function keep({ text: _, ...kept }, bytes, done) {
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
export function origin(socket) {
  try {
    return new URL(socket.io.uri, location.href).origin.replace(/^ws/, 'http');
  } catch {
    return location.origin;
  }
}
