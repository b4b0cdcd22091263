// Two people play to the end.

import assert from 'node:assert/strict';
import { Key } from 'selenium-webdriver';
import { assertSameGame, framesPlayed, replay } from './support/game.js';
import { study } from './support/study.js';

const EPISODES = 2;
const SECONDS = 2;

study(
  'two short episodes with moves: complete on both sides, the same game, and both sent on with their code',
  { metadata: { episodes: EPISODES, episode_seconds: SECONDS, transition_seconds: 1 } },
  async (running) => {
    const { a, b } = await running.pair();
    for (const key of [Key.ARROW_LEFT, Key.ARROW_DOWN, Key.ARROW_RIGHT, Key.ARROW_UP]) {
      await a.browser.driver.actions().sendKeys(key).perform();
      await b.browser.driver.actions().sendKeys(key).perform();
    }
    for (const page of [a, b]) {
      const url = await page.waitForDone();
      assert.equal(url.searchParams.get('outcome'), 'completed');
      const seat = running.database.seat(page.participantId);
      assert.equal(seat?.outcome, 'completed');
      assert.ok(seat.completion_code);
      assert.equal(await page.text('code'), seat.completion_code);
      const overlays = (await page.record()).filter(({ what, shown }) => shown && what !== 'monitorWarningBanner');
      // The overlay of a normal end may be any of them but these.
      assert.ok(!overlays.some(({ what }) => what === 'partnerExcludedOverlay' || what === 'monitorExclusionOverlay'));
    }

    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    for (const { is_partial, termination_reason, completed_episodes, termination_frame, metrics } of [fromA, fromB]) {
      assert.deepEqual([is_partial, termination_reason, completed_episodes], [0, 'normal', EPISODES]);
      const { isPartial, terminationReason, terminatedBy, completedEpisodes } = metrics.sessionStatus;
      assert.deepEqual(
        [isPartial, terminationReason, terminatedBy, completedEpisodes],
        [false, 'normal', null, EPISODES],
      );
      assert.equal(framesPlayed(metrics.game), EPISODES * SECONDS * 30);
      assert.equal(termination_frame, EPISODES * SECONDS * 30 - 1);
      assert.ok(
        metrics.game.actions.every((/** @type {number[]} */ runs) =>
          runs.some((value, at) => at % 2 === 0 && value !== 0),
        ),
      );
    }
    assertSameGame(fromA.metrics.game, fromB.metrics.game, EPISODES * SECONDS);

    const finals = fromA.metrics.game.episodes.map((/** @type {{ finalHash: string }} */ { finalHash }) => finalHash);
    assert.deepEqual(replay(fromA.metrics.game), finals);
    assert.notDeepEqual(
      replay(fromA.metrics.game, () => 0),
      finals,
      'the moves made a difference',
    );
    assert.notEqual(
      running.database.seat(a.participantId)?.completion_code,
      running.database.seat(b.participantId)?.completion_code,
    );
    await running.allGamesEnded();
  },
);
