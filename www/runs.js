/**
 * A player's actions, one per frame, as runs: action, how many frames in a row, action, …
 *
 * @typedef {number[]} Runs
 */

/**
 * @param {Runs} runs
 * @param {number} action
 */
export function append(runs, action) {
  if (runs.length > 0 && runs[runs.length - 2] === action) {
    runs[runs.length - 1] += 1;
  } else {
    runs.push(action, 1);
  }
}

/**
 * @param {Runs} runs
 * @param {number} [first]
 * @returns {Generator<[frame: number, action: number]>} from frame `first` on
 */
export function* framesOf(runs, first = 0) {
  let start = 0;
  for (let at = 0; at + 1 < runs.length; at += 2) {
    const end = start + runs[at + 1];
    for (let frame = Math.max(start, first); frame < end; frame += 1) {
      yield [frame, runs[at]];
    }
    start = end;
  }
}
