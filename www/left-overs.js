const AGAIN_MS = 10_000;

/**
 * Sends what earlier pages could not send, until nothing is left or the participant goes.
 *
 * @param {(state: 'unsent' | 'saved') => void} show called only if something was left
 */
export async function sendLeftOvers(show) {
  if (!(await isAnythingKept())) {
    return;
  }
  const { sendLeftOvers: sendOnce } = await import('/stillhere/js/index.js');
  for (;;) {
    const { sent, left } = await sendOnce();
    if (left === 0) {
      if (sent > 0) {
        show('saved');
      }
      return;
    }
    show('unsent');
    await backOnlineOrLater();
  }
}

/**
 * Looks without making the database: a page that is left before it is made, and kept for the "back" button, would stand in
 * the way of the pages after it.
 */
async function isAnythingKept() {
  const databases = await indexedDB.databases?.();
  return databases?.some(({ name }) => name === 'stillhere') ?? false;
}

/** @returns {Promise<void>} */
function backOnlineOrLater() {
  return new Promise((resolve) => {
    window.addEventListener('online', () => resolve(), { once: true });
    setTimeout(resolve, AGAIN_MS);
  });
}
