/**
 * An experiment as a lab writes it: a waiting room, and trials that each end with a key. The address says how it varies.
 */
import StillhereExtension, { WaitingRoom } from '/stillhere/js/jspsych.js';
import { io } from '/vendor/socket.io.esm.min.js';

/**
 * @typedef {object} Finish
 * @property {boolean} hasEnded whether the session had ended the experiment
 * @property {Record<string, any>[]} rows
 * @property {unknown} [stop] once the data was said to be stored: how the session ended
 * @property {Record<string, any>[]} [stored] the rows by then
 *
 * What a test reads, whichever page the participant has been sent on to.
 *
 * @typedef {object} Seen
 * @property {number} started trials
 * @property {Record<string, any>[]} updates what jsPsych's `on_data_update` was given
 * @property {Finish[]} finished what each `on_finish` saw
 * @property {number} completed how many experiments whose data was said to be stored
 * @property {string} [failed] what the promise of `jsPsych.run()` was rejected with
 */

const params = new URLSearchParams(location.search);
const TRIALS = Number(params.get('trials') ?? 3);

/** @type {Seen} */
const seen = { started: 0, updates: [], finished: [], completed: 0 };
/** @param {(seen: Seen) => void} change */
function note(change) {
  change(seen);
  sessionStorage.setItem('seen', JSON.stringify(seen));
}

const { initJsPsych, jsPsychHtmlKeyboardResponse } = /** @type {any} */ (window);
const socket = params.has('alone') ? undefined : io({ reconnectionDelay: 100, reconnectionDelayMax: 200 });

/** @param {string} part */
async function run(part) {
  const jsPsych = initJsPsych({
    extensions: [
      {
        type: StillhereExtension,
        params: {
          socket,
          trials_as_episodes: true,
          end_message: 'The experiment is over.',
          wasm: params.get('wasm') ?? undefined,
          // Who stays goes on in this page, whatever the server says.
          ...(params.has('stay') && { session_options: { navigate: () => {} } }),
          ...(params.has('join') && { join: { participantId: params.get('join') } }),
        },
      },
    ],
    on_trial_start: () => note((so) => (so.started += 1)),
    on_data_update: (/** @type {Record<string, any>} */ row) =>
      note(({ updates }) => updates.push(structuredClone(row))),
    on_finish: async (/** @type {any} */ data) => {
      const stillhere = jsPsych.extensions.stillhere;
      note(({ finished }) => finished.push({ hasEnded: stillhere.hasEnded, rows: structuredClone(data.values()) }));
      await stillhere.complete();
      note((so) => {
        so.completed += 1;
        Object.assign(so.finished[so.finished.length - 1], {
          stop: stillhere.stop ?? null,
          stored: structuredClone(data.values()),
        });
      });
    },
  });
  Object.assign(window, { jsPsych });
  const trials = {
    extensions: [{ type: StillhereExtension }],
    timeline: [
      {
        type: jsPsychHtmlKeyboardResponse,
        stimulus: () => `<p>Press f or j.</p><p id="trial">${part} ${jsPsych.getProgress().current_trial_global}</p>`,
        choices: ['f', 'j'],
        data: { part, word: jsPsych.timelineVariable('word'), list: [1, 2], computed: () => 1 },
        on_finish: (/** @type {Record<string, unknown>} */ row) => {
          row.correct = row.response === 'f';
        },
      },
    ],
    timeline_variables: Array.from({ length: TRIALS }, (_, at) => ({ word: `word ${at}` })),
  };
  const waiting = { type: WaitingRoom, participant_id: params.get('participant') };
  await jsPsych.run(socket && !params.has('join') ? [waiting, trials] : [trials]);
}

try {
  for (const part of (params.get('parts') ?? 'main').split(' ')) await run(part);
} catch (error) {
  const { code } = /** @type {{ code?: string }} */ (error);
  note((so) => (so.failed = code ?? String(error)));
}
