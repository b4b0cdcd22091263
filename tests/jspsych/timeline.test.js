// Two people in a jsPsych timeline of their own, on a lab's own web server, watched by stillhere.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { isReddish } from '../e2e/support/colours.js';
import { root } from '../e2e/support/paths.js';
import { screenshot } from '../e2e/support/screenshots.js';
import { until } from '../e2e/support/wait.js';
import { COUNT_LISTENERS, experiment } from './support/experiment.js';

const TAB = { continuous_tab_warning_ms: 1000, continuous_tab_exclude_ms: 3000 };
const PARTNER_TEXT = 'Your partner experienced a technical issue. The game has ended.';

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The rows of the trials that had the extension.
 *
 * @param {Record<string, any>[]} rows
 */
const watched = (rows) => rows.filter(({ extension_type }) => extension_type?.includes('stillhere'));

experiment(
  'a timeline played to its end: each trial says what happened in it, and both get their code',
  { metadata: { ...TAB, continuous_tab_exclude_ms: 60_000, ping_interval_ms: 200 }, redirectDelay: 3000 },
  async (running) => {
    const line = await running.line();
    line.delay = 100;
    const { a, b } = await running.two({}, { front: await running.front(line.port) });
    await a.answer('main', 1);
    await a.waitForTrial('main 2');
    await a.browser.hide();
    await pause(TAB.continuous_tab_warning_ms + 500);
    await a.browser.show();
    await screenshot(a, 'jspsych-warning');
    await pause(500);
    await a.answer('main', 2, 3);
    await a.waitForRest('sessionCompleteOverlay');
    await screenshot(a, 'jspsych-complete');
    await b.answer('main', 1, 2, 3);

    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
      const exported = await running.exportOf(page);
      assert.deepEqual([exported.is_partial, exported.termination_reason], [0, 'normal']);
      assert.deepEqual([exported.completed_episodes, exported.termination_frame], [3, 3]);
      const { finished, updates, completed } = await page.seen();
      assert.deepEqual([finished.length, completed, finished[0].hasEnded], [1, 1, false]);
      const rows = watched(finished[0].rows);
      assert.deepEqual(
        rows.map(({ trial_index, response, correct, word, computed }) => [
          trial_index,
          response,
          correct,
          word,
          computed,
        ]),
        [0, 1, 2].map((at) => [at + 1, 'f', true, `word ${at}`, 1]),
      );
      // What jsPsych's own callbacks were given has our columns in it.
      assert.deepEqual(
        watched(updates).map(({ stillhere_trial_start_ms }) => stillhere_trial_start_ms),
        rows.map(({ stillhere_trial_start_ms }) => stillhere_trial_start_ms),
      );
      // What is stored is what jsPsych has, and says in every row how the session ended.
      const { jspsych, episodes, sessionStatus } = exported.metrics;
      assert.equal(jspsych.version, '8.3.0');
      assert.deepEqual(jspsych.data, finished[0].stored);
      const ended = {
        stillhere_session_status: sessionStatus,
        stillhere_termination_reason: 'normal',
        stillhere_terminated_by: null,
      };
      assert.deepEqual(
        jspsych.data,
        finished[0].rows.map((row) => ({ ...row, ...ended })),
      );
      assert.deepEqual(finished[0].stop, { reason: 'normal', terminatedBy: null });
      assert.deepEqual(
        episodes.map((/** @type {any} */ { summary, startFrame }) => [
          summary.trial_type,
          summary.trial_index,
          startFrame,
        ]),
        [1, 2, 3].map((index) => ['html-keyboard-response', index, index]),
      );
      const [waiting] = finished[0].rows;
      assert.equal(waiting.trial_type, 'stillhere-waiting-room');
      assert.equal(waiting.game_id, exported.game_id);
      assert.equal(waiting.scene_metadata.ping_interval_ms, 200);
      for (const [at, row] of rows.entries()) {
        const status = row.stillhere_session_status;
        assert.deepEqual([row.stillhere_state, status.isPartial, status.completedEpisodes], ['playing', true, at + 1]);
        assert.equal(status.terminatedAtTimestamp, null);
        assert.equal(row.stillhere_game_id, exported.game_id);
        assert.equal(row.stillhere_player_id, running.database.seat(page.participantId)?.player_id);
        assert.equal(row.stillhere_interrupted, false);
        assert.equal(row.stillhere_paused_ms, 0);
        assert.ok(Math.abs(row.stillhere_trial_duration_ms - row.rt) < 500, `${row.stillhere_trial_duration_ms}`);
        // What the row says of the round trips is what the session recorded of that time.
        const [from, to] = [
          row.stillhere_trial_start_ms,
          row.stillhere_trial_start_ms + row.stillhere_trial_duration_ms,
        ];
        const inside = exported.metrics.monitor.samples.filter(
          (/** @type {any} */ { sentMs, rttMs, stalledMs }) => sentMs > from && sentMs + rttMs + stalledMs < to - 60,
        );
        assert.ok(row.stillhere_round_trips_ms.length >= inside.length, `${row.stillhere_round_trips_ms}`);
        assert.ok(row.stillhere_round_trips_ms.length <= inside.length + 2, `${row.stillhere_round_trips_ms}`);
        assert.equal(row.stillhere_round_trips_lost, 0);
        const slowest = Math.max(...row.stillhere_round_trips_ms);
        assert.equal(row.stillhere_round_trip_max_ms, Number.isFinite(slowest) ? slowest : null);
      }
    }

    const rows = watched((await a.seen()).finished[0].rows);
    assert.deepEqual(
      rows.map(({ stillhere_hidden_periods }) => stillhere_hidden_periods.length),
      [0, 1, 0],
    );
    const [{ start_ms, duration_ms }] = rows[1].stillhere_hidden_periods;
    assert.ok(start_ms > 0 && duration_ms > TAB.continuous_tab_warning_ms, `${start_ms} ${duration_ms}`);
    assert.equal(rows[1].stillhere_hidden_ms, duration_ms);
    assert.deepEqual(
      rows.map(({ stillhere_warnings }) => stillhere_warnings.map((/** @type {any} */ { kind }) => kind)),
      [[], ['tab'], []],
    );
    const { at_ms } = rows[1].stillhere_warnings[0];
    assert.ok(at_ms >= start_ms + TAB.continuous_tab_warning_ms && at_ms < start_ms + duration_ms, `${at_ms}`);
    assert.ok(rows[1].stillhere_round_trips_ms.length >= 5, `${rows[1].stillhere_round_trips_ms}`);
    assert.ok(rows[1].stillhere_round_trip_median_ms > line.delay, `${rows[1].stillhere_round_trip_median_ms}`);
    const bert = watched((await b.seen()).finished[0].rows);
    assert.ok(bert.every(({ stillhere_hidden_ms }) => stillhere_hidden_ms === 0));
    await running.allGamesEnded();
  },
);

experiment(
  'a hidden tab: excluded while hidden, both timelines end, both are told kindly, both data are stored',
  // The first of them has a second experiment to come, which does not begin.
  {
    metadata: TAB,
    redirectDelay: 6000,
    tolerated: /ada: .*the session on this socket has ended the experiment before/,
  },
  async (running) => {
    const { a, b } = await running.two({}, { search: { parts: 'main next' } });
    await a.answer('main', 1);
    await b.answer('main', 1);
    await Promise.all([a.waitForTrial('main 2'), b.waitForTrial('main 2')]);
    await a.browser.hide();
    const overlay = await b.waitForOverlay('partnerExcludedOverlay');
    assert.equal(overlay.heading, 'Game Ended');
    assert.ok(overlay.lines.includes(PARTNER_TEXT), overlay.lines.join('; '));
    const colours = await b.colours('partnerExcludedOverlay');
    assert.deepEqual(
      colours.filter(({ rgba }) => isReddish(rgba)),
      [],
    );
    const ofB = await b.waitForStored();
    await b.waitForRest('partnerExcludedOverlay');
    await screenshot(b, 'jspsych-partner');
    // The excluded one's data is stored while the tab is still hidden.
    const exported = [await running.exportOf(a), await running.exportOf(b)];
    await a.browser.show();
    assert.notEqual((await a.waitForOverlay('monitorExclusionOverlay')).heading, '');
    await a.waitForRest('monitorExclusionOverlay');
    await screenshot(a, 'jspsych-excluded');
    const ofA = await a.waitForStored();
    for (const page of [a, b]) {
      assert.equal(
        await page.browser.run(() => document.querySelector('.jspsych-content')?.textContent),
        'The experiment is over.',
      );
    }

    for (const [at, { finished, updates }, reason, by] of /** @type {const} */ ([
      [0, ofA, 'tab_hidden', 'self'],
      [1, ofB, 'partner_exclusion', 'partner'],
    ])) {
      assert.equal(finished.length, 1);
      const [{ hasEnded, stop, rows }] = finished;
      assert.ok(hasEnded);
      assert.deepEqual(stop, { reason, terminatedBy: by });
      assert.deepEqual(
        watched(rows).map((row) => [row.trial_index, row.response ?? null, row.word, row.stillhere_interrupted]),
        [
          [1, 'f', 'word 0', false],
          [2, null, 'word 1', true],
        ],
      );
      // The experiment's `on_finish` has it before the server does.
      assert.ok(rows.every((row) => row.stillhere_termination_reason === reason && row.stillhere_terminated_by === by));
      assert.equal(watched(updates).length, 2);
      const { metrics, is_partial, termination_reason, termination_frame, completed_episodes } = exported[at];
      assert.deepEqual([is_partial, termination_reason, termination_frame, completed_episodes], [1, reason, 2, 1]);
      const { data } = metrics.jspsych;
      assert.deepEqual(
        data.map((/** @type {any} */ row) => [row.trial_index, row.trial_type, row.word, row.stillhere_interrupted]),
        rows.map((row) => [row.trial_index, row.trial_type, row.word, row.stillhere_interrupted]),
      );
      for (const row of [...data, ...(finished[0].stored ?? [])]) {
        assert.deepEqual(row.stillhere_session_status, metrics.sessionStatus);
        assert.equal(row.stillhere_termination_reason, reason);
      }
    }
    const last = ofA.finished[0].rows[2];
    assert.equal(last.stillhere_hidden_periods.length, 1);
    assert.ok(last.stillhere_hidden_ms >= TAB.continuous_tab_exclude_ms - 50, `${last.stillhere_hidden_ms}`);
    assert.ok(last.stillhere_hidden_ms <= TAB.continuous_tab_exclude_ms + 1500, `${last.stillhere_hidden_ms}`);
    assert.deepEqual(
      last.stillhere_warnings.map((/** @type {any} */ { kind }) => kind),
      ['tab'],
    );
    const seen = await a.record();
    const excluded = seen.find(({ what, shown }) => what === 'monitorExclusionOverlay' && shown);
    const visible = seen.find(({ what }) => what === 'visible');
    assert.ok(excluded && visible && excluded.at < visible.at, JSON.stringify(seen));

    for (const [page, outcome] of /** @type {const} */ ([
      [a, 'excluded'],
      [b, 'partner_excluded'],
    ])) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), outcome);
      // The next part's waiting room is as far as the excluded one comes, beneath the overlay.
      const { started, failed } = await page.seen();
      assert.deepEqual([started, failed], page === a ? [4, 'session_ended'] : [3, undefined]);
    }
    await running.allGamesEnded();
  },
);

experiment(
  'both look away at once: each row says what the record says, whoever came first',
  { metadata: TAB },
  async (running) => {
    const { a, b } = await running.two();
    await Promise.all([a.browser.hide(), b.browser.hide()]);
    const exported = [await running.exportOf(a), await running.exportOf(b)];
    for (const [at, page] of [a, b].entries()) {
      await page.browser.show();
      const { finished } = await page.waitForStored();
      const { sessionStatus, jspsych } = exported[at].metrics;
      const { terminationReason: reason, terminatedBy } = sessionStatus;
      assert.deepEqual(finished[0].stop, { reason, terminatedBy });
      for (const row of [...jspsych.data, ...(finished[0].stored ?? [])]) {
        assert.deepEqual([row.stillhere_termination_reason, row.stillhere_terminated_by], [reason, terminatedBy]);
        assert.deepEqual(row.stillhere_session_status, sessionStatus);
      }
      await page.waitForDone();
    }
    const reasons = exported.map(({ termination_reason }) => termination_reason);
    assert.deepEqual(reasons.sort(), ['partner_exclusion', 'tab_hidden']);
    await running.allGamesEnded();
  },
);

experiment(
  'the server stops: the export that is built at once holds the trial that was running',
  { metadata: TAB, tolerated: /ERR_|WebSocket|socket\.io|api\// },
  async (running) => {
    const { a, b } = await running.two();
    await a.answer('main', 1);
    await a.waitForTrial('main 2');
    await running.server.stop();
    await running.server.startAgain();
    for (const page of [a, b]) {
      const { termination_reason, metrics } = await running.exportOf(page);
      assert.equal(termination_reason, 'server_shutdown');
      const { data } = metrics.jspsych;
      const row = data.at(-1);
      const at = page === a ? 1 : 0;
      assert.deepEqual(
        [
          row.trial_index,
          row.trial_type,
          row.word,
          row.list,
          row.stillhere_interrupted,
          row.stillhere_termination_reason,
        ],
        [at + 1, 'html-keyboard-response', `word ${at}`, [1, 2], true, 'server_shutdown'],
      );
      assert.equal(row.stillhere_state, 'ended');
      assert.deepEqual(row.stillhere_session_status, metrics.sessionStatus);
      const { finished } = await page.waitForStored();
      assert.deepEqual(finished[0].stop, { reason: 'server_shutdown', terminatedBy: 'server' });
      assert.equal(finished[0].rows.length, data.length);
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'server_shutdown');
    }
  },
);

experiment(
  'a connection is lost and comes back: the timeline waits, and the row says for how long',
  { metadata: { ...TAB, reconnect_grace_ms: 20_000 }, tolerated: /ERR_|WebSocket|socket\.io/ },
  async (running) => {
    const line = await running.line();
    const { a, b } = await running.two({}, { front: await running.front(line.port) });
    line.cut();
    await b.waitForOverlay('reconnectingOverlay');
    await a.waitForOverlay('reconnectingOverlay');
    await screenshot(b, 'jspsych-reconnecting');
    await b.press('f');
    // The trial is over, and the next one does not begin beneath the overlay.
    await until("b's first row", async () => watched((await b.seen()).updates).length === 1);
    assert.equal((await b.seen()).started, 2);
    await pause(1000);
    assert.equal((await b.seen()).started, 2);
    line.mend();
    await b.answer('main', 2, 3);
    await a.answer('main', 1, 2, 3);
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
      const rows = watched((await page.seen()).finished[0].rows);
      assert.deepEqual(
        rows.map(({ stillhere_paused_ms }) => stillhere_paused_ms > 0),
        [true, false, false],
      );
    }
    const [first] = watched((await a.seen()).finished[0].rows);
    assert.ok(first.stillhere_paused_ms > 1000, `${first.stillhere_paused_ms}`);
    assert.ok(first.stillhere_paused_ms < first.stillhere_trial_duration_ms);
  },
);

experiment(
  'a connection is lost for good: the timeline that waited ends',
  { metadata: { ...TAB, reconnect_grace_ms: 2000 }, tolerated: /ERR_|WebSocket|socket\.io|api\// },
  async (running) => {
    const line = await running.line();
    const { b } = await running.two({}, { front: await running.front(line.port) });
    line.cut();
    await b.waitForOverlay('reconnectingOverlay');
    await b.press('f');
    await b.waitForOverlay('partnerExcludedOverlay');
    const { finished, started } = await b.waitForStored();
    assert.equal(started, 2);
    assert.deepEqual(
      finished.map(({ hasEnded, stop }) => [hasEnded, stop]),
      [[true, { reason: 'partner_disconnected', terminatedBy: 'partner' }]],
    );
    const { metrics, completed_episodes } = await running.exportOf(b);
    assert.equal(completed_episodes, 1);
    assert.deepEqual(metrics.jspsych.data, finished[0].stored);
    assert.deepEqual(
      watched(metrics.jspsych.data).map((row) => [row.stillhere_interrupted, row.stillhere_termination_reason]),
      [[false, 'partner_disconnected']],
    );
    assert.equal((await b.waitForDone()).searchParams.get('outcome'), 'partner_disconnected');
  },
);

experiment(
  'the module cannot be loaded: the experiment says so instead of waiting for ever',
  { tolerated: /nowhere\.wasm|not_loaded|WebAssembly|could not be loaded/ },
  async (running) => {
    const page = await running.open('ada', { search: { wasm: '/experiment/nowhere.wasm' } });
    await until('the failure', async () => (await page.seen()).failed);
    assert.equal((await page.seen()).failed, 'not_loaded');
  },
);

experiment(
  'nobody comes to play with: the waiting ends the experiment',
  { metadata: TAB, waitingRoomTimeout: 1500, redirectDelay: 3000 },
  async (running) => {
    const page = await running.open('ada');
    await until('the waiting room', () => page.browser.run(() => document.querySelector('.stillhere-waiting-room')));
    await screenshot(page, 'jspsych-waiting');
    await page.waitForRest('sessionCompleteOverlay');
    await screenshot(page, 'jspsych-waiting-ended');
    const { finished, started } = await page.waitForStored();
    assert.equal(started, 1);
    assert.deepEqual(
      finished.map(({ stop, hasEnded }) => [stop, hasEnded]),
      [[null, true]],
    );
    assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'waiting_room_timeout');
  },
);

experiment(
  'two experiments in one page, one after the other, each with a partner: two games, two exports each',
  { metadata: TAB, redirectDelay: 0 },
  async (running) => {
    const search = { parts: 'main next', stay: '', trials: '2' };
    const { a, b } = await running.two({ search, runFirst: COUNT_LISTENERS });
    const listeners = () => a.browser.run(() => /** @type {any} */ (window).listeners.freeze);
    for (const page of [a, b]) await page.answer('main', 1, 2);
    for (const page of [a, b]) await page.waitForTrial('next 1');
    assert.equal(await listeners(), 1);
    assert.equal(await a.overlay('sessionCompleteOverlay'), null);
    for (const page of [a, b]) await page.answer('next', 1, 2);
    for (const page of [a, b]) {
      const { finished } = await page.waitForStored(2);
      await until('two exports', () => running.database.exports(page.participantId).length === 2);
      const exports = running.database.exports(page.participantId);
      assert.equal(new Set(exports.map(({ game_id }) => game_id)).size, 2);
      for (const [at, { is_partial, source, game_id, metrics }] of exports.entries()) {
        assert.deepEqual([is_partial, source], [0, 'client']);
        assert.deepEqual(metrics.jspsych.data, finished[at].stored);
        assert.deepEqual(
          watched(metrics.jspsych.data).map((row) => [row.part, row.stillhere_game_id]),
          Array.from({ length: 2 }, () => [at === 0 ? 'main' : 'next', game_id]),
        );
      }
    }
    await running.allGamesEnded();
  },
);

experiment(
  'joined before the first trial: the timeline needs no waiting room of ours',
  { metadata: TAB },
  async (running) => {
    const opening = ['ada', 'bert'].map((name) => running.open(name, { search: { join: name, trials: '1' } }));
    await Promise.allSettled(opening);
    const [a, b] = await Promise.all(opening);
    for (const page of [a, b]) {
      await until('the game', () =>
        page.browser.run(
          () => /** @type {any} */ (window).jsPsych.extensions.stillhere.session.status().state === 'playing',
        ),
      );
    }
    for (const page of [a, b]) await page.answer('main', 0);
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
      const { metrics } = await running.exportOf(page);
      assert.equal(metrics.jspsych.data.length, 1);
    }
  },
);

experiment('without a server: every trial says when nobody looked, and nothing is sent', {}, async (running) => {
  const page = await running.open('ada', { search: { alone: '', parts: 'first second' }, runFirst: COUNT_LISTENERS });
  await page.answer('first', 0);
  await page.waitForTrial('first 1');
  // Of the events that neither jsPsych nor the test itself listens to.
  const listeners = () =>
    page.browser.run(() => {
      const { freeze, resume, pageshow, online } = /** @type {any} */ (window).listeners;
      return [freeze, resume, pageshow, online];
    });
  assert.deepEqual(await listeners(), [1, 1, 1, 1]);
  await page.browser.hide();
  await pause(700);
  await page.browser.show();
  await page.answer('first', 1, 2);
  // The next experiment in the same page, with a session of its own.
  await page.waitForTrial('second 0');
  assert.deepEqual(await listeners(), [1, 1, 1, 1], 'the first experiment has left nothing');
  await page.answer('second', 0, 1, 2);
  const { finished } = await page.waitForStored(2);
  for (const [at, { rows, stop, hasEnded }] of finished.entries()) {
    assert.deepEqual([stop, hasEnded], [null, false]);
    assert.equal(rows.length, 3);
    for (const row of rows) {
      assert.equal(row.stillhere_state, 'idle');
      assert.deepEqual(row.stillhere_round_trips_ms, []);
      assert.deepEqual([row.stillhere_game_id, row.stillhere_session_status], [null, null]);
      assert.ok(row.stillhere_trial_duration_ms > 0);
    }
    assert.deepEqual(
      rows.map(({ stillhere_hidden_periods }) => stillhere_hidden_periods.length),
      at === 0 ? [0, 1, 0] : [0, 0, 0],
    );
  }
  const [, hidden] = finished[0].rows;
  assert.ok(hidden.stillhere_hidden_ms > 600, `${hidden.stillhere_hidden_ms}`);
  await page.browser.run(() => /** @type {any} */ (window).jsPsych.extensions.stillhere.dispose());
  assert.deepEqual(await listeners(), [0, 0, 0, 0]);
  assert.deepEqual(running.database.games(), []);
});

experiment(
  'classic scripts only: the extension under the name that jsPsych gives to its own',
  {
    skip: !existsSync(`${root}dist/jspsych.global.js`) && 'dist/jspsych.global.js is missing: `npm run build` makes it',
  },
  async (running) => {
    const page = await running.open('ada', { path: '/experiment/classic.html' });
    await page.answer('classic', 0, 1);
    const seen = await until('on_finish', () => page.browser.run(() => sessionStorage.getItem('seen')));
    const { rows, csv, cites } = JSON.parse(seen);
    assert.deepEqual(
      rows.map((/** @type {any} */ row) => [row.extension_type, row.stillhere_hidden_ms]),
      // The first trial may begin before the module is loaded.
      [
        [['stillhere'], rows[0].stillhere_hidden_ms],
        [['stillhere'], 0],
      ],
    );
    assert.match(csv, /"stillhere_round_trip_median_ms"/);
    assert.match(cites, /@software\{stillhere,/);
  },
);
