import { Match } from './match.js';

/**
 * Sees MUG's games begin, and attaches a session to each.
 *
 * @module stillhere/mug/takeover
 */

/** @typedef {typeof import('../../pkg/stillhere.js').ParticipantSession} SessionClass */

export class Takeover {
  #socket;
  #game;
  #options;
  /** @type {SessionClass | undefined} */
  #Session;
  /** @type {Match | undefined} */
  #match;
  /** What MUG's server has said of the game that is about to begin, or has begun. @type {any} */
  #assigned;
  /** @type {any} */
  #ready;

  /**
   * @param {any} socket
   * @param {() => any} game
   * @param {import('./match.js').MatchOptions} options
   */
  constructor(socket, game, options) {
    this.#socket = socket;
    this.#game = game;
    this.#options = options;
    socket.on('pyodide_player_assigned', this.#onAssigned);
    socket.on('pyodide_game_ready', this.#onReady);
  }

  /** @param {SessionClass} Session */
  begin(Session) {
    this.#Session = Session;
    const game = this.#game();
    if (!this.#assigned) this.#lookAt(game);
    const [assigned, ready] = [this.#assigned, this.#ready];
    if (assigned) this.#onAssigned(assigned);
    if (ready) this.#onReady(ready);
  }

  get session() {
    return this.#match?.session;
  }

  dispose() {
    this.#socket.off('pyodide_player_assigned', this.#onAssigned);
    this.#socket.off('pyodide_game_ready', this.#onReady);
    this.#match?.dispose();
  }

  #onAssigned = (/** @type {any} */ assigned) => {
    this.#assigned = assigned;
    this.#ready = undefined;
    const game = this.#game();
    if (!this.#Session || !game) return;
    this.#match?.dispose();
    this.#match = undefined;
    try {
      this.#match = new Match(this.#Session, this.#socket, game, this.#options);
    } catch (error) {
      // Options that cannot be. MUG's own listeners are still to be called, and its own monitoring stays.
      console.error('stillhere:', error);
      return;
    }
    this.#match.assigned(assigned);
  };

  #onReady = (/** @type {any} */ ready) => {
    this.#ready = ready;
    this.#match?.ready(ready);
  };

  /** A game that began before anybody listened: all that is known of it is in the game. @param {any} game */
  #lookAt(game) {
    if (!game?.gameId || !game.playerIdToIndex || game.state === 'done' || game.sceneExited) return;
    const players = Object.values(game.indexToPlayerId);
    if (players.length === 0) return;
    this.#assigned = {
      player_id: game.myPlayerId,
      game_id: game.gameId,
      game_seed: game.gameSeed,
      num_players: players.length,
    };
    this.#ready = {
      game_id: game.gameId,
      players,
      player_subjects: game.playerSubjects,
      scene_metadata: game.config,
    };
  }
}
