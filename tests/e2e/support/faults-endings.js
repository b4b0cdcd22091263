/** @typedef {import('./clients.js').Client} Client */

/**
 * A way for a game of two to end, and what it must come to: the outcomes of both, in the order of the pair, or `null` where
 * either order is right.
 *
 * @typedef {object} Way
 * @property {string} name
 * @property {number} share how many of twenty games end like this
 * @property {(pair: [Client, Client]) => Promise<unknown>} play
 * @property {[string, string]} outcomes
 * @property {boolean} [eitherOrder]
 * @property {boolean} [slow] it ends by a deadline: nobody waits for it before the next round
 */

const never = new Promise(() => {});

/** @satisfies {Record<string, Way>} */
export const WAYS = {
  one: {
    name: 'one is excluded',
    share: 8,
    play: ([a]) => a.exclude(),
    outcomes: ['excluded', 'partner_excluded'],
  },
  both: {
    name: 'both are excluded at once',
    share: 4,
    play: (pair) => Promise.all(pair.map((client) => client.exclude())),
    outcomes: ['excluded', 'partner_excluded'],
    eitherOrder: true,
  },
  away: {
    name: 'the partner is away at the verdict',
    share: 3,
    play: async ([a, b]) => {
      await b.goOffline();
      await a.exclude();
      b.comeBack();
    },
    outcomes: ['excluded', 'partner_excluded'],
  },
  partnerGone: {
    name: 'the partner is gone for good before the verdict',
    share: 1,
    play: ([a, b]) => {
      b.leave();
      return a.exclude();
    },
    outcomes: ['excluded', 'partner_excluded'],
  },
  excludedGone: {
    name: 'the excluded one is gone for good after the verdict',
    share: 1,
    play: async ([a]) => {
      a.mayExport = /** @type {Promise<void>} */ (never);
      await a.exclude();
      a.leave();
    },
    outcomes: ['excluded', 'partner_excluded'],
  },
  lost: {
    name: 'one is gone for good in the middle of the game',
    share: 1,
    play: async ([, b]) => b.leave(),
    outcomes: ['partner_disconnected', 'disconnected'],
    slow: true,
  },
  completed: {
    name: 'it is played to its end',
    share: 2,
    play: (pair) => Promise.all(pair.map((client) => client.complete())),
    outcomes: ['completed', 'completed'],
  },
};

/**
 * Repeatable chance.
 *
 * @param {number} seed
 */
export function dice(seed) {
  let state = seed >>> 0;
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    /** A whole number from `from` to `to`, both included. @param {number} from @param {number} to */
    whole: (from, to) => from + Math.floor(next() * (to - from + 1)),
    /** @template T @param {readonly T[]} list @returns {T[]} */
    shuffled: (list) => {
      const mixed = [...list];
      for (let at = mixed.length - 1; at > 0; at -= 1) {
        const other = Math.floor(next() * (at + 1));
        [mixed[at], mixed[other]] = [mixed[other], mixed[at]];
      }
      return mixed;
    },
  };
}
