// The browser freezes a tab that nobody looks at: no timer, no worker, no handler of the page runs. The server finds out by
// itself, the partner does not wait for long, and the page learns what has happened when it thaws.

import assert from 'node:assert/strict';
import { assertSameGame } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const EXCLUDE_MS = 3000;
/** The server waits so long for an honest page's own word. */
const HEAD_START_MS = 2000;
const SILENCE_MS = 5000;

study(
  'a frozen tab: excluded by the server, the partner told in time, and what was played arrives after the thaw',
  {
    metadata: {
      continuous_tab_warning_ms: 1000,
      continuous_tab_exclude_ms: EXCLUDE_MS,
      silence_exclude_ms: SILENCE_MS,
      export_ack_timeout_ms: 2000,
      episodes: 1,
      episode_seconds: 60,
    },
    redirectDelay: 3000,
  },
  async (running) => {
    const { a, b } = await running.pair();
    await until('some frames to compare', async () => (await b.frame()) > 70);
    await a.browser.freeze();
    const frozenAt = Date.now();
    const overlay = await b.waitForOverlay('partnerExcludedOverlay');
    assert.equal(overlay.heading, 'Game Ended');
    const [told] = (await b.record()).filter(({ what, shown }) => what === 'partnerExcludedOverlay' && shown);
    const latest = Math.max(EXCLUDE_MS + HEAD_START_MS, SILENCE_MS) + 3000;
    assert.ok(told.at - frozenAt <= latest, `the partner was told after ${told.at - frozenAt} ms`);

    const fromB = await running.exportOf(b);
    assert.deepEqual([fromB.is_partial, fromB.termination_reason], [1, 'partner_exclusion']);
    assert.equal((await b.waitForDone()).searchParams.get('outcome'), 'partner_excluded');
    await running.allGamesEnded();
    assert.equal(running.database.seat(a.participantId)?.outcome, 'excluded');
    const known = running.database.exports(a.participantId);
    assert.deepEqual(
      known.map(({ source, is_partial }) => [source, is_partial]),
      [['server', 1]],
    );
    assert.ok(['tab_hidden', 'unresponsive'].includes(known[0].termination_reason), known[0].termination_reason);

    await a.browser.thaw();
    const why = await a.waitForOverlay('monitorExclusionOverlay');
    assert.notEqual(why.heading, '');
    const fromA = await running.exportOf(a);
    assert.equal(fromA.is_partial, 1);
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 2);
    assert.equal((await a.waitForDone()).searchParams.get('outcome'), 'excluded');
  },
);
