// A participant's network goes away. What the page says is true at every moment, and what was played is stored in the end.

import assert from 'node:assert/strict';
import { assertSameGame } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const KEPT = /kept in this browser and will be sent as soon as possible. You may close this page./;
const NOT_SAVED = /could not be saved yet. Please keep this page open/;
const SAVED = /Your game data has been saved./;
const TOO_LONG = /Your connection was lost for too long./;

const setup = {
  metadata: {
    continuous_max_ping: 300,
    ping_interval_ms: 300,
    ping_timeout_ms: 1000,
    reconnect_grace_ms: 1500,
    export_ack_timeout_ms: 2000,
    episodes: 1,
    episode_seconds: 60,
  },
  redirectDelay: 3000,
  tolerated: /ada: .*(ERR_|WebSocket|socket\.io|api\/)/,
};

/**
 * @param {import('./support/page.js').ParticipantPage} page
 * @param {RegExp} text
 */
function waitToRead(page, text) {
  return until(`${page.participantId} to read ${text}`, async () => {
    const overlay = await page.overlay('monitorExclusionOverlay');
    if (overlay?.lines.some((line) => text.test(line))) return overlay;
    throw new Error(JSON.stringify(overlay));
  });
}

/**
 * Everybody else has gone when the network comes back.
 *
 * @param {import('./support/study.js').Study} running
 * @param {{ a: import('./support/page.js').ParticipantPage, b: import('./support/page.js').ParticipantPage }} pair
 * @param {() => unknown} comeBack
 */
async function assertStoredLate(running, { a, b }, comeBack) {
  const fromB = await running.exportOf(b);
  await b.waitForDone();
  assert.ok((await b.record()).some(({ what, shown }) => what === 'partnerExcludedOverlay' && shown));
  await running.allGamesEnded();
  assert.deepEqual(
    running.database.exports(a.participantId).map(({ source, is_partial }) => [source, is_partial]),
    [['server', 1]],
  );
  const seen = (await a.record()).filter(({ shown }) => shown).map(({ text }) => text);
  assert.ok(!seen.some((text) => SAVED.test(text)), seen.join('; '));

  await comeBack();
  await waitToRead(a, SAVED);
  const fromA = await running.exportOf(a);
  assert.equal(fromA.is_partial, 1);
  assertSameGame(fromA.metrics.game, fromB.metrics.game, 2);
  const seat = running.database.seat(a.participantId);
  assert.equal((await a.waitForDone()).searchParams.get('outcome'), seat?.outcome);
  assert.equal(await a.text('code'), seat?.completion_code);
  assert.equal(await a.keptExports(), 0);
}

study(
  'offline: the page says that it tries to reconnect, and what has happened when it could',
  setup,
  async (running) => {
    const line = await running.line();
    const { a, b } = await running.pair({ origin: line.url });
    await until('some frames to compare', async () => (await b.frame()) > 70);
    // A browser that is told to be offline leaves sockets alone that are open already.
    await a.browser.setOffline(true);
    line.cut();
    const overlay = await a.waitForOverlay('reconnectingOverlay');
    assert.ok(
      overlay.lines.includes('Your connection was interrupted. Trying to reconnect.'),
      overlay.lines.join('; '),
    );
    await b.waitForOverlay('reconnectingOverlay');
    await assertStoredLate(running, { a, b }, async () => {
      assert.notEqual(await a.overlay('reconnectingOverlay'), null);
      line.mend();
      await a.browser.setOffline(false);
      await waitToRead(a, TOO_LONG);
    });
    assert.equal(running.database.seat(a.participantId)?.outcome, 'disconnected');
  },
);

const DEAD_LINES = [
  { name: 'a dead line: the page says that this browser keeps the data, and sends them', says: KEPT },
  {
    name: 'a dead line, and a browser that keeps nothing: the page asks to be kept open, and sends them',
    says: NOT_SAVED,
    // As in a private window of some browsers, and with a full disk.
    runFirst: `IDBFactory.prototype.open = () => { throw new DOMException('no room', 'QuotaExceededError'); };`,
  },
];

for (const { name, says, runFirst } of DEAD_LINES) {
  study(name, setup, async (running) => {
    const line = await running.line();
    const { a, b } = await running.pair({ origin: line.url, runFirst });
    await until('some frames to compare', async () => (await b.frame()) > 70);
    line.hold();
    const overlay = await waitToRead(a, says);
    assert.ok(
      overlay.lines.some((text) => /Your connection was too slow/.test(text)),
      overlay.lines.join('; '),
    );
    await assertStoredLate(running, { a, b }, () => line.release());
    assert.equal(running.database.seat(a.participantId)?.outcome, 'excluded');
  });
}
