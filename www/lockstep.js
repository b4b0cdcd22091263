/**
 * Delay-based lockstep: an action chosen at frame n takes effect at frame n + delay, and a frame is stepped only when every
 * player's action for it is known. So all pages step the same actions, whatever the network does in between.
 *
 * @typedef {string | number} PlayerId
 * @typedef {{ frame: number, action: number }} Move
 */

export class Lockstep {
  /** The next frame to step. */
  frame = 0;
  /** @type {Map<PlayerId, Map<number, number>>} */
  #actions = new Map();
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
      const first = Array.from({ length: delay }, (_, frame) => /** @type {[number, number]} */ ([frame, 0]));
      this.#actions.set(player, new Map(first));
    }
  }

  /** Whether this player still owes the action that is chosen at the current frame. */
  get owesAction() {
    return !this.#of(this.#self).has(this.frame + this.#delay);
  }

  /**
   * @param {number} action
   * @returns {Move} what the other players must be told
   */
  act(action) {
    const move = { frame: this.frame + this.#delay, action };
    this.#of(this.#self).set(move.frame, action);
    return move;
  }

  /**
   * Takes another player's action, in any order and any number of times.
   *
   * @param {PlayerId} player
   * @param {Move} move
   */
  receive(player, { frame, action }) {
    const actions = player === this.#self ? undefined : this.#actions.get(player);
    if (actions && frame >= this.frame && !actions.has(frame)) {
      actions.set(frame, action);
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

  /** @returns {number[] | null} every player's action for the current frame, or null while one is missing */
  next() {
    const actions = [];
    for (const known of this.#actions.values()) {
      const action = known.get(this.frame);
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

  /** @param {PlayerId} player */
  #of(player) {
    const actions = this.#actions.get(player);
    if (!actions) {
      throw new Error(`player ${player} is not in this game`);
    }
    return actions;
  }
}
