/**
 * One trial's part of what the session records.
 *
 * @module stillhere/jspsych/trial
 */

/**
 * @typedef {import('../../pkg/stillhere.js').ExportedMetrics} ExportedMetrics
 * @typedef {import('../../pkg/stillhere.js').Status} Status
 * @typedef {import('../../pkg/stillhere.js').AwayPeriod} AwayPeriod
 */

/**
 * How far the record had got when the trial began.
 *
 * @typedef {object} Mark
 * @property {number} atMs on the session's clock
 * @property {number} samples
 * @property {number} warnings
 */

/** @param {ExportedMetrics} metrics @returns {Mark} */
export function mark({ sessionDurationMs, monitor }) {
  return { atMs: sessionDurationMs, samples: monitor.samples.length, warnings: monitor.warnings.length };
}

/** The record of a new game begins with nothing in it. @param {Mark} mark @returns {Mark} */
export const markAnew = ({ atMs }) => ({ atMs, samples: 0, warnings: 0 });

/** What a trial without a session says, so that a table has the same columns throughout. */
const NOTHING = {
  stillhere_state: null,
  stillhere_session_status: null,
  stillhere_game_id: null,
  stillhere_player_id: null,
  stillhere_trial_start_ms: null,
  stillhere_trial_duration_ms: null,
  stillhere_round_trips_ms: [],
  stillhere_round_trip_median_ms: null,
  stillhere_round_trip_max_ms: null,
  stillhere_round_trips_lost: 0,
  stillhere_hidden_periods: [],
  stillhere_hidden_ms: null,
  stillhere_unfocused_periods: [],
  stillhere_unfocused_ms: null,
  stillhere_paused_ms: 0,
  stillhere_warnings: [],
  stillhere_interrupted: false,
};

/** @returns {Record<string, unknown>} */
export const noColumns = () => structuredClone(NOTHING);

/**
 * @param {Mark} began
 * @param {ExportedMetrics} metrics at the end of the trial
 * @param {Status} status
 * @param {{ pausedMs: number, interrupted: boolean }} more
 * @returns {Record<string, unknown>}
 */
export function columns(began, metrics, status, { pausedMs, interrupted }) {
  const { sessionDurationMs: now, sessionStatus, focusLoss, monitor } = metrics;
  const trips = monitor.samples.slice(began.samples).map(({ rttMs }) => (rttMs === null ? null : tenths(rttMs)));
  const answered = trips.filter((trip) => trip !== null).sort((a, b) => a - b);
  const hidden = within(began.atMs, now, focusLoss.backgroundPeriods);
  const unfocused = within(began.atMs, now, focusLoss.unfocusedPeriods);
  return {
    stillhere_state: status.state,
    // Without a game there is none that could be partial.
    stillhere_session_status: status.gameId === null ? null : sessionStatus,
    stillhere_game_id: status.gameId,
    stillhere_player_id: status.playerId,
    stillhere_trial_start_ms: tenths(began.atMs),
    stillhere_trial_duration_ms: tenths(now - began.atMs),
    stillhere_round_trips_ms: trips,
    // The nearest rank, as in the session's own summary.
    stillhere_round_trip_median_ms: answered[Math.ceil(answered.length / 2) - 1] ?? null,
    stillhere_round_trip_max_ms: answered.at(-1) ?? null,
    stillhere_round_trips_lost: trips.length - answered.length,
    stillhere_hidden_periods: hidden,
    stillhere_hidden_ms: total(hidden),
    stillhere_unfocused_periods: unfocused,
    stillhere_unfocused_ms: total(unfocused),
    stillhere_paused_ms: tenths(pausedMs),
    stillhere_warnings: monitor.warnings
      .slice(began.warnings)
      .map(({ kind, message, atMs }) => ({ kind, message, at_ms: tenths(atMs - began.atMs) })),
    stillhere_interrupted: interrupted,
  };
}

/**
 * The parts of these periods that fall into the trial.
 *
 * @param {number} from
 * @param {number} to
 * @param {AwayPeriod[]} periods
 */
function within(from, to, periods) {
  return periods
    .map(({ start, end }) => ({ start: Math.max(start, from), end: Math.min(end ?? to, to) }))
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => ({ start_ms: tenths(start - from), duration_ms: tenths(end - start) }));
}

/** @param {{ duration_ms: number }[]} periods */
const total = (periods) => tenths(periods.reduce((sum, { duration_ms }) => sum + duration_ms, 0));

/** Browsers tell time no finer. @param {number} ms */
const tenths = (ms) => Math.round(ms * 10) / 10;
