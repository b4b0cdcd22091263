import { hex } from './hash.js';
import { Lockstep } from './lockstep.js';
import { newEpisode, stateHash, step } from './sim.js';

/** @typedef {import('./lockstep.js').PlayerId} PlayerId */
/** @typedef {import('./lockstep.js').Move} Move */

const INPUT_DELAY = 4;
const HASH_EVERY = 30;

/**
 * One whole game: episodes of the simulation in lockstep, and the record that proves what was played. Both players' records
 * hold the same hash for the same frame. Frames and episodes count from 0; frames count on over all episodes.
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
  /** @type {{ episode: number, frames: number, score: number, finalHash: string }[]} */
  #finished = [];
  /** @type {[frame: number, hash: string][]} */
  #hashes = [];
  /** @type {number[][]} per player: action, how many frames in a row, action, … */
  #actions;

  /** @param {{ players: PlayerId[], self: PlayerId, seed: number, episodes: number, framesPerEpisode: number }} setup */
  constructor(setup) {
    this.#setup = setup;
    this.#lockstep = new Lockstep(setup.players, setup.self, INPUT_DELAY);
    this.#actions = setup.players.map(() => []);
    this.state = newEpisode(setup.seed, 0);
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

  /** @returns {boolean} false while another player's action is missing, and between episodes */
  step() {
    const frame = this.frame;
    const actions = this.phase === 'playing' ? this.#lockstep.next() : null;
    if (!actions) {
      return false;
    }
    step(this.state, actions);
    for (const [index, action] of actions.entries()) {
      append(this.#actions[index], action);
    }
    if (frame % HASH_EVERY === 0) {
      this.sample = [frame, this.#hash()];
      this.#hashes.push(this.sample);
    }
    if (this.framesLeft === 0) {
      this.#finishEpisode();
    }
    return true;
  }

  nextEpisode() {
    this.episode += 1;
    this.state = newEpisode(this.#setup.seed, this.episode);
    this.phase = 'playing';
  }

  /** The last finished episode's summary. */
  get summary() {
    return this.#finished[this.#finished.length - 1];
  }

  /** The game's own data, as it is exported beside the session's. */
  metrics() {
    const { episode, state } = this;
    return {
      ...this.#setup,
      inputDelay: INPUT_DELAY,
      episodes: this.#finished,
      unfinished:
        this.phase === 'playing' ? { episode, frames: state.frame, score: state.score, hash: this.#hash() } : null,
      hashes: this.#hashes,
      actions: this.#actions,
    };
  }

  #finishEpisode() {
    const { episode, state } = this;
    this.#finished.push({ episode, frames: state.frame, score: state.score, finalHash: this.#hash() });
    this.phase = this.#finished.length < this.#setup.episodes ? 'between' : 'over';
  }

  #hash() {
    return hex(stateHash(this.state));
  }
}

/**
 * @param {number[]} runs
 * @param {number} action
 */
function append(runs, action) {
  if (runs.length > 0 && runs[runs.length - 2] === action) {
    runs[runs.length - 1] += 1;
  } else {
    runs.push(action, 1);
  }
}
