// A participant's line dies and stays dead, though its connections stay open. The server finds out by its own probes; the
// partner is told kindly and sent on; the lost one's data are stored when they arrive after all, long after the game has ended.

import assert from 'node:assert/strict';
import { assertSameGame } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const PARTNER_TEXT = 'Your partner experienced a technical issue. The game has ended.';
const PING = { continuous_max_ping: 300, ping_interval_ms: 300, ping_timeout_ms: 1000 };
/** Three probes without an answer, and the time that the server gives an honest page to speak first. */
const VERDICT_MS = 3 * PING.ping_interval_ms + PING.ping_timeout_ms + 2000;

study(
  'a line that stays dead: the partner is told and sent on, and the late data are stored too',
  {
    metadata: {
      ...PING,
      reconnect_grace_ms: 1500,
      export_ack_timeout_ms: 2000,
      episodes: 1,
      episode_seconds: 120,
    },
    // The page's attempts to connect again fail loudly while the line is dead.
    tolerated: /ada: .*(ERR_|WebSocket|socket\.io)/,
  },
  async (running) => {
    const line = await running.line();
    const { a, b } = await running.pair({ origin: line.url });
    await until('some frames to compare', async () => (await b.frame()) > 70);
    line.hold();
    const deadAt = Date.now();
    await a.waitForOverlay('monitorExclusionOverlay');
    const overlay = await b.waitForOverlay('partnerExcludedOverlay');
    const [told] = (await b.record()).filter(({ what, shown }) => what === 'partnerExcludedOverlay' && shown);
    assert.ok(told.at - deadAt <= VERDICT_MS + 3000, `the partner was told after ${told.at - deadAt} ms`);
    assert.equal(overlay.heading, 'Game Ended');
    assert.ok(overlay.lines.includes(PARTNER_TEXT), overlay.lines.join('; '));

    const fromB = await running.exportOf(b);
    assert.deepEqual([fromB.is_partial, fromB.termination_reason], [1, 'partner_exclusion']);
    assert.equal((await b.waitForDone()).searchParams.get('outcome'), 'partner_excluded');

    // The server does not wait for ever: it writes down what it knows, and lets the game go.
    await running.allGamesEnded();
    const known = running.database.exports(a.participantId);
    assert.deepEqual(
      known.map(({ source, is_partial, termination_reason }) => [source, is_partial, termination_reason]),
      [['server', 1, 'sustained_ping']],
    );
    assert.equal(known[0].metrics.verdict.decided_by, 'server');
    assert.equal(running.database.seat(a.participantId)?.outcome, 'excluded');

    line.release();
    const fromA = await running.exportOf(a);
    assert.equal(fromA.is_partial, 1);
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 2);
    assert.equal((await a.waitForDone()).searchParams.get('outcome'), 'excluded');
  },
);
