// Somebody has changed the page: what watches it is cut off, and it plays on. The server watches for itself.

import assert from 'node:assert/strict';
import { assertSameGame } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const PARTNER_TEXT = 'Your partner experienced a technical issue. The game has ended.';

/** Only what this names still leaves the page, besides the heartbeat that keeps the socket open. @param {string} allowed */
const letThrough = (allowed) => `
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    const silenced = window.tampered === true && data !== '3' && !new RegExp(${JSON.stringify(allowed)}).test(data);
    if (!silenced) send.call(this, data);
  };`;

const WAYS = [
  {
    name: 'a page whose monitor is gone plays on: it answers nothing, and is excluded for that',
    allowed: '"pyodide_player_action"',
    reason: 'sustained_ping',
    limits: { continuous_max_ping: 300, ping_interval_ms: 300, ping_timeout_ms: 1000 },
  },
  {
    name: 'a page that holds its socket open and says nothing any more is excluded for that',
    allowed: '^$',
    reason: 'unresponsive',
    limits: { silence_exclude_ms: 4000 },
  },
];

for (const { name, allowed, reason, limits } of WAYS) {
  study(
    name,
    { metadata: { ...limits, export_ack_timeout_ms: 1500, episodes: 1, episode_seconds: 60 } },
    async (running) => {
      const { a, b } = await running.pair({ runFirst: letThrough(allowed) });
      await until('some frames to compare', async () => (await b.frame()) > 70);
      await a.browser.run(() => {
        Object.assign(window, { tampered: true });
      });
      const overlay = await b.waitForOverlay('partnerExcludedOverlay');
      assert.equal(overlay.heading, 'Game Ended');
      assert.ok(overlay.lines.includes(PARTNER_TEXT), overlay.lines.join('; '));
      const fromB = await running.exportOf(b);
      assert.deepEqual([fromB.is_partial, fromB.termination_reason], [1, 'partner_exclusion']);
      assert.equal((await b.waitForDone()).searchParams.get('outcome'), 'partner_excluded');

      // The page itself is told as well, and stops; whatever it claims afterwards, the server has its own record.
      await a.waitForOverlay('monitorExclusionOverlay');
      await running.allGamesEnded();
      const seat = running.database.seat(a.participantId);
      assert.equal(seat?.outcome, 'excluded');
      assert.ok(Number(seat.left_frame) >= 60, `left at frame ${seat.left_frame}`);
      const known = running.database.exports(a.participantId).filter(({ source }) => source === 'server');
      assert.equal(known.length, 1);
      assert.equal(known[0].termination_reason, reason);
      const { decided_by, evidence } = known[0].metrics.verdict;
      assert.equal(decided_by, 'server');
      const { rule, decidedBy } = JSON.parse(evidence);
      assert.deepEqual([rule, decidedBy], [reason, 'server']);

      await a.browser.run(() => {
        Object.assign(window, { tampered: false });
      });
      const fromA = await running.exportOf(a);
      assertSameGame(fromA.metrics.game, fromB.metrics.game, 2);
    },
  );
}
