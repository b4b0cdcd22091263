/**
 * Delay-based lockstep: an action chosen at frame n takes effect at frame n + delay, and a frame is stepped only when every
 * player's action for it is known. So all pages step the same actions, whatever the network does in between.
 *
 * @typedef {string | number} PlayerId
 * @typedef {{ frame: number, action: number }} Move
 */

const NONE = 0;

export class Lockstep {
  /** The next frame to step. */
  frame = 0;
  /** @type {Map<PlayerId, Map<number, number>>} */
  #actions = new Map();
  /** @type {Map<PlayerId, number>} players who have left, and their last frame that counts: Infinity until it is agreed on */
  #left = new Map();
  #self;
  #delay;

  /**
   * @param {readonly PlayerId[]} players
   * @param {PlayerId} self
   * @param {number} delay in frames; nobody acts in the first `delay` frames
   */
  constructor(players, self, delay) {
    this.#self = self;
    this.#delay = delay;
    for (const player of players) {
      const first = Array.from({ length: delay }, (_, frame) => /** @type {[number, number]} */ ([frame, NONE]));
      this.#actions.set(player, new Map(first));
    }
  }

  /** Whether this player owes an action: one per frame, several after a reload has lost those that were underway. */
  get owesAction() {
    return this.#firstUnknown(this.#self) <= this.frame + this.#delay;
  }

  /**
   * @param {number} action
   * @returns {Move} what the other players must be told
   */
  act(action) {
    const move = { frame: this.#firstUnknown(this.#self), action };
    this.#of(this.#self).set(move.frame, action);
    return move;
  }

  /**
   * Takes another player's action, in any order and any number of times.
   *
   * @param {PlayerId} player
   * @param {Move} move
   */
  receive(player, move) {
    if (player !== this.#self && !this.#left.has(player) && this.#actions.has(player)) {
      this.#take(player, move);
    }
  }

  /**
   * Takes actions that somebody else remembers: also this player's own, from before a reload, and those of one who left.
   *
   * @param {PlayerId} player
   * @param {Iterable<[frame: number, action: number]>} actions
   */
  learn(player, actions) {
    for (const [frame, action] of actions) {
      this.#take(player, { frame, action });
    }
  }

  /**
   * Players in step can be `delay` + 1 frames apart and send `delay` frames ahead. An action beyond that is from a game that
   * this page has lost the beginning of, as after a reload.
   *
   * @param {number} frame
   */
  isBeyondReach(frame) {
    return frame > this.frame + 2 * this.#delay + 1;
  }

  /**
   * Others are only told what comes before a gap in what was received. Where that is to count, what comes after it must not.
   *
   * @param {PlayerId} player
   */
  dropBeyondGap(player) {
    this.#dropFrom(player, this.#firstUnknown(player));
  }

  /**
   * From now on nothing is received from this player.
   *
   * @param {PlayerId} player
   */
  leave(player) {
    if (!this.#left.has(player)) {
      this.#left.set(player, Number.POSITIVE_INFINITY);
      this.dropBeyondGap(player);
    }
  }

  /**
   * After this frame the player who left stands still; so it does in frames before it that nobody knows its action for.
   *
   * @param {PlayerId} player
   * @param {number} frame
   */
  cut(player, frame) {
    this.#left.set(player, frame);
    this.#dropFrom(player, frame + 1);
  }

  /**
   * @param {PlayerId} player
   * @returns {boolean}
   */
  hasLeft(player) {
    return this.#left.has(player);
  }

  /** @returns {number[] | null} every player's action for the current frame, or null while one is missing */
  next() {
    const actions = [];
    for (const [player, known] of this.#actions) {
      const action = known.get(this.frame) ?? (Number.isFinite(this.#left.get(player)) ? NONE : undefined);
      if (action === undefined) {
        return null;
      }
      actions.push(action);
    }
    this.frame += 1;
    for (const known of this.#actions.values()) {
      known.delete(this.frame - this.#delay - 3);
    }
    return actions;
  }

  /** @returns {Move[]} own actions that another player may still be waiting for, to be sent again after a lost connection */
  recent() {
    const oldest = Math.max(this.#delay, this.frame - this.#delay - 1);
    return [...this.#of(this.#self)]
      .map(([frame, action]) => ({ frame, action }))
      .filter(({ frame }) => frame >= oldest);
  }

  /**
   * @param {PlayerId} player
   * @returns {number[]} the player's actions from the current frame on, up to the first one that is unknown
   */
  ahead(player) {
    const known = this.#of(player);
    const actions = [];
    for (let frame = this.frame; ; frame += 1) {
      const action = known.get(frame);
      if (action === undefined) {
        return actions;
      }
      actions.push(action);
    }
  }

  /**
   * @param {PlayerId} player
   * @param {Move} move
   */
  #take(player, { frame, action }) {
    const known = this.#of(player);
    const last = this.#left.get(player) ?? Number.POSITIVE_INFINITY;
    if (frame >= this.frame && frame <= last && !known.has(frame)) {
      known.set(frame, action);
    }
  }

  /** @param {PlayerId} player */
  #firstUnknown(player) {
    const known = this.#of(player);
    let frame = this.frame;
    while (known.has(frame)) {
      frame += 1;
    }
    return frame;
  }

  /**
   * @param {PlayerId} player
   * @param {number} first
   */
  #dropFrom(player, first) {
    const known = this.#of(player);
    for (const frame of known.keys()) {
      if (frame >= first) {
        known.delete(frame);
      }
    }
  }

  /** @param {PlayerId} player */
  #of(player) {
    const actions = this.#actions.get(player);
    if (!actions) {
      throw new Error(`player ${player} is not in this game`);
    }
    return actions;
  }
}
