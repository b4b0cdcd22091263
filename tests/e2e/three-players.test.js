// Three play, and the experiment goes on without one who has to go.

import assert from 'node:assert/strict';
import { isReddish } from './support/colours.js';
import { assertSameGame, framesPlayed, replay } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const NOTICE = 'A player had to leave because of a technical issue. The game goes on.';
const SECONDS = 12;

study(
  'one of three wanders off: sent on at once, the two others are told and play to the end',
  {
    players: 3,
    onExclusion: 'continue',
    metadata: {
      continuous_tab_warning_ms: 500,
      continuous_tab_exclude_ms: 1500,
      episodes: 2,
      episode_seconds: SECONDS / 2,
      transition_seconds: 1,
    },
  },
  async (running) => {
    const pages = await running.group([['ada'], ['bert'], ['cleo']]);
    const [a, b, c] = pages;
    await a.holdDown('ArrowLeft');
    await until('some frames to compare', async () => (await b.frame()) > 40);
    await a.browser.hide();

    for (const page of [b, c]) {
      const notice = await page.waitForOverlay('monitorWarningBanner');
      assert.ok(notice.lines.includes(NOTICE), notice.lines.join('; '));
      assert.deepEqual(
        (await page.colours('monitorWarningBanner')).filter(({ rgba }) => isReddish(rgba)),
        [],
      );
      await until('the status to say it', async () => /1 here, 1 left/.test(await page.text('partner')));
    }
    // The one who is out is sent on while the others play.
    const fromA = await running.exportOf(a);
    assert.deepEqual([fromA.termination_reason, fromA.is_partial], ['tab_hidden', 1]);
    await a.browser.show();
    assert.equal((await a.waitForDone()).searchParams.get('outcome'), 'excluded');
    assert.deepEqual(
      running.database.games().map(({ phase }) => phase),
      ['playing'],
    );

    for (const page of [b, c]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
      const seen = (await page.record()).filter(({ shown }) => shown).map(({ what }) => what);
      assert.ok(!seen.includes('partnerExcludedOverlay') && !seen.includes('monitorExclusionOverlay'), seen.join());
    }
    const [fromB, fromC] = [await running.exportOf(b), await running.exportOf(c)];
    for (const { is_partial, completed_episodes, metrics } of [fromB, fromC]) {
      assert.deepEqual([is_partial, completed_episodes, framesPlayed(metrics.game)], [0, 2, SECONDS * 30]);
      assert.equal(metrics.partnersLeft.length, 1);
      assert.equal(metrics.partnersLeft[0].playerId, running.database.seat('ada')?.player_id);
    }
    assert.deepEqual(fromB.metrics.game.actions, fromC.metrics.game.actions);
    assertSameGame(fromB.metrics.game, fromC.metrics.game, SECONDS);
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 1);
    const finals = fromB.metrics.game.episodes.map((/** @type {{ finalHash: string }} */ { finalHash }) => finalHash);
    assert.deepEqual(replay(fromB.metrics.game), finals);

    await running.allGamesEnded();
    const [left, ...stayed] = ['ada', 'bert', 'cleo'].map((participant) => running.database.seat(participant));
    assert.equal(left?.outcome, 'excluded');
    assert.ok(
      left.left_frame !== null && left.left_frame >= 40 && left.left_frame < SECONDS * 30,
      `${left.left_frame}`,
    );
    // Actions that were on their way count for all.
    const { frame } = fromB.metrics.partnersLeft[0];
    assert.ok(frame >= left.left_frame && frame <= left.left_frame + 10, `${frame}, left at ${left.left_frame}`);
    assert.equal(frame, fromC.metrics.partnersLeft[0].frame);
    for (const seat of stayed) {
      assert.equal(seat?.outcome, 'completed');
      assert.ok(Number(left.left_at_ms) < Number(seat.left_at_ms));
    }
    // After its last frame the one who left stands still, on every page.
    const index = fromB.metrics.game.players.indexOf(left.player_id);
    const [action, frames] = fromB.metrics.game.actions[index].slice(-2);
    assert.equal(action, 0);
    assert.ok(frames > 60, `${frames} frames without the one who left`);
  },
);

study(
  'one of three goes, and one of the two who stay reloads the page: they play to the end all the same',
  {
    players: 3,
    onExclusion: 'continue',
    metadata: {
      continuous_tab_warning_ms: 500,
      continuous_tab_exclude_ms: 1500,
      reconnect_grace_ms: 20_000,
      episodes: 1,
      episode_seconds: 8,
    },
  },
  async (running) => {
    const [a, b, c] = await running.group([['ada'], ['bert'], ['cleo']]);
    await a.browser.hide();
    await b.waitForOverlay('monitorWarningBanner');
    await b.reload();
    for (const page of [b, c]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
    }
    const [fromB, fromC] = [await running.exportOf(b), await running.exportOf(c)];
    assert.deepEqual(fromB.metrics.game.actions, fromC.metrics.game.actions);
    assert.equal(framesPlayed(fromB.metrics.game), 8 * 30);
    await a.browser.show();
    await a.waitForDone();
    await running.allGamesEnded();
  },
);
