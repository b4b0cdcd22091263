// What the tests see of the page, and what they make it do. Beside the Rust tests because a page is JavaScript.

/** A socket whose other end is the test. */
export class FakeSocket {
  constructor() {
    this.connected = true;
    this.auth = { study: 7 };
    /** @type {Map<string, Set<(...args: any[]) => void>>} */
    this.listeners = new Map();
    /** @type {{ event: string, payload: any, ack?: (body?: any) => void }[]} */
    this.sent = [];
    /** @type {Record<string, (payload: any) => any>} */
    this.answers = {};
  }

  /** @param {string} event @param {(...args: any[]) => void} listener */
  on(event, listener) {
    const listeners = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, listeners.add(listener));
    return this;
  }

  /** @param {string} event @param {(...args: any[]) => void} listener */
  off(event, listener) {
    this.listeners.get(event)?.delete(listener);
    return this;
  }

  /** @param {string} event @param {any} payload @param {(body?: any) => void} [ack] */
  emit(event, payload, ack) {
    // As on a wire: what JSON cannot carry does not arrive.
    this.sent.push({ event, payload: JSON.parse(JSON.stringify(payload)), ack });
    if (this.answers[event]) ack?.(this.answers[event](payload));
    return this;
  }

  /** As Socket.IO's emitter does it: whoever listened when the event came is called. @param {string} event @param {any[]} args */
  deliver(event, ...args) {
    for (const listener of [...(this.listeners.get(event) ?? [])]) listener(...args);
  }

  /** Delivers an event that is to be acked; answers what the ack said. @param {string} event @param {any} payload */
  deliverForAck(event, payload) {
    /** @type {any[]} */
    const acks = [];
    const args = payload === undefined ? [] : [payload];
    this.deliver(event, ...args, (/** @type {any} */ body) => acks.push(body));
    return acks;
  }

  /** From now on every such event is acked at once. @param {string} event @param {any} body */
  answer(event, body) {
    this.answers[event] = () => body;
  }

  /** Acks what was sent last under this name. @param {string} event @param {any} body */
  ackLast(event, body) {
    this.sent.findLast((message) => message.event === event)?.ack?.(body);
  }

  /** @param {string} event */
  payloads(event) {
    return this.sent.filter((message) => message.event === event).map(({ payload }) => payload);
  }

  listenerCount() {
    return [...this.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  outstandingAcks() {
    return this.sent.flatMap(({ ack }) => ack ?? []);
  }
}

/** @param {boolean} hidden */
export function setHidden(hidden) {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  Object.defineProperty(document, 'visibilityState', {
    configurable: true,
    get: () => (hidden ? 'hidden' : 'visible'),
  });
  document.dispatchEvent(new Event('visibilitychange'));
}

/**
 * Waits for what the page will do by itself.
 *
 * @param {() => unknown} condition
 * @param {string} what
 */
export async function until(condition, what) {
  const begin = performance.now();
  while (!condition()) {
    if (performance.now() - begin > 10_000) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

/** @param {string} id @param {string} [part] */
export function textOf(id, part) {
  const root = document.getElementById(id)?.shadowRoot;
  if (!root) return undefined;
  const found = part ? root.querySelector(part) : root;
  const hidden = found instanceof HTMLElement && !found.checkVisibility();
  return hidden ? undefined : found?.textContent;
}

/** @param {string} id @param {string} part */
export function partOf(id, part) {
  return document.getElementById(id)?.shadowRoot?.querySelector(part) ?? undefined;
}

/** The element that has the focus, inside of shadow roots too. */
export function focused() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active;
}

/** @param {string} key */
export function press(key) {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, composed: true });
  (focused() ?? document.body).dispatchEvent(event);
  return event.defaultPrevented;
}

/** Writes down what is said on the console until `stop` is called. @param {'error' | 'warn'} level */
export function listenToConsole(level) {
  const original = console[level];
  /** @type {string[]} */
  const said = [];
  console[level] = (...args) => {
    said.push(args.map((arg) => arg?.message ?? String(arg)).join(' '));
  };
  return {
    said,
    stop() {
      console[level] = original;
    },
  };
}

/**
 * Counts what is added to the page and not taken away again, from now until `stop`.
 *
 * @param {FakeSocket} socket
 */
export function audit(socket) {
  /** @type {Set<string>} */
  const listeners = new Set();
  const timers = new Set();
  const workers = new Set();
  const nodesBefore = document.querySelectorAll('*').length;
  const listenersBefore = socket.listenerCount();
  /** @type {(() => void)[]} */
  const undo = [];
  /** @type {Map<unknown, number>} */
  const numbers = new Map();
  /** @param {unknown} thing */
  const numberOf = (thing) => {
    if (!numbers.has(thing)) numbers.set(thing, numbers.size);
    return numbers.get(thing);
  };
  const prototype = EventTarget.prototype;
  const { addEventListener, removeEventListener } = prototype;
  /** @param {EventTarget} target @param {any[]} args */
  const key = (target, [type, listener, options]) => {
    const capture = typeof options === 'object' ? options?.capture : options;
    return [numberOf(target), type, numberOf(listener), Boolean(capture)].join();
  };
  prototype.addEventListener = function (/** @type {any[]} */ ...args) {
    // Elements take their listeners with them; what matters are those who stay.
    if (!(this instanceof Element)) listeners.add(key(this, args));
    return Reflect.apply(addEventListener, this, args);
  };
  prototype.removeEventListener = function (/** @type {any[]} */ ...args) {
    listeners.delete(key(this, args));
    return Reflect.apply(removeEventListener, this, args);
  };
  undo.push(() => Object.assign(prototype, { addEventListener, removeEventListener }));

  const { setInterval, clearInterval, setTimeout, clearTimeout } = window;
  window.setInterval = /** @type {any} */ (
    (/** @type {any[]} */ ...args) => {
      const id = Reflect.apply(setInterval, window, args);
      timers.add(id);
      return id;
    }
  );
  window.setTimeout = /** @type {any} */ (
    (/** @type {any} */ run, /** @type {number} */ ms) => {
      const id = Reflect.apply(setTimeout, window, [
        () => {
          timers.delete(id);
          run();
        },
        ms,
      ]);
      timers.add(id);
      return id;
    }
  );
  window.clearInterval = (id) => {
    timers.delete(id);
    Reflect.apply(clearInterval, window, [id]);
  };
  window.clearTimeout = (id) => {
    timers.delete(id);
    Reflect.apply(clearTimeout, window, [id]);
  };
  undo.push(() => Object.assign(window, { setInterval, clearInterval, setTimeout, clearTimeout }));

  const OriginalWorker = window.Worker;
  // The browser's own: the test runner puts one of its make before it, with listeners and a timer.
  const BrowserWorker = /** @type {typeof Worker} */ (OriginalWorker.prototype.constructor);
  let workersEver = 0;
  window.Worker = class extends BrowserWorker {
    /** @param {string | URL} url */
    constructor(url) {
      super(url);
      workers.add(this);
      workersEver += 1;
    }

    terminate() {
      workers.delete(this);
      super.terminate();
    }
  };
  undo.push(() => Object.assign(window, { Worker: OriginalWorker }));

  return {
    counts: () => ({
      listeners: listeners.size,
      socketListeners: socket.listenerCount() - listenersBefore,
      timers: timers.size,
      workers: workers.size,
      nodes: document.querySelectorAll('*').length - nodesBefore,
    }),
    workersEver: () => workersEver,
    stop() {
      for (const step of undo) step();
    },
  };
}

/**
 * Replaces the browser's workers until the answered function is called.
 *
 * @param {'throws' | 'errors'} how in the constructor, or soon after it, as browsers tell that a policy forbids the script
 */
export function breakWorkers(how) {
  const original = window.Worker;
  /** @type {string[]} */
  const asked = [];
  window.Worker = /** @type {any} */ (
    class extends EventTarget {
      /** @param {string} url */
      constructor(url) {
        super();
        asked.push(url);
        if (how === 'throws') throw new DOMException('refused', 'SecurityError');
        queueMicrotask(() => this.dispatchEvent(new Event('error')));
      }

      postMessage() {}

      terminate() {}
    }
  );
  return {
    asked,
    stop() {
      window.Worker = original;
    },
  };
}

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
  const body = new TextEncoder().encode(JSON.stringify(metrics));
  const record = { export_id, scene_id: 'old scene', participant_id: 'bert', token: 'old token', url, body, at: 1 };
  return inStore((store) => store.put(record));
}

/** @param {BlobPart} kept @param {string} [encoding] */
async function documentIn(kept, encoding) {
  const blob = new Blob([kept]);
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

  /** Has this much of an export that an earlier page left. @param {string} id @param {number} bytes */
  async begun(id, bytes) {
    const { body } = await inStore((store) => store.get(id));
    const whole = new Blob([body]).stream().pipeThrough(new CompressionStream('gzip'));
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
