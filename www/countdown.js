/**
 * Counts down on a timer, not on animation frames: it also comes to its end in a hidden tab.
 *
 * @param {number} seconds
 * @param {(left: number) => void} show gets the whole seconds left, at once and at each change
 * @returns {{ done: Promise<void>, leftMs: () => number, cancel: () => void }} `done` stays open when cancelled
 */
export function startCountdown(seconds, show) {
  const end = performance.now() + seconds * 1000;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<void>} */
  const done = new Promise((resolve) => {
    function turn() {
      const leftMs = end - performance.now();
      if (leftMs <= 0) {
        resolve();
        return;
      }
      show(Math.ceil(leftMs / 1000));
      timer = setTimeout(turn, leftMs % 1000 || 1000);
    }
    turn();
  });
  return { done, leftMs: () => Math.max(0, end - performance.now()), cancel: () => clearTimeout(timer) };
}
