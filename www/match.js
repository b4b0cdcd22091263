import { hex } from './hash.js';
import { Lockstep } from './lockstep.js';
import { append, framesOf } from './runs.js';

/** @typedef {import('./lockstep.js').PlayerId} PlayerId */
/** @typedef {import('./lockstep.js').Move} Move */
/** @typedef {import('./runs.js').Runs} Runs */

/**
 * What a match needs to know of a state. `info` is what the game itself has counted; `isOver` ends an episode before its time.
 *
 * @typedef {{ frame: number, score: number, info?: Record<string, unknown>, isOver?: boolean }} State
 */

/**
 * A game that can be played in lockstep: the same seed and the same actions lead to the same state on every page.
 *
 * @template {State} S
 * @typedef {object} Rules
 * @property {(seed: number, episode: number, players: number, frames: number) => S} newEpisode
 * @property {(state: S, actions: readonly number[]) => void} step moves the state on by one frame, in place
 * @property {(state: S) => number} stateHash an unsigned 32-bit integer
 */

const INPUT_DELAY = 4;
const HASH_EVERY = 30;

/**
 * One whole game: episodes of the simulation in lockstep, and the record that proves what was played. All players' records
 * hold the same hash for the same frame. Frames and episodes count from 0; frames count on over all episodes.
 *
 * @template {State} [S=any]
 */
export class Match {
  /** @type {'playing' | 'between' | 'over'} */
  phase = 'playing';
  episode = 0;
  state;
  /** @type {[frame: number, hash: string] | null} the last sampled state */
  sample = null;
  #lockstep;
  #setup;
  #rules;
  /** @type {{ episode: number, frames: number, score: number, finalHash: string, info?: Record<string, unknown> }[]} */
  #finished = [];
  /** @type {[frame: number, hash: string][]} */
  #hashes = [];
  /** @type {Runs[]} per player */
  #actions;

  /**
   * @param {{ players: PlayerId[], self: PlayerId, seed: number, episodes: number, framesPerEpisode: number }} setup
   * @param {Rules<S>} rules
   */
  constructor(setup, rules) {
    this.#setup = setup;
    this.#rules = rules;
    this.#lockstep = new Lockstep(setup.players, setup.self, INPUT_DELAY);
    this.#actions = setup.players.map(() => []);
    this.state = this.#newState();
  }

  /** The next frame to step. */
  get frame() {
    return this.#lockstep.frame;
  }

  get framesLeft() {
    return this.#setup.framesPerEpisode - this.state.frame;
  }

  get owesAction() {
    return this.#lockstep.owesAction;
  }

  /**
   * @param {number} action
   * @returns {Move}
   */
  act(action) {
    return this.#lockstep.act(action);
  }

  /**
   * @param {PlayerId} player
   * @param {Move} move
   */
  receive(player, move) {
    this.#lockstep.receive(player, move);
  }

  /** @param {Move} move */
  isBeyondReach(move) {
    return this.#lockstep.isBeyondReach(move.frame);
  }

  /** @returns {Move[]} */
  recent() {
    return this.#lockstep.recent();
  }

  /** @returns {Runs[]} per player, from the first frame on, every action that is known: also those that are still to be stepped */
  history() {
    return this.#setup.players.map((player, index) => {
      const runs = [...this.#actions[index]];
      for (const action of this.#lockstep.ahead(player)) {
        append(runs, action);
      }
      return runs;
    });
  }

  /**
   * @param {Runs[]} history what another page knows, or this one knew before it was reloaded
   * @param {(index: number) => boolean} [whose]
   */
  learn(history, whose = () => true) {
    for (const [index, player] of this.#setup.players.entries()) {
      if (whose(index)) {
        this.#lockstep.learn(player, framesOf(history[index], this.frame));
      }
    }
  }

  /** @param {number} index a player whose page is another one now: it goes on from what it is told */
  dropBeyondGap(index) {
    this.#lockstep.dropBeyondGap(this.#setup.players[index]);
  }

  /** @param {number} index a player whom the game goes on without */
  leave(index) {
    this.#lockstep.leave(this.#setup.players[index]);
  }

  /**
   * @param {number} index a player who left
   * @param {number} frame the last one whose action counts, on every page alike
   */
  cut(index, frame) {
    this.#lockstep.cut(this.#setup.players[index], frame);
  }

  /** @returns {boolean[]} per player, whether the game goes on without them */
  get left() {
    return this.#setup.players.map((player) => this.#lockstep.hasLeft(player));
  }

  /** @returns {boolean} false while another player's action is missing, and between episodes */
  step() {
    const frame = this.frame;
    const actions = this.phase === 'playing' ? this.#lockstep.next() : null;
    if (!actions) {
      return false;
    }
    this.#rules.step(this.state, actions);
    for (const [index, action] of actions.entries()) {
      append(this.#actions[index], action);
    }
    if (frame % HASH_EVERY === 0) {
      this.sample = [frame, this.#hash()];
      this.#hashes.push(this.sample);
    }
    if (this.framesLeft === 0 || this.state.isOver) {
      this.#finishEpisode();
    }
    return true;
  }

  /**
   * Steps what is known already without a pause, also from one episode into the next.
   *
   * @param {number} frame where others are
   * @param {number} episode theirs
   * @param {() => void} onNext called between two episodes
   */
  catchUp(frame, episode, onNext) {
    while (this.frame < frame && this.step()) {
      if (this.phase === 'between' && (this.frame < frame || this.episode < episode)) {
        onNext();
        this.nextEpisode();
      }
    }
  }

  nextEpisode() {
    this.episode += 1;
    this.state = this.#newState();
    this.phase = 'playing';
  }

  /** The last finished episode's summary. */
  get summary() {
    return this.#finished[this.#finished.length - 1];
  }

  /** The game's own data, as it is exported beside the session's. */
  metrics() {
    return {
      ...this.#setup,
      inputDelay: INPUT_DELAY,
      episodes: this.#finished,
      unfinished: this.phase === 'playing' ? { ...this.#account(), hash: this.#hash() } : null,
      hashes: this.#hashes,
      actions: this.#actions,
    };
  }

  #finishEpisode() {
    this.#finished.push({ ...this.#account(), finalHash: this.#hash() });
    this.phase = this.#finished.length < this.#setup.episodes ? 'between' : 'over';
  }

  #account() {
    const { frame: frames, score, info } = this.state;
    return { episode: this.episode, frames, score, ...(info && { info }) };
  }

  #newState() {
    const { seed, players, framesPerEpisode } = this.#setup;
    return this.#rules.newEpisode(seed, this.episode, players.length, framesPerEpisode);
  }

  #hash() {
    return hex(this.#rules.stateHash(this.state));
  }
}
