/** What only a page can show. Each function runs in a page of its own. */
import { PLAIN, play } from './game.js';
import { building, quick } from './measure.js';

/** Plain data like that of a game: so many bytes as JSON. @param {number} bytes */
function gameData(bytes) {
  const frames = [];
  // One of these is about 200 bytes.
  for (let frame = 0; frame < bytes / 200; frame += 1) {
    frames.push({
      frame,
      timestamp: 1_700_000_000_000 + frame * 16,
      actions: { 0: frame % 7, 1: (frame * 3) % 7 },
      positions: [
        [frame * 0.123, frame * 0.456],
        [frame * 0.321, frame * 0.654],
      ],
      rewards: [frame % 2, 0],
      note: `frame ${frame} of a game that goes on and on`,
    });
  }
  return { inputs: frames };
}

/** @type {(() => Promise<unknown>) | undefined} */
let exporting;

/** Gets ready to export so many bytes. @param {'stillhere' | 'plain'} side @param {number} bytes */
async function beginExport(side, bytes) {
  const data = gameData(bytes);
  if (side === 'plain') {
    // As one would write it first.
    exporting = async () => {
      const body = new Blob([JSON.stringify({ ...data, sessionStatus: {} })]);
      const compressed = body.stream().pipeThrough(new CompressionStream('gzip'));
      await fetch('/', { method: 'PATCH', body: await new Response(compressed).blob() });
    };
    return;
  }
  const { default: init, ParticipantSession } = await import(new URL('/dist/stillhere.js', location.href).href);
  await init();
  const { session } = play(ParticipantSession);
  session.setMetricsSource(() => data);
  exporting = () =>
    new Promise((resolve, reject) => {
      session.on('exported', resolve);
      session.on('error', reject);
      session.complete();
    });
}

/** From the end of the game to the server's last answer, in milliseconds. */
async function finishExport() {
  // The task that begins it counts too, so the mark is made in one before.
  performance.mark('export');
  await new Promise((resolve) => setTimeout(resolve));
  const begin = performance.now();
  await exporting?.();
  return performance.now() - begin;
}

/** From nothing to a session, in milliseconds; each in its own page. @param {'stillhere' | 'plain' | 'mug'} side */
async function attach(side) {
  const begin = performance.now();
  if (side === 'stillhere') {
    const { default: init, ParticipantSession } = await import(new URL('/dist/stillhere.js', location.href).href);
    await init();
    const nowhere = { connected: false, emit() {}, on() {}, off() {} };
    ParticipantSession.attach(nowhere, {});
  } else if (side === 'plain') {
    const { PlainMonitor } = await import(new URL('/bench/plain.js?alone', location.href).href);
    new PlainMonitor(PLAIN);
  } else {
    const { ContinuousMonitor } = await import(new URL('/mug.js', location.href).href);
    new ContinuousMonitor({ continuous_monitoring_enabled: true, continuous_max_ping: 300 });
  }
  return performance.now() - begin;
}

/** A page whose clocks and ticker go as fast as the machine can. */
class FastTime {
  #now = 0;
  /** @type {(() => void)[]} */
  #beats = [];

  constructor() {
    const epoch = Date.now();
    const real = performance.now();
    performance.now = () => real + this.#now;
    Date.now = () => epoch + this.#now;
    const beats = this.#beats;
    class Ticker extends EventTarget {
      postMessage() {
        beats.push(() => this.dispatchEvent(new MessageEvent('message', { data: performance.now() })));
      }
      terminate() {}
    }
    Object.assign(globalThis, { Worker: Ticker });
  }

  /** @param {number} ms @param {(frame: number) => void} frame at 60 in a second */
  play(ms, frame) {
    for (const end = this.#now + ms; this.#now < end; ) {
      this.#now += 50;
      for (const beat of this.#beats) beat();
      for (let i = 0; i < 3; i += 1) frame(Math.floor((this.#now * 60) / 1000) + i);
    }
  }
}

/** @type {{ time: FastTime, frame: (n: number) => void, memory?: WebAssembly.Memory, kept: unknown } | undefined} */
let playing;

/** Begins an hour of play. @param {'stillhere' | 'plain'} side */
async function beginHour(side) {
  const time = new FastTime();
  if (side === 'plain') {
    const { PlainMonitor } = await import('./plain.js');
    const monitor = new PlainMonitor({ ...PLAIN, interval: 1000 });
    let next = 0;
    playing = {
      time,
      kept: monitor,
      frame(n) {
        monitor.frame(n);
        // A ping each second, as ours.
        if (n < next) return;
        next = n + 60;
        monitor.recordPing(30 + (n % 20));
      },
    };
    return;
  }
  /** @type {WebAssembly.Memory | undefined} */
  let memory;
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...args) => {
    const made = await instantiateStreaming(...args);
    memory = /** @type {WebAssembly.Memory} */ (made.instance.exports.memory);
    return made;
  };
  const { default: init, ParticipantSession } = await import(new URL('/dist/stillhere.js', location.href).href);
  await init();
  const { session, socket } = play(ParticipantSession);
  playing = { time, frame: (n) => session.frame(n), memory, kept: { session, socket } };
}

/** Ten minutes of it; what WebAssembly holds then, in bytes. */
function tenMinutes() {
  if (!playing) throw new Error('nothing is being played');
  playing.time.play(600_000, playing.frame);
  return playing.memory?.buffer.byteLength ?? 0;
}

/** How much was measured in that time. An export takes memory of its own, which WebAssembly never gives back. */
function samples() {
  const kept = /** @type {any} */ (playing?.kept);
  return (kept.session ?? kept).exportMetrics().monitor.samples.length;
}

/** @param {boolean} withMug */
async function prepare(withMug) {
  const { default: init, ParticipantSession } = await import(new URL('/dist/stillhere.js', location.href).href);
  const mug = withMug ? await import(new URL('/mug.js', location.href).href) : {};
  await init();
  console.log = () => {};
  return { ParticipantSession, ContinuousMonitor: mug.ContinuousMonitor };
}

Object.assign(globalThis, {
  bench: {
    attach,
    beginExport,
    beginHour,
    finishExport,
    samples,
    tenMinutes,
    /** @param {boolean} withMug */
    async quick(withMug) {
      const { ParticipantSession, ContinuousMonitor } = await prepare(withMug);
      return quick(ParticipantSession, ContinuousMonitor);
    },
    /** @param {number} samples */
    async building(samples) {
      const { ParticipantSession } = await prepare(false);
      return building(ParticipantSession, samples);
    },
  },
});
