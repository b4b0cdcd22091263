/** @typedef {import('./match.js').Match} Match */
/** @typedef {import('./runs.js').Runs} Runs */

/**
 * How the pages of one game agree on what was played: when a game begins, when one of them comes back after a reload, and
 * when the game goes on without a player. Each page tells the others all that it knows; while one still needs to hear from
 * another it steps nothing, asks again from time to time, and is answered. So messages may be lost, late or doubled.
 *
 * @typedef {object} Told what one page tells all others. Players are named by their index.
 * @property {number} question names the sender's present question, so that an answer from before it does not count
 * @property {(number | null)[]} heard per player, their last question that the sender has heard
 * @property {number[]} needs the players whom the sender still needs to hear from
 * @property {Departure[]} left
 * @property {boolean} lost the sender has played before, on a page whose memory is gone
 * @property {number} frame the next one that the sender steps
 * @property {number} episode
 * @property {number | null} restMs what is left of the sender's break between two episodes
 * @property {Runs[]} history
 *
 * @typedef {{ player: number, frame: number, cut: number | null }} Departure
 *   `frame` is the server's word for the last frame that counts; `cut` is what the remaining pages have agreed on: later, if
 *   one of them had already stepped more.
 *
 * @typedef {object} Own what this page has to tell and to be told
 * @property {Match} match
 * @property {number} self
 * @property {number} players how many
 * @property {() => number} newQuestion no two pages may ever ask the same
 * @property {() => number | null} restMs
 * @property {(told: Told) => void} send to all other pages
 * @property {() => void} onAgreed this page knows all that it needs
 */

export class Meeting {
  /** Whether this page has played before and remembers nothing of it. */
  lost = false;
  #own;
  #question = 0;
  #open = false;
  /** @type {Map<number, Told>} the last message of each player */
  #told = new Map();
  /** @type {Map<number, Departure>} */
  #left = new Map();

  /** @param {Own} own */
  constructor(own) {
    this.#own = own;
  }

  /** While it is open nothing may be stepped. */
  get isOpen() {
    return this.#open;
  }

  /** @returns {Departure[]} */
  get departures() {
    return [...this.#left.values()];
  }

  /** Asks everybody for all that they know. */
  begin() {
    this.#question = this.#own.newQuestion();
    this.#open = true;
    this.ask();
    this.#settle();
  }

  /** Asks again. */
  ask() {
    if (this.#open) {
      this.#own.send(this.#message());
    }
  }

  /** @param {Departure} departure the game goes on without this player */
  leave(departure) {
    if (this.#note(departure)) {
      this.#open = true;
      this.ask();
      this.#settle();
    }
  }

  /**
   * @param {number} player
   * @param {Told} told
   */
  receive(player, told) {
    if (player === this.#own.self || this.#left.has(player)) {
      return;
    }
    if (this.#told.get(player)?.question !== told.question) {
      this.#own.match.dropBeyondGap(player);
    }
    this.#told.set(player, told);
    for (const departure of told.left) {
      this.leave(departure);
    }
    this.#settle();
    if (told.needs.includes(this.#own.self)) {
      this.#own.send(this.#message());
    }
  }

  /** How far the others were, when this page last heard from them. */
  get frame() {
    return Math.max(0, ...this.#present().map(({ frame }) => frame));
  }

  get episode() {
    return Math.max(0, ...this.#present().map(({ episode }) => episode));
  }

  /** @returns {number | null} what was left of the others' break between two episodes, if they had one */
  get restMs() {
    const rests = this.#present().flatMap(({ restMs }) => (restMs === null ? [] : [restMs]));
    return rests.length === 0 ? null : Math.min(...rests);
  }

  /** Whether the game was played before, and no page remembers it. */
  get isForgotten() {
    return this.lost && this.#present().every(({ lost }) => lost);
  }

  /** @returns {Told} */
  #message() {
    const { match, self, restMs } = this.#own;
    return {
      question: this.#question,
      heard: this.#everybody().map((player) => this.#told.get(player)?.question ?? null),
      needs: this.#open ? this.#needs(self) : [],
      left: this.departures,
      lost: this.lost,
      frame: match.frame,
      episode: match.episode,
      restMs: restMs(),
      history: match.history(),
    };
  }

  /**
   * @param {Departure} departure
   * @returns {boolean} whether it is news
   */
  #note({ player, frame, cut }) {
    const known = this.#left.get(player);
    if (player === this.#own.self || (known && (known.cut !== null || cut === null))) {
      return false;
    }
    this.#left.set(player, { player, frame, cut });
    this.#own.match.leave(player);
    return true;
  }

  /** @param {number} self */
  #needs(self) {
    return this.#everybody().filter((player) => {
      const told = this.#told.get(player);
      const answers =
        told?.heard[self] === this.#question &&
        this.departures.every(({ player: gone }) => told.left.some((departure) => departure.player === gone));
      return player !== self && !this.#left.has(player) && !answers;
    });
  }

  #settle() {
    const { match, self, onAgreed } = this.#own;
    if (!this.#open || this.#needs(self).length > 0) {
      return;
    }
    const present = this.#present();
    for (const { history } of present) {
      match.learn(history);
    }
    for (const departure of this.#left.values()) {
      // Nobody stepped on since they told how far they were, so all pages come to the same frame.
      departure.cut ??= Math.max(departure.frame, match.frame - 1, ...present.map(({ frame }) => frame - 1));
      match.cut(departure.player, departure.cut);
    }
    this.#open = false;
    onAgreed();
  }

  #present() {
    return [...this.#told].filter(([player]) => !this.#left.has(player)).map(([, told]) => told);
  }

  #everybody() {
    return Array.from({ length: this.#own.players }, (_, player) => player);
  }
}
