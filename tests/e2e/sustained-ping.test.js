// A participant's line becomes slow or dies. Once is bad luck; again and again ends the game.

import assert from 'node:assert/strict';
import { assertSameGame } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const MAX_PING = 300;
const PARTNER_TEXT = 'Your partner experienced a technical issue. The game has ended.';

/** @param {import('./support/page.js').ParticipantPage} page */
async function measured(page) {
  await until(`${page.participantId} to have measured the line`, async () => /\d/.test(await page.text('ping')));
}

/**
 * @param {Record<string, any>} metrics
 * @returns {{ rttMs: number | null, stalledMs: number, judged: boolean }[]}
 */
function samplesOf(metrics) {
  return metrics.monitor.samples;
}

/**
 * @param {import('./support/page.js').ParticipantPage} page
 * @param {string} id
 */
async function saw(page, id) {
  return (await page.record()).some(({ what, shown }) => what === id && shown);
}

study(
  'one ping spike warns and does not exclude',
  { metadata: { continuous_max_ping: MAX_PING, ping_interval_ms: 1500, episodes: 1, episode_seconds: 8 } },
  async (running) => {
    const line = await running.line();
    const { a, b } = await running.pair({ origin: line.url });
    await measured(a);
    line.delay = MAX_PING;
    await a.waitForOverlay('monitorWarningBanner');
    line.delay = 0;
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
      assert.ok(!(await saw(page, 'monitorExclusionOverlay')));
      assert.ok(!(await saw(page, 'partnerExcludedOverlay')));
    }
    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    assert.equal(fromA.is_partial, 0);
    assert.equal(fromB.is_partial, 0);
    const slow = samplesOf(fromA.metrics).filter(({ rttMs }) => rttMs !== null && rttMs > MAX_PING);
    assert.ok(slow.length >= 1 && slow.length < 3, JSON.stringify(slow));
    assert.ok(fromA.metrics.latency.max >= 2 * MAX_PING, JSON.stringify(fromA.metrics.latency));
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 8);
  },
);

/**
 * @param {import('./support/study.js').Study} running
 * @param {import('./support/page.js').ParticipantPage} a
 * @param {import('./support/page.js').ParticipantPage} b
 */
async function assertExcludedForPing(running, a, b) {
  const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
  assert.deepEqual([fromA.termination_reason, fromA.is_partial], ['sustained_ping', 1]);
  assert.deepEqual([fromB.termination_reason, fromB.is_partial], ['partner_exclusion', 1]);
  assert.equal(fromA.completed_episodes, 0);
  assert.equal((await a.waitForDone()).searchParams.get('outcome'), 'excluded');
  assert.equal((await b.waitForDone()).searchParams.get('outcome'), 'partner_excluded');
  for (const [page, outcome] of /** @type {const} */ ([
    [a, 'excluded'],
    [b, 'partner_excluded'],
  ])) {
    const seat = running.database.seat(page.participantId);
    assert.equal(seat?.outcome, outcome);
    assert.equal(await page.text('code'), seat.completion_code);
  }
  await running.allGamesEnded();
  return { fromA, fromB };
}

study(
  'three slow round trips in a row exclude',
  { metadata: { continuous_max_ping: MAX_PING, ping_interval_ms: 500, episodes: 1, episode_seconds: 60 } },
  async (running) => {
    const line = await running.line();
    const { a, b } = await running.pair({ origin: line.url });
    await measured(a);
    line.delay = MAX_PING;
    await a.waitForOverlay('monitorExclusionOverlay');
    await b.waitForOverlay('partnerExcludedOverlay');
    line.delay = 0;
    assert.ok(await saw(a, 'monitorWarningBanner'), 'warned before');
    const { fromA } = await assertExcludedForPing(running, a, b);
    const { samples } = fromA.metrics.monitor.exclusion.evidence;
    assert.ok(samples.length >= 3);
    for (const { rttMs } of samples.slice(-3)) assert.ok(rttMs > MAX_PING, JSON.stringify(samples));
    assert.equal(
      new Set(samples.map((/** @type {{ seq: number }} */ { seq }) => seq)).size,
      samples.length,
      'each once',
    );
  },
);

study(
  'a dead line excludes, though its connections stay open, and the data arrive when it lives again',
  {
    metadata: {
      continuous_max_ping: MAX_PING,
      ping_interval_ms: 300,
      ping_timeout_ms: 1000,
      episodes: 1,
      episode_seconds: 60,
    },
  },
  async (running) => {
    const line = await running.line();
    const { a, b } = await running.pair({ origin: line.url });
    await measured(a);
    const open = line.openSockets;
    assert.ok(open >= 2);
    line.hold();
    // Nothing can tell this page: it finds out by itself.
    await a.waitForOverlay('monitorExclusionOverlay');
    assert.ok(line.openSockets >= 2, 'the connection is still open');
    assert.deepEqual(running.database.exports(a.participantId), []);
    line.release();
    const overlay = await b.waitForOverlay('partnerExcludedOverlay');
    assert.ok(overlay.lines.includes(PARTNER_TEXT), overlay.lines.join('; '));
    const { fromA } = await assertExcludedForPing(running, a, b);
    const { samples } = fromA.metrics.monitor.exclusion.evidence;
    assert.deepEqual(
      samples.slice(-3).map((/** @type {{ rttMs: number | null }} */ { rttMs }) => rttMs),
      [null, null, null],
      'three pings without an answer',
    );
    assert.ok(fromA.metrics.latency.lost >= 3, JSON.stringify(fromA.metrics.latency));
  },
);

study(
  'a page that stands still for 800 ms of every second on a fast line is not excluded',
  { metadata: { continuous_max_ping: 150, ping_interval_ms: 1000, episodes: 1, episode_seconds: 5 } },
  async (running) => {
    const { a, b } = await running.pair();
    // The worst moment to stand still is just after a ping has gone out: its answer has to wait.
    await a.browser.run(() => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (data) {
        send.call(this, data);
        if (typeof data === 'string' && /^\d+\["ping"/.test(data)) setTimeout(standStill, 0);
      };
      function standStill() {
        const end = performance.now() + 800;
        while (performance.now() < end);
        const done = Number(sessionStorage.getItem('e2e-stalls') ?? 0) + 1;
        sessionStorage.setItem('e2e-stalls', String(done));
      }
    });
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
    }
    const stalls = await a.browser.run(() => Number(sessionStorage.getItem('e2e-stalls')));
    assert.ok(stalls >= 6, `${stalls} stalls`);
    const { is_partial, metrics } = await running.exportOf(a);
    assert.equal(is_partial, 0);
    assert.equal(metrics.sessionStatus.terminationReason, 'normal');
    const judged = samplesOf(metrics).filter((sample) => sample.judged);
    assert.ok(judged.length >= 6, JSON.stringify(metrics.latency));
    // Without its own clock the page would have taken its stalls for the line's.
    const late = judged.filter(({ rttMs, stalledMs }) => (rttMs ?? 0) + stalledMs > 150);
    assert.ok(late.length >= 6, JSON.stringify(judged));
  },
);
