import { Game } from './game.js';
import { answer, makeCode, outcomeOf } from './redirect.js';
import { MatchSocket } from './socket.js';

/**
 * One of MUG's games, and the session of it.
 *
 * @module stillhere/mug/match
 */

/** @typedef {import('./takeover.js').SessionClass} SessionClass */
/** @typedef {Omit<import('../mug.js').MugOptions, 'socket' | 'game' | 'wasm' | 'module'>} MatchOptions */

const page = () => /** @type {any} */ (globalThis);

export class Match {
  #socket;
  #mugs;
  #game;
  #redirects;
  /** @type {import('../../pkg/stillhere.js').ParticipantSession | undefined} */
  #session;
  /** Ours, of a game that was played to its end; MUG's are added when it collects them. @type {object | undefined} */
  #record;
  /** @type {any} */
  #metadata = {};
  #inEpisode = false;
  #held = false;
  /** Where overlays go. */
  #stage = document.createElement('div');

  /**
   * @param {SessionClass} Session
   * @param {any} socket
   * @param {any} game
   * @param {MatchOptions} options
   */
  constructor(Session, socket, game, { redirects = {}, onSession, onStop, mount, ...options }) {
    this.#mugs = socket;
    this.#redirects = redirects;
    this.#socket = new MatchSocket(socket, (request) => this.#whereTo(request.reason));
    (mount ?? document.body).append(this.#stage);
    this.#game = new Game(game, {
      frame: (frame) => this.#frame(frame),
      pause: () => this.#hold(true),
      resume: () => this.#hold(false),
      episodeCompleted: (isLast) => this.#episodeCompleted(isLast),
      // Away between two episodes, where nobody is judged: the session's own rules are to see it.
      focusLost: () => this.#hold(false),
      sceneLeft: () => this.#sceneLeft(),
    });
    try {
      this.#session = Session.attach(this.#socket, {
        ...options,
        mount: this.#stage,
        onStop: (stop) => this.#stop(stop, onStop),
      });
    } catch (error) {
      this.dispose();
      throw error;
    }
    const session = this.#session;
    session.setMetricsSource(() => this.#game.metrics());
    session.on('excluded', ({ reason }) => this.#endedBy(reason));
    session.on('partnerExcluded', () => this.#endedBy('partner_exclusion'));
    session.on('partnerDisconnected', () => this.#endedBy('partner_disconnected'));
    session.on('exported', () => this.#exported());
    session.on('error', ({ code, message }) => console.error(`stillhere: ${code}: ${message}`));
    onSession?.(session);
  }

  get session() {
    return this.#session;
  }

  /** @param {any} assigned */
  assigned(assigned) {
    this.#socket.tell('pyodide_player_assigned', assigned);
  }

  /** @param {any} ready */
  ready(ready) {
    this.#metadata = ready.scene_metadata ?? {};
    this.#socket.tell('pyodide_game_ready', { ...ready, scene_metadata: inOurWords(this.#metadata) });
  }

  dispose() {
    this.#session?.dispose();
    this.#session = undefined;
    this.#socket.pings.end();
    this.#game.release();
    this.#stage.remove();
  }

  /**
   * @param {import('../../pkg/stillhere.js').Stop} stop
   * @param {((stop: import('../../pkg/stillhere.js').Stop) => void) | undefined} onStop
   */
  #stop(stop, onStop) {
    if (stop.reason !== 'normal') this.#game.stop();
    // MUG's server tells nobody of it: the partner has only the connection to go by.
    if (stop.reason === 'focus_loss_timeout') this.#game.disconnect();
    onStop?.(stop);
  }

  /** @param {number} frame */
  #frame(frame) {
    const session = this.#session;
    if (!session) return;
    if (this.#held) this.#hold(false);
    if (!this.#inEpisode) {
      this.#inEpisode = true;
      session.episodeStarted();
    }
    session.frame(frame);
  }

  /** @param {boolean} held */
  #hold(held) {
    this.#held = held;
    if (held) this.#session?.pause();
    else this.#session?.resume();
  }

  /** @param {boolean} isLast */
  #episodeCompleted(isLast) {
    this.#session?.episodeCompleted();
    this.#inEpisode = false;
    this.#hold(true);
    if (!isLast) return;
    // After a normal end MUG's page goes on: nothing of ours is to cover it.
    this.#stage.remove();
    this.#session?.complete();
  }

  /** Only a normal end leaves the page to MUG; after any other the overlay stays. */
  #exported() {
    const session = this.#session;
    if (!session || this.#stage.isConnected) return;
    session.setMetricsSource(null);
    this.#record = session.exportMetrics();
    session.dispose();
    this.#session = undefined;
    this.#socket.pings.end();
  }

  #sceneLeft() {
    const session = this.#session;
    // What MUG has verified since the end is wanted too; its server keeps the latest of a scene.
    if (this.#record) this.#send({ ...this.#game.metrics(), ...this.#record });
    else if (session && session.status().state !== 'ended') {
      this.#send(session.exportMetrics());
      this.dispose();
    }
  }

  /** @param {object} metrics */
  #send(metrics) {
    this.#mugs.emit('emit_multiplayer_metrics', { scene_id: this.#game.scene, metrics });
  }

  /** @param {string} reason */
  #endedBy(reason) {
    this.#game.disconnect();
    // So that MUG's dashboard shows the participant as one who is done, and the address does not begin anew.
    this.#mugs.emit('participant_terminal_state', {
      game_id: this.#session?.status().gameId,
      scene_id: this.#game.scene,
      reason,
      frame_number: this.#game.frame,
      episode_number: this.#game.episode,
    });
  }

  /** @param {string | undefined} reason */
  #whereTo(reason) {
    const outcome = outcomeOf(reason);
    return answer(this.#redirects, outcome, participantId(), () => {
      const isPartners = outcome === 'partner_excluded' || outcome === 'partner_disconnected';
      if (!isPartners || this.#metadata.partner_disconnect_show_completion_code === false) return null;
      const completion_code = makeCode();
      // MUG's way to let its server know of a code.
      this.#mugs.emit('waitroom_timeout_completion', {
        completion_code,
        reason: `${reason}_mid_game`,
        frame_number: this.#game.frame,
        episode_number: this.#game.episode,
      });
      return completion_code;
    });
  }
}

function participantId() {
  return String(page().subjectName ?? page().mugGlobals?.subjectName ?? '');
}

/**
 * A scene of MUG has a rule of the researcher's own if its metadata lacks `continuous_exclusion_callback`: Python leaves out what
 * JSON cannot carry, and `None` it can.
 *
 * @param {any} metadata
 */
function inOurWords({ continuous_exclusion_callback: none, ...metadata }) {
  const isMugs = 'continuous_callback_interval_frames' in metadata;
  return { has_continuous_callback: isMugs && none === undefined, ...metadata };
}
