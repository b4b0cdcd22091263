// The server and the browser's database, as the tests of the outbox use them.

const STORE = 'outbox';

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('stillhere', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'export_id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {(store: IDBObjectStore) => IDBRequest} act */
async function inStore(act) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, 'readwrite');
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

export const clearOutbox = () => inStore((store) => store.clear());

/** What is kept, with each body as the document that it holds. */
export async function kept() {
  const records = await inStore((store) => store.getAll());
  for (const record of records) {
    record.body = await documentIn(record.body, record.encoding);
  }
  return records;
}

/** @param {string} export_id @param {object} metrics @param {string} url */
export function leaveBehind(export_id, metrics, url) {
  const body = new Blob([JSON.stringify(metrics)]);
  const record = { export_id, scene_id: 'old scene', participant_id: 'bert', token: 'old token', url, body, at: 1 };
  return inStore((store) => store.put(record));
}

/** @param {Blob} blob @param {string} [encoding] */
async function documentIn(blob, encoding) {
  const stream = encoding ? blob.stream().pipeThrough(new DecompressionStream('gzip')) : blob;
  return JSON.parse(await new Response(/** @type {any} */ (stream)).text());
}

/** From now on the database takes nothing any more, as when the disk is full. */
export function fillTheDisk() {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  return () => Object.assign(IDBObjectStore.prototype, { put });
}

/** A server that takes exports in chunks, in place of the network, until `stop`. */
export class FakeServer {
  constructor() {
    /** @type {{ url: string, offset: number, complete: string, token: string, bytes: number }[]} */
    this.requests = [];
    /** @type {Record<string, any>} */
    this.documents = {};
    /** @type {Record<string, Blob>} */
    this.parts = {};
    /** How many requests get no answer. */
    this.deaf = 0;
    /** @type {object | undefined} */
    this.refusal = undefined;
    /** @type {[string, any][]} */
    this.beacons = [];
    const { fetch } = window;
    const { sendBeacon } = navigator;
    window.fetch = /** @type {any} */ ((/** @type {any[]} */ ...args) => this.answer(args[0], args[1]));
    navigator.sendBeacon = (url, data) => {
      this.beacons.push([String(url), JSON.parse(String(data))]);
      return true;
    };
    this.stop = () => {
      window.fetch = fetch;
      navigator.sendBeacon = sendBeacon;
    };
  }

  /** @param {string} url @param {any} init */
  async answer(url, { method, headers, body }) {
    if (method !== 'PATCH') throw new Error(method);
    const offset = Number(headers['Upload-Offset']);
    const complete = headers['Upload-Complete'];
    this.requests.push({ url, offset, complete, token: headers.Authorization, bytes: body.size });
    if (this.deaf > 0) {
      this.deaf -= 1;
      throw new TypeError('no network');
    }
    if (this.refusal) return Response.json({ ok: false, error: this.refusal }, { status: 400 });
    const export_id = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
    const duplicate = export_id in this.documents;
    let part = this.parts[export_id] ?? new Blob();
    if (!duplicate && offset === part.size) {
      part = new Blob([part, body]);
      this.parts[export_id] = part;
      if (complete === '?1') this.documents[export_id] = await documentIn(part, 'gzip');
    }
    const stored = export_id in this.documents;
    return Response.json({ ok: true, export_id, received: part.size, stored, duplicate });
  }

  /** Has this much of an export from earlier. @param {string} id @param {string} json @param {number} bytes */
  async begun(id, json, bytes) {
    const whole = new Blob([json]).stream().pipeThrough(new CompressionStream('gzip'));
    this.parts[id] = (await new Response(whole).blob()).slice(0, bytes);
  }
}

/** The browser tells that the page goes, or is there again. @param {'pagehide' | 'pageshow' | 'online'} name */
export function browserSays(name) {
  window.dispatchEvent(name === 'online' ? new Event(name) : new PageTransitionEvent(name, { persisted: true }));
}

/** Data that gzip cannot make smaller. @param {number} bytes */
export function noise(bytes) {
  let text = '';
  while (text.length < bytes) text += Math.random().toString(36).slice(2);
  return text.slice(0, bytes);
}
