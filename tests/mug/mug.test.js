// The real MUG, its server and its pages, and stillhere in place of its monitoring: what its participants see, and what its own
// files hold.

import assert from 'node:assert/strict';
import { DelayingProxy } from '../e2e/support/proxy.js';
import { until } from '../e2e/support/wait.js';
import { dropIn, experiment } from './support/experiment.js';

const SHORT = { continuous_tab_warning_ms: 1000, continuous_tab_exclude_ms: 3000 };
const PARTNER_TEXT = 'Your partner experienced a technical issue. The game has ended.';
/** What nobody is to read whose partner was excluded, and nobody who was excluded. */
const CONTRADICTORY = /disconnected|connection|reconnect|(player|partner) (has )?left|return the|waiting room|Done!/i;
const CODE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param {import('./support/player.js').Player} player @returns {Promise<string[]>} which overlays came, in order */
async function overlays(player) {
  return (await player.record()).filter(({ shown, text }) => shown && text !== '').map(({ what }) => what);
}

/** @param {import('./support/player.js').Player} player */
async function readsNothingContradictory(player) {
  const lines = await player.linesOfMug();
  assert.deepEqual(
    lines.filter((line) => CONTRADICTORY.test(line)),
    [],
  );
}

experiment('in MUG alone nobody is excluded for a hidden tab', { scene: SHORT }, async (study) => {
  const [ada, bert] = [await study.player('ada'), await study.player('bert')];
  await study.play(ada, bert);
  const before = (await bert.game())?.frame ?? 0;
  await ada.browser.hide();
  // The game has ten frames a second: more than twice as long as she may be away.
  await until('bert to have played for eight seconds', async () => ((await bert.game())?.frame ?? 0) > before + 80);
  await ada.browser.show();
  const record = await ada.record();
  const [hidden, visible] = ['hidden', 'visible'].map((what) => record.findLast((sighting) => sighting.what === what));
  assert.ok(hidden && visible && visible.at - hidden.at > 2 * SHORT.continuous_tab_exclude_ms, JSON.stringify(record));
  const returned = (await bert.game())?.frame ?? 0;
  await until('both to go on playing', async () => {
    const games = await Promise.all([ada.game(), bert.game()]);
    return games.every((game) => (game?.frame ?? 0) > returned + 10);
  });
  assert.deepEqual([(await ada.game())?.state, (await bert.game())?.state], ['ready', 'ready']);
  assert.doesNotMatch((await ada.linesOfMug()).join('\n'), /You left the experiment window for too long/);
  assert.doesNotMatch(study.mug.log, /Mid-game exclusion/);
});

experiment(
  'with stillhere a hidden tab excludes, the partner is told once, and MUG keeps what both saw',
  { scene: SHORT, body: dropIn() },
  async (study) => {
    const [ada, bert] = [await study.player('ada'), await study.player('bert')];
    await study.play(ada, bert);
    await ada.browser.hide();
    const told = await bert.waitForOverlay('partnerExcludedOverlay');
    assert.equal(told.heading, 'Game Ended');
    assert.equal(told.headingColour, 'rgb(51, 51, 51)');
    assert.ok(told.lines.includes(PARTNER_TEXT), told.lines.join('; '));

    const hers = await study.mug.metricsOf('ada');
    const his = await study.mug.metricsOf('bert');
    await ada.browser.show();
    const own = await ada.waitForOverlay('monitorExclusionOverlay');
    assert.ok(
      own.lines.includes('You left the experiment window for too long. The game has ended.'),
      own.lines.join('; '),
    );

    const { terminationFrame, terminatedAtTimestamp, ...status } = hers.sessionStatus;
    assert.deepEqual(status, {
      isPartial: true,
      terminationReason: 'tab_hidden',
      terminatedBy: 'self',
      completedEpisodes: 0,
      disconnectedPlayerId: null,
    });
    assert.ok(terminationFrame > 5);
    assert.ok(Math.abs(terminatedAtTimestamp - Date.now()) < 60_000);
    assert.deepEqual(
      { ...his.sessionStatus, terminatedAtTimestamp: null },
      {
        isPartial: true,
        terminationReason: 'partner_exclusion',
        terminatedBy: 'partner',
        terminationFrame,
        terminatedAtTimestamp: null,
        completedEpisodes: 0,
        disconnectedPlayerId: null,
      },
    );
    const { evidence } = hers.monitor.exclusion;
    assert.equal(evidence.excludeAfterMs, 3000);
    assert.ok(evidence.hiddenMs >= 3000 && evidence.hiddenMs < 5000, JSON.stringify(evidence));
    for (const metrics of [hers, his]) {
      // MUG's own stand beside ours.
      assert.equal(metrics.gameId, hers.gameId);
      assert.ok(metrics.inputDelivery.sentViaP2P > 0);
      assert.equal(metrics.connection.type, 'direct');
      assert.equal(typeof metrics.mug.focusLoss.totalBackgroundMs, 'number');
    }

    assert.deepEqual(
      (await overlays(ada)).filter((what) => what.endsWith('Overlay')),
      ['monitorExclusionOverlay'],
    );
    assert.deepEqual(
      (await overlays(bert)).filter((what) => what.endsWith('Overlay')),
      ['partnerExcludedOverlay'],
    );
    await readsNothingContradictory(ada);
    await readsNothingContradictory(bert);

    // Nobody drifts into the next scene: MUG asks its game whether it is done, and only then goes on.
    for (const player of [ada, bert]) {
      const game = await player.game();
      assert.deepEqual([game?.state, game?.isDone], ['done', false]);
    }
    assert.doesNotMatch(study.mug.log, /\[AdvanceScene\]|\[LeaveGame\]/);

    // The one who stayed has something to show for it, and MUG's server knows it; what both had played is there as well.
    const { completion_code, reason } = await study.mug.codeOf('bert');
    assert.match(completion_code, CODE);
    assert.equal(reason, 'partner_exclusion_mid_game');
    const rest = await until('bert to read his code', async () => {
      const overlay = await bert.overlay('partnerExcludedOverlay');
      return overlay?.lines.includes(completion_code) ? overlay : null;
    });
    assert.match(rest.lines.join(' '), /saved/i);
    await until('MUG to have both unfinished episodes', async () => {
      const files = await study.mug.files();
      return files.includes('ada_ep0.csv') && files.includes('bert_ep0.csv');
    });
  },
);

experiment(
  'with stillhere a game that is played to its end excludes nobody and goes on to the next scene, whose game is watched anew',
  { scene: { ...SHORT, continuous_max_ping: 1000 }, games: 2, episodes: 2, steps: 25, body: dropIn() },
  async (study) => {
    const [ada, bert] = [await study.player('ada'), await study.player('bert')];
    await study.play(ada, bert);
    for (const player of [ada, bert]) {
      await until(`${player.participantId} to be in the next scene`, async () =>
        (await player.reads()).includes('Corridor 2'),
      );
    }
    for (const player of [ada, bert]) {
      // Stored when the game was over, and once more with what MUG had verified until it left the scene.
      const metrics = await study.mug.metricsOf(player.participantId, {
        accept: ({ validation }) => validation.totalEpisodes === 2,
      });
      assert.deepEqual(
        { ...metrics.sessionStatus, terminatedAtTimestamp: null },
        {
          isPartial: false,
          terminationReason: 'normal',
          terminatedBy: null,
          terminationFrame: metrics.sessionStatus.terminationFrame,
          terminatedAtTimestamp: null,
          completedEpisodes: 2,
          disconnectedPlayerId: null,
        },
      );
      assert.ok(metrics.sessionStatus.terminationFrame >= 25);
      assert.deepEqual(
        metrics.episodes.map((/** @type {any} */ { episode, endFrame }) => [episode, endFrame >= 25]),
        [
          [0, true],
          [1, true],
        ],
      );
      assert.deepEqual(await overlays(player), []);
      assert.equal(await player.browser.run(() => /** @type {any} */ (window).replacement.session), null);
    }
    assert.doesNotMatch(study.mug.log, /Mid-game exclusion/);
    for (const name of ['ada_ep0.csv', 'ada_ep1.csv', 'bert_ep0.csv', 'bert_ep1.csv']) {
      assert.ok((await study.mug.files()).includes(name), name);
    }

    await study.playOn(ada, bert);
    await ada.browser.hide();
    for (const [participant, reason] of [
      ['ada', 'tab_hidden'],
      ['bert', 'partner_exclusion'],
    ]) {
      const { sessionStatus, gameId } = await study.mug.metricsOf(participant, { scene: 'corridor2' });
      assert.deepEqual(
        [sessionStatus.isPartial, sessionStatus.terminationReason, sessionStatus.completedEpisodes],
        [true, reason, 0],
      );
      const before = await study.mug.metricsOf(participant);
      assert.notEqual(before.gameId, gameId);
      assert.equal(before.sessionStatus.terminationReason, 'normal');
    }
    await bert.waitForOverlay('partnerExcludedOverlay');
  },
);

experiment(
  'with stillhere a slow line excludes, and each goes where the researcher says',
  {
    scene: { continuous_max_ping: 400 },
    body: dropIn(`{
      redirects: {
        excluded: { url: '/stillhere/js/index.js?{outcome}&{participant_id}', delayMs: 500 },
        default: { url: '/stillhere/js/mug.js?{outcome}&{completion_code}', delayMs: 500, completionCode: 'C1' },
      },
    }`),
  },
  async (study) => {
    const line = await DelayingProxy.start(study.mug.port);
    try {
      const [ada, bert] = [await study.player('ada', { origin: line.url }), await study.player('bert')];
      await study.play(ada, bert);
      line.delay = 350;
      const there = (/** @type {import('./support/player.js').Player} */ { browser }) =>
        browser.run(() => location.pathname + location.search);
      await until('ada to be sent on', async () => (await there(ada)) === '/stillhere/js/index.js?excluded&ada');
      await until('bert to be sent on', async () => (await there(bert)) === '/stillhere/js/mug.js?partner_excluded&C1');
      const hers = await study.mug.metricsOf('ada');
      assert.equal(hers.sessionStatus.terminationReason, 'sustained_ping');
      const judged = hers.monitor.exclusion.evidence.samples.slice(-3).map((/** @type {any} */ { rttMs }) => rttMs);
      assert.equal(judged.length, 3);
      assert.ok(
        judged.every((/** @type {number | null} */ rtt) => rtt === null || rtt > 400),
        judged.join(),
      );
      assert.equal((await study.mug.metricsOf('bert')).sessionStatus.terminationReason, 'partner_exclusion');
    } finally {
      await line.stop();
    }
  },
);

experiment('with stillhere who is left alone is told so, and has a code', { body: dropIn() }, async (study) => {
  const [ada, bert] = [await study.player('ada'), await study.player('bert')];
  await study.play(ada, bert);
  await bert.close();
  const told = await ada.waitForOverlay('partnerExcludedOverlay');
  assert.ok(told.lines.includes("Your partner's connection was lost. The game has ended."), told.lines.join('; '));
  const { completion_code } = await study.mug.codeOf('ada');
  await until('ada to read her code', async () =>
    (await ada.overlay('partnerExcludedOverlay'))?.lines.includes(completion_code),
  );
  const { sessionStatus } = await study.mug.metricsOf('ada');
  assert.deepEqual(
    [sessionStatus.terminationReason, sessionStatus.terminatedBy, sessionStatus.disconnectedPlayerId],
    ['partner_disconnected', 'partner', 1],
  );
  assert.equal((await ada.game())?.isDone, false);
});

experiment(
  "with stillhere MUG's focus_loss_timeout_ms ends the game of both, also if nothing else is monitored",
  { scene: { continuous_monitoring_enabled: false, focus_loss_timeout_ms: 3000 }, body: dropIn() },
  async (study) => {
    const [ada, bert] = [await study.player('ada'), await study.player('bert')];
    await study.play(ada, bert);
    await ada.browser.hide();
    const statuses = [await study.mug.metricsOf('ada'), await study.mug.metricsOf('bert')].map(
      ({ sessionStatus }) => sessionStatus,
    );
    assert.deepEqual(
      statuses.map(({ terminationReason, terminatedBy }) => [terminationReason, terminatedBy]),
      [
        ['focus_loss_timeout', 'self'],
        ['partner_disconnected', 'partner'],
      ],
    );
    await bert.waitForOverlay('partnerExcludedOverlay');
    await ada.browser.show();
    await ada.waitForOverlay('monitorExclusionOverlay');
  },
);

experiment(
  "with stillhere, loaded when the game has already begun, the researcher's own rule of a MUG scene is asked",
  { scene: { continuous_monitoring_enabled: true, own_rule: true } },
  async (study) => {
    const [ada, bert] = [await study.player('ada'), await study.player('bert')];
    await study.play(ada, bert);
    for (const { browser } of [ada, bert]) {
      await browser.run(async (module) => {
        const { replaceMonitoring } = await import(module);
        await replaceMonitoring();
      }, '/stillhere/js/mug.js');
    }
    const reasons = await Promise.all(
      [ada, bert].map(
        async ({ participantId }) => (await study.mug.metricsOf(participantId)).sessionStatus.terminationReason,
      ),
    );
    // Both reach the frame at about the same time: the first verdict ends the game.
    assert.ok(reasons.includes('custom_callback'), reasons.join());
    assert.ok(reasons.every((reason) => reason === 'custom_callback' || reason === 'partner_exclusion'));
  },
);
