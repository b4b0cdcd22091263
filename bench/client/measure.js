/** What can be measured in a page and in Node alike: each side's times, by turns, so that whatever else the machine does disturbs both. */
import { PLAIN, play, SETTINGS } from './game.js';
import { PlainMonitor } from './plain.js';

/**
 * @typedef {Record<string, number[]>} Times of each side, in nanoseconds
 * @typedef {{ name: string, unit: string, times: Times }} Figure
 */

const ROUNDS = 25;

/**
 * @param {Record<string, () => void>} sides each does the work of a round once
 * @param {number} per how many there are in a round
 * @param {number} rounds
 * @returns {Times}
 */
function byTurns(sides, per, rounds = ROUNDS) {
  /** @type {Times} */
  const times = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  // The first rounds are the compiler's.
  for (let round = -3; round < rounds; round += 1) {
    for (const [side, work] of Object.entries(sides)) {
      const begin = performance.now();
      work();
      if (round >= 0) times[side].push(((performance.now() - begin) * 1e6) / per);
    }
  }
  return times;
}

/**
 * The per-frame code of MUG's game loop: a ping value each frame, a check each 30 frames, and whether the callback is due.
 *
 * @param {any} ContinuousMonitor
 */
function mugFrames(ContinuousMonitor) {
  const monitor = new ContinuousMonitor({ ...SETTINGS, has_continuous_callback: false });
  let counter = 0;
  return () => {
    monitor.recordPing(40);
    counter += 1;
    if (counter >= 30) {
      counter = 0;
      if (monitor.check().exclude) throw new Error('excluded');
    }
    if (monitor.shouldExecuteCallback()) throw new Error('there is no callback');
  };
}

/** @param {() => void} work @param {number} times */
const repeat = (work, times) => () => {
  for (let i = 0; i < times; i += 1) work();
};

/**
 * @param {any} ParticipantSession
 * @param {any} [ContinuousMonitor] MUG's, if there is one
 * @returns {Figure[]}
 */
export function quick(ParticipantSession, ContinuousMonitor) {
  const { session } = play(ParticipantSession);
  const plain = new PlainMonitor(PLAIN);
  const figures = [];

  const FRAMES = 200_000;
  let ours = 0;
  let theirs = 0;
  /** @type {Record<string, () => void>} */
  const frames = {
    stillhere: repeat(() => session.frame(ours++), FRAMES),
    plain: repeat(() => plain.frame(theirs++), FRAMES),
  };
  if (ContinuousMonitor) frames.mug = repeat(mugFrames(ContinuousMonitor), FRAMES);
  figures.push({ name: 'frame(n)', unit: 'ns', times: byTurns(frames, FRAMES) });
  if (session.status().frame !== ours - 1) throw new Error('frames were lost');

  const SAMPLES = 10_000;
  /** @type {Record<string, () => void>} */
  const judged = {
    stillhere: repeat(() => session.recordPing(40), SAMPLES),
    plain: repeat(() => plain.recordPing(40), SAMPLES),
  };
  if (ContinuousMonitor) {
    const monitor = new ContinuousMonitor({ ...SETTINGS, has_continuous_callback: false });
    judged.mug = repeat(() => {
      monitor.recordPing(40);
      if (monitor.check().exclude) throw new Error('excluded');
    }, SAMPLES);
  }
  figures.push({ name: 'one sample, judged', unit: 'ns', times: byTurns(judged, SAMPLES) });
  session.dispose();
  plain.dispose();
  return figures;
}

/**
 * The metrics of a session with so many samples, built and written as JSON.
 *
 * @param {any} ParticipantSession
 * @param {number} samples
 * @returns {Figure[]}
 */
export function building(ParticipantSession, samples) {
  const { session } = play(ParticipantSession);
  const plain = new PlainMonitor(PLAIN);
  for (let i = 0; i < samples; i += 1) {
    const rtt = 40 + (i % 17) + 0.25;
    session.recordPing(rtt);
    plain.recordPing(rtt);
  }
  const count = (/** @type {any} */ metrics) => {
    if (metrics.monitor.samples.length !== samples || metrics.latency.count !== samples)
      throw new Error('samples were lost');
    return metrics;
  };
  const rounds = samples > 50_000 ? 3 : 9;
  const built = byTurns(
    { stillhere: () => count(session.exportMetrics()), plain: () => count(plain.exportMetrics()) },
    samples,
    rounds,
  );
  session.dispose();
  plain.dispose();
  return [{ name: `metrics of ${samples.toLocaleString('en')} samples, each sample`, unit: 'ns', times: built }];
}
