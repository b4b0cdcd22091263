/**
 * What the extension tells jsPsych of itself.
 *
 * @module stillhere/jspsych/info
 */

/** The package's, as jsPsych writes it beside each trial. */
export const VERSION = '0.1.0';

/** jsPsych's `ParameterType` by number: importing it would make jsPsych a dependency of every page that loads this. */
export const BOOL = 0;
export const STRING = 1;
export const INT = 2;
export const FLOAT = 3;
export const OBJECT = 12;
export const COMPLEX = 13;

export const CITATIONS = {
  apa: `stillhere (Version ${VERSION}) [Computer software]. https://github.com/stillhere/stillhere`,
  bibtex: `@software{stillhere, title = {stillhere}, version = {${VERSION}}, url = {https://github.com/stillhere/stillhere}}`,
};

const PERIODS = {
  type: COMPLEX,
  array: true,
  nested: { start_ms: { type: FLOAT }, duration_ms: { type: FLOAT } },
};

/** @type {import('jspsych').JsPsychExtensionInfo} */
export const INFO = {
  name: 'stillhere',
  version: VERSION,
  data: {
    /** Where the session stood at the end of the trial; null if there was none yet. */
    stillhere_state: { type: STRING },
    /** `sessionStatus` of the metrics: as it stood at the end of the trial, and in every row the last one once there is one. */
    stillhere_session_status: { type: OBJECT },
    /** The game, and who the participant is in it; null outside of one. */
    stillhere_game_id: { type: STRING },
    stillhere_player_id: { type: STRING },
    /** When the trial began and how long it took, on the session's clock: that of the exported metrics. */
    stillhere_trial_start_ms: { type: FLOAT },
    stillhere_trial_duration_ms: { type: FLOAT },
    /** The round trips that came to their end in the trial; null in the list is one without an answer in time. */
    stillhere_round_trips_ms: { type: FLOAT, array: true },
    stillhere_round_trip_median_ms: { type: FLOAT },
    stillhere_round_trip_max_ms: { type: FLOAT },
    stillhere_round_trips_lost: { type: INT },
    /** When, since the trial began, the tab was hidden, and for how long. */
    stillhere_hidden_periods: PERIODS,
    stillhere_hidden_ms: { type: FLOAT },
    /** The same for another window that had the focus. */
    stillhere_unfocused_periods: PERIODS,
    stillhere_unfocused_ms: { type: FLOAT },
    /** How long play was held up because somebody's connection was lost. */
    stillhere_paused_ms: { type: FLOAT },
    /** What the participant was warned of. */
    stillhere_warnings: {
      type: COMPLEX,
      array: true,
      nested: { kind: { type: STRING }, message: { type: STRING }, at_ms: { type: FLOAT } },
    },
    /** Whether the end of the session cut the trial short. */
    stillhere_interrupted: { type: BOOL },
    /** How the session ended, in every row once it has. */
    stillhere_termination_reason: { type: STRING },
    stillhere_terminated_by: { type: STRING },
  },
  citations: CITATIONS,
};
