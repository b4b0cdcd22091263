// node bench/frame.js CONTINUOUS_MONITOR: what a frame costs with `frame(n)`, and with the per-frame code of MUG that it
// replaces, in one page of one Chromium. CONTINUOUS_MONITOR is MUG's script (Python package `multi-user-gymnasium`,
// mug/server/static/js/continuous_monitor.js). Needs `npm run build`.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { Browser } from '../tests/e2e/support/browser.js';
import { root } from '../tests/e2e/support/paths.js';

const theirs = process.argv[2];
if (!theirs) throw new Error("the path of MUG's continuous_monitor.js is missing");

/** @type {Record<string, string>} */
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

const server = createServer(async ({ url = '/' }, answer) => {
  try {
    const path = url === '/mug.js' ? theirs : join(root, 'dist', url);
    const content = url === '/' ? '<!doctype html><title>frames</title>' : await readFile(path);
    answer.setHeader('content-type', TYPES[extname(path)] ?? 'text/html').end(content);
  } catch {
    answer.writeHead(404).end();
  }
});

/** Runs in the page: the median time of a frame in nanoseconds, for each. @returns {Promise<{ours: number, mug: number}>} */
async function measure() {
  const { default: init, ParticipantSession } = await import(new URL('/stillhere.js', location.href).href);
  const { ContinuousMonitor } = await import(new URL('/mug.js', location.href).href);
  await init();
  const settings = { continuous_monitoring_enabled: true, continuous_max_ping: 300 };

  /** @type {Record<string, (payload: unknown) => void>} */
  const listeners = {};
  const session = ParticipantSession.attach(
    {
      emit() {},
      on: (/** @type {string} */ name, /** @type {any} */ listener) => {
        listeners[name] = listener;
      },
      off() {},
    },
    {},
  );
  session.join({});
  listeners.pyodide_player_assigned?.({ player_id: 0, game_id: 'g', game_seed: 1, num_players: 2 });
  listeners.pyodide_game_ready?.({ game_id: 'g', players: [0, 1], player_subjects: {}, scene_metadata: settings });
  if (session.status().state !== 'playing') throw new Error('the session does not play');

  // As MUG's game loop has it: a ping value each frame, a check each 30 frames, and whether the callback is due.
  const monitor = new ContinuousMonitor(settings);
  let counter = 0;
  const mugFrame = () => {
    monitor.recordPing(40);
    counter += 1;
    if (counter >= 30) {
      counter = 0;
      if (monitor.check().exclude) throw new Error('excluded');
    }
    if (monitor.shouldExecuteCallback()) throw new Error('there is no callback');
  };

  const FRAMES = 200_000;
  const ROUNDS = 15;
  const ours = [];
  const mug = [];
  let frame = 0;
  // By turns, so that whatever else the machine does disturbs both.
  for (let round = 0; round < ROUNDS; round += 1) {
    let begin = performance.now();
    for (let i = 0; i < FRAMES; i += 1) session.frame(frame++);
    ours.push(performance.now() - begin);
    begin = performance.now();
    for (let i = 0; i < FRAMES; i += 1) mugFrame();
    mug.push(performance.now() - begin);
  }
  session.dispose();
  /** @param {number[]} times */
  const median = (times) => (times.sort((a, b) => a - b)[ROUNDS >> 1] * 1e6) / FRAMES;
  return { ours: median(ours), mug: median(mug) };
}

await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
const browser = await Browser.open();
try {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await browser.driver.get(`http://127.0.0.1:${port}/`);
  const { ours, mug } = await browser.driver.executeScript(`return (${measure})()`);
  console.log(`frame(n)   ${ours.toFixed(1)} ns`);
  console.log(`MUG        ${mug.toFixed(1)} ns`);
  console.log(`ratio      ${(ours / mug).toFixed(2)}`);
} finally {
  await browser.close();
  server.close();
}
