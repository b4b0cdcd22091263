/**
 * What a page leaves for the page that takes the game up after a reload. A browser that keeps nothing costs no more than the
 * partners' answer does.
 *
 * @typedef {object} Remembered
 * @property {number} frame
 * @property {import('./runs.js').Runs[]} history
 * @property {import('./meeting.js').Departure[]} left
 */

const PREFIX = 'stars';

/**
 * @param {string} gameId
 * @returns {{ hasPlayed: boolean, remembered: Remembered | null }} what is remembered is remembered once
 */
export function recall(gameId) {
  try {
    const text = sessionStorage.getItem(`${PREFIX}:history:${gameId}`);
    sessionStorage.removeItem(`${PREFIX}:history:${gameId}`);
    const hasPlayed = localStorage.getItem(`${PREFIX}:played`) === gameId;
    return { hasPlayed, remembered: text === null ? null : JSON.parse(text) };
  } catch {
    return { hasPlayed: false, remembered: null };
  }
}

/** @param {string} gameId actions of this player are on their way from now on, in whichever tab */
export function rememberPlaying(gameId) {
  try {
    localStorage.setItem(`${PREFIX}:played`, gameId);
  } catch {
    // See above.
  }
}

/**
 * @param {string} gameId
 * @param {Remembered} remembered
 */
export function remember(gameId, remembered) {
  try {
    sessionStorage.setItem(`${PREFIX}:history:${gameId}`, JSON.stringify(remembered));
  } catch {
    // See above.
  }
}
