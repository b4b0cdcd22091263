const MOST_STEPS_AT_ONCE = 4;

/**
 * Steps at a fixed rate, draws with the screen.
 *
 * @param {number} stepsPerSecond
 * @param {() => boolean} step false: it cannot be done yet
 * @param {() => void} draw
 * @returns {() => void} ends the loop
 */
export function startLoop(stepsPerSecond, step, draw) {
  const stepMs = 1000 / stepsPerSecond;
  let before = performance.now();
  let owedMs = 0;
  let handle = requestAnimationFrame(turn);

  /** @param {number} now */
  function turn(now) {
    handle = requestAnimationFrame(turn);
    owedMs = Math.min(owedMs + now - before, MOST_STEPS_AT_ONCE * stepMs);
    before = now;
    while (owedMs >= stepMs) {
      if (!step()) {
        // Time spent waiting for the partner is not caught up with.
        owedMs = stepMs;
        break;
      }
      owedMs -= stepMs;
    }
    draw();
  }

  return () => cancelAnimationFrame(handle);
}
