/**
 * A trial that lasts until the partner is there: a jsPsych plugin.
 *
 * @module stillhere/jspsych/waiting-room
 */
import { CITATIONS, FLOAT, OBJECT, STRING, VERSION } from './info.js';

/** `{ type: WaitingRoom }`: joins, unless that was done before, and ends when the game may begin. */
export class WaitingRoom {
  /** @type {import('jspsych').PluginInfo} */
  static info = {
    name: 'stillhere-waiting-room',
    version: VERSION,
    parameters: {
      /** What the participant reads meanwhile, as text. */
      message: { type: STRING, default: 'Waiting for your partner …' },
      /** Who joins, and which scene; only if the session has not joined yet. */
      participant_id: { type: STRING, default: null },
      scene_id: { type: STRING, default: null },
    },
    data: {
      /** How long the participant waited. */
      rt: { type: FLOAT },
      game_id: { type: STRING },
      /** The players in the order of their seats. */
      players: { type: STRING, array: true },
      /** The scene's settings, as the server sent them. */
      scene_metadata: { type: OBJECT },
    },
    citations: CITATIONS,
  };

  /** @param {import('jspsych').JsPsych} jsPsych */
  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  /**
   * @param {HTMLElement} display_element
   * @param {import('jspsych').TrialType<any>} parameters
   * @param {() => void} [on_load]
   */
  async trial(display_element, { message, participant_id, scene_id }, on_load) {
    const extension = /** @type {import('../jspsych.js').StillhereExtension | undefined} */ (
      this.jsPsych.extensions.stillhere
    );
    if (!extension) throw new Error('the waiting room needs the extension: initJsPsych({ extensions: [{ type: … }] })');
    const since = performance.now();
    const text = document.createElement('p');
    text.className = 'stillhere-waiting-room';
    text.setAttribute('role', 'status');
    text.textContent = message;
    display_element.replaceChildren(text);
    on_load?.();
    await extension.join({ participantId: participant_id ?? undefined, sceneId: scene_id ?? undefined });
    const { gameId, players, sceneMetadata } = await extension.game;
    return {
      rt: Math.round(performance.now() - since),
      game_id: gameId,
      players,
      scene_metadata: sceneMetadata,
    };
  }
}
