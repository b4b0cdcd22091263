// The server ends in the middle of an ending: killed, or stopped by its operator. It comes back on the same port; everybody is
// told what they are owed, and nothing that was played is lost.

import assert from 'node:assert/strict';
import { assertSameGame } from './support/game.js';
import { HOLD_EXPORTS, study } from './support/study.js';
import { until } from './support/wait.js';

const EXCLUDE_MS = 1500;
const setup = {
  metadata: {
    continuous_tab_warning_ms: 500,
    continuous_tab_exclude_ms: EXCLUDE_MS,
    episodes: 1,
    episode_seconds: 60,
    reconnect_grace_ms: 20_000,
    export_ack_timeout_ms: 20_000,
  },
  redirectDelay: 1500,
  // Pages knock at a door that is shut for a while.
  tolerated: /ERR_|WebSocket|socket\.io|api\//,
};

for (const [how, end] of /** @type {const} */ ([
  ['killed', 'crash'],
  ['stopped', 'stop'],
])) {
  study(
    `the server is ${how} in the middle of an ending and comes back: both pages end, nothing is lost`,
    setup,
    async (running) => {
      const [a, b] = await running.group([
        ['ada', { runFirst: HOLD_EXPORTS }],
        ['bert', { runFirst: HOLD_EXPORTS }],
      ]);
      await until('some frames to compare', async () => (await b.frame()) > 70);
      await a.browser.hide();
      await b.waitForOverlay('partnerExcludedOverlay');
      await running.server[end]();
      assert.deepEqual(
        running.database.games().map(({ phase }) => phase),
        ['ending'],
      );
      assert.deepEqual(
        [...running.database.exports(a.participantId), ...running.database.exports(b.participantId)],
        [],
      );

      await a.browser.show();
      await a.waitForOverlay('monitorExclusionOverlay');
      for (const page of [a, b]) {
        await page.browser.run(() => {
          Object.assign(window, { holdExports: false });
        });
      }
      await running.server.startAgain();
      const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
      assert.deepEqual([fromA.termination_reason, fromB.termination_reason], ['tab_hidden', 'partner_exclusion']);
      assertSameGame(fromA.metrics.game, fromB.metrics.game, 2);
      for (const [page, outcome] of /** @type {const} */ ([
        [a, 'excluded'],
        [b, 'partner_excluded'],
      ])) {
        assert.equal((await page.waitForDone()).searchParams.get('outcome'), outcome);
        assert.equal(await page.text('code'), running.database.seat(page.participantId)?.completion_code);
        assert.equal(await page.keptExports(), 0);
        const shown = (await page.record()).filter((sighting) => sighting.shown).map(({ what }) => what);
        assert.equal(
          shown.filter((what) => what === 'partnerExcludedOverlay').length,
          page === b ? 1 : 0,
          shown.join(),
        );
      }
      await running.allGamesEnded();
      assert.equal(running.database.exports(a.participantId).length, 1);
      assert.equal(running.database.exports(b.participantId).length, 1);
    },
  );
}

study(
  'the server is stopped in the middle of a game and comes back: both pages say so, and their data are stored',
  setup,
  async (running) => {
    const { a, b } = await running.pair();
    await until('some frames to compare', async () => (await b.frame()) > 70);
    await running.server.stop();
    await running.server.startAgain();
    const exports = [await running.exportOf(a), await running.exportOf(b)];
    for (const { termination_reason, is_partial } of exports) {
      assert.deepEqual([termination_reason, is_partial], ['server_shutdown', 1]);
    }
    assertSameGame(exports[0].metrics.game, exports[1].metrics.game, 2);
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'server_shutdown');
    }
    await running.allGamesEnded();
  },
);
