// A participant opens the study a second time. The newer window has the seat; the older one says so, and nobody else is bothered.

import assert from 'node:assert/strict';
import { isReddish } from './support/colours.js';
import { assertSameGame, framesPlayed } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

study(
  'a second window takes the seat over, the first one is told why, and the game goes on',
  { metadata: { episodes: 1, episode_seconds: 20, reconnect_grace_ms: 20_000 } },
  async (running) => {
    const { a, b } = await running.pair();
    await a.holdDown('ArrowLeft');
    await until('some frames to lose', async () => (await a.frame()) > 45);
    const older = await a.browser.openWindow();
    await a.visitLanding();
    await a.start();
    await a.waitForState('playing');

    // The older window, while the newer one plays.
    const newer = await a.browser.lookAt(older);
    const overlay = await a.waitForOverlay('sessionCompleteOverlay');
    assert.equal(overlay.heading, 'You went on in another tab');
    assert.ok(overlay.lines.includes('The game goes on in the tab or window that you opened last.'));
    assert.deepEqual(
      (await a.colours('sessionCompleteOverlay')).filter(({ rgba }) => isReddish(rgba)),
      [],
    );
    assert.equal(await a.state(), 'stopped');
    assert.equal(await a.text('message'), '');
    const olderRecord = await a.record();
    await a.browser.lookAt(newer);

    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
    }
    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    for (const { is_partial, completed_episodes, metrics } of [fromA, fromB]) {
      assert.deepEqual([is_partial, completed_episodes, framesPlayed(metrics.game)], [0, 1, 600]);
    }
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 6);
    assert.deepEqual(fromA.metrics.game.actions, fromB.metrics.game.actions);
    const [before] = await running.unfinishedOf(a, 1);
    assert.ok(framesPlayed(before.metrics.game) > 40);

    for (const record of [olderRecord, await b.record()]) {
      assert.ok(!record.some(({ what, shown }) => shown && /^(partnerExcluded|monitorExclusion)/.test(what)));
    }
    await running.allGamesEnded();

    // The older window stays where it is: it is not sent on.
    await a.browser.lookAt(older);
    assert.equal(new URL(await a.browser.driver.getCurrentUrl()).pathname, '/game.html');
  },
);
