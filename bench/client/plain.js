/**
 * A monitor as one would write it in JavaScript who wanted what stillhere's monitor does: the same checks of what the page
 * says, the same rules, the same telemetry and the same keys in the export. It has no socket, no overlay and no outbox.
 */

const MAX_FRAME = Number.MAX_SAFE_INTEGER;
const WARN_AGAIN = 5000;

/** @param {string} code @param {string} message */
const failure = (code, message) => Object.assign(new Error(message), { code });

export class PlainMonitor {
  #config;
  #disposed = false;
  #frame = 0;
  #nextFrame = 0;
  #callbackDue = false;
  #start = performance.now();
  #epoch = Date.now();
  /** @type {{seq: number | null, sentMs: number, rttMs: number | null, stalledMs: number, origin: string, judged: boolean}[]} */
  #samples = [];
  /** @type {typeof this.#samples} */
  #recent = [];
  #lastFrontend = Number.NEGATIVE_INFINITY;
  #lastWarning = Number.NEGATIVE_INFINITY;
  /** @type {object[]} */
  #warnings = [];
  /** @type {object | null} */
  #exclusion = null;
  /** @type {{start: number, end: number | null}[]} */
  #hidden = [];
  #onVisibility = () => {
    const now = this.#now();
    if (document.hidden) this.#hidden.push({ start: now, end: null });
    else for (const period of this.#hidden) period.end ??= now;
    this.#recent = [];
  };

  /** @param {{maxPing: number | null, window: number, required: number, interval: number, tabExclude: number, callbackEvery: number | null}} config */
  constructor(config) {
    this.#config = config;
    document.addEventListener('visibilitychange', this.#onVisibility);
  }

  dispose() {
    this.#disposed = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
  }

  /** @param {number} n */
  frame(n) {
    this.#live();
    if (!Number.isInteger(n) || n < 0 || n > MAX_FRAME) {
      throw failure('invalid_argument', 'frame(n): n must be a whole number, 0 or more');
    }
    this.#frame = n;
    const every = this.#config.callbackEvery;
    if (every !== null && (n >= this.#nextFrame || n + every < this.#nextFrame)) {
      this.#nextFrame = n + every;
      this.#callbackDue = true;
    }
  }

  /** @param {number} ms */
  recordPing(ms) {
    this.#live();
    if (!Number.isFinite(ms) || ms < 0) {
      throw failure('invalid_argument', 'recordPing(ms): ms must be a number, 0 or more');
    }
    const now = this.#now();
    const { maxPing, interval, required } = this.#config;
    const fresh = now - this.#lastFrontend >= interval;
    if (fresh) this.#lastFrontend = now;
    const judged = fresh && maxPing !== null && !document.hidden && this.#exclusion === null;
    const sample = { seq: null, sentMs: now, rttMs: ms, stalledMs: 0, origin: 'frontend', judged };
    this.#samples.push(sample);
    if (judged) {
      this.#recent.push(sample);
      if (this.#recent.length > required) this.#recent.shift();
      const over = (/** @type {typeof sample} */ { rttMs }) => rttMs === null || rttMs > maxPing;
      if (this.#recent.length === required && this.#recent.every(over)) {
        this.#exclude('sustained_ping', { maxPing, samples: [...this.#recent] }, now);
      } else if (over(sample) && now - this.#lastWarning >= WARN_AGAIN) {
        this.#lastWarning = now;
        this.#warnings.push({ kind: 'ping', frame: this.#frame, atMs: now });
      }
    }
    this.tick(now);
  }

  /** What a timer calls. */
  tick(now = this.#now()) {
    const last = this.#hidden.at(-1);
    if (last && last.end === null && now - last.start >= this.#config.tabExclude) {
      this.#exclude('tab_hidden', { hiddenMs: now - last.start }, now);
    }
    if (this.#callbackDue && this.#exclusion === null) this.#callbackDue = false;
  }

  /** @returns {Record<string, unknown>} */
  exportMetrics() {
    this.#live();
    const now = this.#now();
    return {
      exportTimestamp: this.#epoch + now,
      sessionStartTime: this.#epoch,
      sessionDurationMs: now,
      latency: this.#latency(),
      focusLoss: { backgroundPeriods: this.#hidden.map((period) => ({ ...period })) },
      monitor: {
        samples: this.#samples.map((sample) => ({ ...sample })),
        warnings: this.#warnings.map((warning) => ({ ...warning })),
        exclusion: structuredClone(this.#exclusion),
      },
    };
  }

  #latency() {
    const inOrder = [];
    for (const { rttMs } of this.#samples) if (rttMs !== null) inOrder.push(rttMs);
    let difference = 0;
    for (let i = 1; i < inOrder.length; i += 1) difference += Math.abs(inOrder[i] - inOrder[i - 1]);
    const sorted = Float64Array.from(inOrder).sort();
    const rank = (/** @type {number} */ percent) => sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? null;
    return {
      count: sorted.length,
      lost: this.#samples.length - sorted.length,
      min: sorted[0] ?? null,
      median: rank(50),
      p95: rank(95),
      p99: rank(99),
      max: sorted.at(-1) ?? null,
      jitter: inOrder.length > 1 ? difference / (inOrder.length - 1) : null,
    };
  }

  /** @param {string} reason @param {object} finding @param {number} now */
  #exclude(reason, finding, now) {
    this.#exclusion ??= { reason, frame: this.#frame, evidence: { decidedAtMs: now, ...finding } };
  }

  #now() {
    // As ours: both clocks are read, since the monotonic one stops while a device sleeps.
    return Math.max(performance.now() - this.#start, Date.now() - this.#epoch - 1000, 0);
  }

  #live() {
    if (this.#disposed) throw failure('disposed', 'this session was disposed of: attach a new one');
  }
}
