// A participant reloads the page. The game goes on from where it stood; the partner has to wait a moment and is told why.

import assert from 'node:assert/strict';
import { assertSameGame, framesPlayed, replay } from './support/game.js';
import { HOLD_EXPORTS, study } from './support/study.js';
import { until } from './support/wait.js';

/** @typedef {import('./support/page.js').ParticipantPage} ParticipantPage */
/** @typedef {import('./support/study.js').Study} Study */

const EPISODES = 2;
const SECONDS = 4;
const FRAMES = EPISODES * SECONDS * 30;
const metadata = { episodes: EPISODES, episode_seconds: SECONDS, transition_seconds: 1, reconnect_grace_ms: 20_000 };

/**
 * Both have played to the end, and hold the same game; replayed from its seed it comes out the same.
 *
 * @param {Study} running
 * @param {ParticipantPage[]} pages
 */
async function assertPlayedToTheEnd(running, pages) {
  for (const page of pages) {
    assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
    assert.equal(running.database.seat(page.participantId)?.outcome, 'completed');
  }
  const exports = await Promise.all(pages.map((page) => running.exportOf(page)));
  for (const { is_partial, termination_reason, completed_episodes, metrics } of exports) {
    assert.deepEqual([is_partial, termination_reason, completed_episodes], [0, 'normal', EPISODES]);
    assert.equal(metrics.sessionStatus.completedEpisodes, EPISODES);
    assert.equal(metrics.episodes.length, EPISODES);
    assert.equal(framesPlayed(metrics.game), FRAMES);
    assertSameGame(exports[0].metrics.game, metrics.game, FRAMES / 30);
    assert.deepEqual(exports[0].metrics.game.actions, metrics.game.actions);
  }
  const { game } = exports[0].metrics;
  assert.deepEqual(
    replay(game),
    game.episodes.map((/** @type {{ finalHash: string }} */ { finalHash }) => finalHash),
  );
  await running.allGamesEnded();
  return exports;
}

/**
 * @param {ParticipantPage} page
 * @param {import('./support/page.js').OverlayId} id
 */
async function saw(page, id) {
  return (await page.record()).filter(({ what, shown }) => what === id && shown);
}

study(
  'a reload in the middle of a round: taken up again, played to the end, stored in two parts',
  { metadata },
  async (running) => {
    const { a, b } = await running.pair();
    await a.holdDown('ArrowLeft');
    await until('some frames to lose', async () => (await a.frame()) > 45);
    await a.reload();
    await a.waitForState('playing');
    await until('the game to go on', async () => (await a.frame()) > 60);

    await assertPlayedToTheEnd(running, [a, b]);
    const [before] = await running.unfinishedOf(a, 1);
    assert.equal(before.is_partial, 1);
    assert.equal(before.completed_episodes, 0);
    assert.equal(before.metrics.sessionStatus.terminatedAtTimestamp, null);
    const played = framesPlayed(before.metrics.game);
    assert.ok(played > 40 && played < SECONDS * 30, `${played} frames before the reload`);
    const after = await running.exportOf(a);
    assert.deepEqual(before.metrics.game.hashes, after.metrics.game.hashes.slice(0, before.metrics.game.hashes.length));
    assert.deepEqual(await running.unfinishedOf(b, 0), []);

    const [waiting] = await saw(b, 'reconnectingOverlay');
    assert.match(waiting.text, /partner's connection was interrupted/);
    assert.match(waiting.text, /\d+ s left/);
    assert.ok(
      (await b.record()).some(({ what, shown }) => what === 'reconnectingOverlay' && !shown),
      'it went away',
    );
    for (const page of [a, b]) {
      assert.deepEqual(await saw(page, 'partnerExcludedOverlay'), []);
      assert.deepEqual(await saw(page, 'monitorExclusionOverlay'), []);
    }
  },
);

study(
  'a reload in the break between two rounds',
  { metadata: { ...metadata, transition_seconds: 4 } },
  async (running) => {
    const { a, b } = await running.pair();
    await Promise.all([a.waitForState('transition'), b.waitForState('transition')]);
    await a.reload();
    await a.waitForState('transition');
    assert.match(await a.text('banner-title'), /Round 1 of 2 is done/);
    await assertPlayedToTheEnd(running, [a, b]);
    const [before] = await running.unfinishedOf(a, 1);
    assert.equal(before.completed_episodes, 1);
  },
);

study('both pages reloaded at once, twice', { metadata }, async (running) => {
  const { a, b } = await running.pair();
  for (const frames of [30, 150]) {
    await until(`${frames} frames`, async () => (await a.frame()) > frames && (await b.frame()) > frames);
    await Promise.all([a.reload(), b.reload()]);
    await Promise.all([a.waitForState('playing'), b.waitForState('playing')]);
  }
  await assertPlayedToTheEnd(running, [a, b]);
  for (const page of [a, b]) await running.unfinishedOf(page, 2);
});

study(
  'both pages reloaded at once, and this browser keeps nothing: the game ends with a word, and is never begun anew',
  { metadata, tolerated: /./ },
  async (running) => {
    const { a, b } = await running.pair();
    await until('some frames to lose', async () => (await a.frame()) > 45);
    for (const page of [a, b])
      await page.browser.runFirst("sessionStorage.removeItem('nothing'); sessionStorage.clear();");
    await Promise.all([a.reload(), b.reload()]);
    await Promise.all([a.waitForState('stopped'), b.waitForState('stopped')]);
    for (const page of [a, b]) {
      assert.notEqual(running.database.seat(page.participantId)?.outcome, 'completed');
      const [before] = await running.unfinishedOf(page, 1);
      assert.ok(framesPlayed(before.metrics.game) > 40);
    }
    await running.allGamesEnded();
  },
);

study(
  'a reload in the middle of the ending: the data arrive, once, and the participant is told where to go',
  {
    metadata: { ...metadata, episodes: 1, export_ack_timeout_ms: 20_000 },
    // The session says that there is no game to join any more.
    tolerated: /ada: .*game has ended/,
  },
  async (running) => {
    const { a, b } = await running.pair({ runFirst: HOLD_EXPORTS });
    await a.waitForOverlay('sessionCompleteOverlay');
    await until('the data to be kept', async () => (await a.keptExports()) === 1);
    await b.waitForDone();
    assert.deepEqual(running.database.exports(a.participantId), []);
    await a.reload();
    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    assert.deepEqual([fromA.is_partial, fromA.termination_reason, fromA.completed_episodes], [0, 'normal', 1]);
    assertSameGame(fromA.metrics.game, fromB.metrics.game, SECONDS);
    await a.waitForDone();
    await running.allGamesEnded();
    assert.equal(running.database.seat(a.participantId)?.outcome, 'completed');
    assert.equal(running.database.exports(a.participantId).length, 1);
    await until('the browser to keep nothing more', async () => (await a.keptExports()) === 0);
  },
);
