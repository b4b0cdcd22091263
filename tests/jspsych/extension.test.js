// What the extension says of itself, and what it makes of the session's record: without a browser.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { BOOL, COMPLEX, FLOAT, INFO, INT, OBJECT, STRING, VERSION } from '../../js/jspsych/info.js';
import { columns, mark, markAnew, noColumns } from '../../js/jspsych/trial.js';
import StillhereExtension, { WaitingRoom } from '../../js/jspsych.js';
import { root } from '../e2e/support/paths.js';

/**
 * @typedef {import('../../js/jspsych/trial.js').ExportedMetrics} ExportedMetrics
 * @typedef {import('../../js/jspsych/trial.js').Status} Status
 */

// What TypeScript compares: both are what jsPsych takes.
/** @type {new (jsPsych: import('jspsych').JsPsych) => import('jspsych').JsPsychExtension} */
const asExtension = StillhereExtension;
/** @type {new (jsPsych: import('jspsych').JsPsych) => import('jspsych').JsPsychPlugin<any>} */
const asPlugin = WaitingRoom;

/** @param {string} path */
const read = (path) => readFile(`${root}${path}`, 'utf8');

/** @param {number | null} rttMs @returns {ExportedMetrics['monitor']['samples'][number]} */
const sample = (rttMs) => ({ seq: null, sentMs: 0, rttMs, stalledMs: 0, origin: 'socket', judged: true });

/** @param {number} start @param {number | null} end */
const away = (start, end) => ({ start, end, durationMs: 0 });

/**
 * @param {number} now
 * @param {{ trips?: (number | null)[], hidden?: ReturnType<typeof away>[], unfocused?: ReturnType<typeof away>[], warned?: number[] }} [record]
 */
function metrics(now, { trips = [], hidden = [], unfocused = [], warned = [] } = {}) {
  return /** @type {ExportedMetrics} */ (
    /** @type {unknown} */ ({
      sessionDurationMs: now,
      sessionStatus: { isPartial: true },
      focusLoss: { backgroundPeriods: hidden, unfocusedPeriods: unfocused },
      monitor: {
        samples: trips.map(sample),
        warnings: warned.map((atMs) => ({ kind: 'tab', message: 'Come back', atMs, frame: 0 })),
      },
    })
  );
}

const PLAYING = /** @type {Status} */ ({ state: 'playing', gameId: 'g', playerId: 0 });
const CALM = { pausedMs: 0, interrupted: false };

test('a row holds what came to its end within the trial', () => {
  const began = mark(metrics(1000, { trips: [900, null], warned: [500] }));
  const after = metrics(5000.04, { trips: [900, null, 30, 10.04, null, 20, 40], warned: [500, 3000] });
  const row = columns(began, after, PLAYING, { pausedMs: 12.34, interrupted: true });
  assert.equal(row.stillhere_trial_start_ms, 1000);
  assert.equal(row.stillhere_trial_duration_ms, 4000);
  assert.deepEqual(row.stillhere_round_trips_ms, [30, 10, null, 20, 40]);
  assert.equal(row.stillhere_round_trips_lost, 1);
  // The lower of the two in the middle: the nearest rank.
  assert.equal(row.stillhere_round_trip_median_ms, 20);
  assert.equal(row.stillhere_round_trip_max_ms, 40);
  assert.deepEqual(row.stillhere_warnings, [{ kind: 'tab', message: 'Come back', at_ms: 2000 }]);
  assert.equal(row.stillhere_paused_ms, 12.3);
  assert.equal(row.stillhere_interrupted, true);
  assert.deepEqual([row.stillhere_game_id, row.stillhere_player_id], ['g', 0]);
});

test('periods are cut to the trial, and one that goes on ends with it', () => {
  const hidden = [away(0, 500), away(900, 1200), away(2000, 2300), away(4900, null)];
  const row = columns(mark(metrics(1000)), metrics(5000, { hidden, unfocused: [away(4000, 4000)] }), PLAYING, CALM);
  assert.deepEqual(row.stillhere_hidden_periods, [
    { start_ms: 0, duration_ms: 200 },
    { start_ms: 1000, duration_ms: 300 },
    { start_ms: 3900, duration_ms: 100 },
  ]);
  assert.equal(row.stillhere_hidden_ms, 600);
  assert.deepEqual([row.stillhere_unfocused_periods, row.stillhere_unfocused_ms], [[], 0]);
});

test('a game that begins within the trial begins its own record', () => {
  const began = markAnew(mark(metrics(1000, { trips: [5, 5, 5], warned: [1, 2] })));
  const row = columns(began, metrics(3000, { trips: [7], warned: [2500] }), PLAYING, CALM);
  assert.deepEqual(row.stillhere_round_trips_ms, [7]);
  assert.deepEqual(row.stillhere_warnings, [{ kind: 'tab', message: 'Come back', at_ms: 1500 }]);
});

test('a trial without an answer says null, not zero', () => {
  const row = columns(mark(metrics(0)), metrics(10, { trips: [null] }), PLAYING, CALM);
  assert.deepEqual([row.stillhere_round_trip_median_ms, row.stillhere_round_trip_max_ms], [null, null]);
  assert.equal(row.stillhere_round_trips_lost, 1);
});

test('outside of a game there is no status of one', () => {
  const idle = /** @type {Status} */ ({ ...PLAYING, state: 'idle', gameId: null, playerId: null });
  assert.equal(columns(mark(metrics(0)), metrics(10), idle, CALM).stillhere_session_status, null);
});

test('every row has the columns that the extension declares, and the documentation explains each', async () => {
  const declared = Object.keys(INFO.data ?? {});
  const later = ['stillhere_termination_reason', 'stillhere_terminated_by'];
  assert.deepEqual([...Object.keys(noColumns()), ...later], declared);
  assert.deepEqual(Object.keys(columns(mark(metrics(0)), metrics(1), PLAYING, CALM)), Object.keys(noColumns()));
  const documented = [...(await read('docs/JSPSYCH.md')).matchAll(/^\| `(stillhere_\w+)` \|/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(documented, declared);
});

test('the types are those of jsPsych, the version is that of the package', async () => {
  // jsPsych puts itself into the window as soon as it is loaded.
  Object.assign(globalThis, { window: {} });
  const { ParameterType } = await import('jspsych');
  Reflect.deleteProperty(globalThis, 'window');
  const { BOOL: bool, STRING: string, INT: int, FLOAT: float, OBJECT: object, COMPLEX: complex } = ParameterType;
  assert.deepEqual([BOOL, STRING, INT, FLOAT, OBJECT, COMPLEX], [bool, string, int, float, object, complex]);
  const { version } = JSON.parse(await read('package.json'));
  assert.equal(VERSION, version);
  assert.deepEqual(
    [asExtension, asPlugin].map((type) => Object(type).info.version),
    [version, version],
  );
});

test('trials before the session is there have the same columns, empty', () => {
  const jsPsych = /** @type {import('jspsych').JsPsych} */ (
    /** @type {unknown} */ ({ getProgress: () => ({ current_trial_global: 0 }) })
  );
  const extension = new StillhereExtension(jsPsych);
  extension.on_start();
  extension.on_load();
  assert.deepEqual(extension.on_finish(), noColumns());
  assert.notEqual(noColumns().stillhere_warnings, noColumns().stillhere_warnings);
});
