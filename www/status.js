import { setText } from './page.js';

const EVERY_MS = 500;

/**
 * @typedef {object} Partners
 * @property {boolean} areGone the game has ended because of one of them
 * @property {boolean} areAwaited somebody's connection is lost
 * @property {number} left how many have left a game that goes on
 * @property {number} here how many are still in it
 */

/**
 * The status line, written twice a second: calm to look at, and nothing on the path of a frame. The same values go to the
 * root element's data attributes, for tests and curious researchers.
 *
 * @param {import('./match.js').Match} match
 * @param {number} framesPerSecond
 * @param {() => { ping: number | null, connected: boolean, partners: Partners, episodes: number }} read
 */
export function startStatus(match, framesPerSecond, read) {
  function write() {
    const { ping, connected, partners, episodes } = read();
    setText('ping', connected ? milliseconds(ping) : 'offline');
    setText('partner', describe(partners));
    setText('score', String(match.state.score));
    setText('round', `${match.episode + 1} of ${episodes}`);
    setText('time', `${Math.ceil(match.framesLeft / framesPerSecond)} s`);
    setText('frame', String(match.frame));
    const { dataset } = document.documentElement;
    dataset.frame = String(match.frame);
    dataset.hash = match.sample?.join(':') ?? '';
  }

  write();
  setInterval(write, EVERY_MS);
  return { write };
}

/** @param {Partners} partners */
function describe({ areGone, areAwaited, left, here }) {
  if (areGone) {
    return 'left';
  }
  const who = here + left > 1 ? `${here} ` : '';
  return `${who}${areAwaited ? 'reconnecting' : 'here'}${left > 0 ? `, ${left} left` : ''}`;
}

/** @param {number | null} ping */
function milliseconds(ping) {
  return ping === null ? '–' : `${Math.round(ping)} ms`;
}
