import { element, setText } from '../page.js';

const MEGABYTE = 1_000_000;

/**
 * What the participant sees while Python is on its way. The sentence is read out, so it changes seldom; the numbers are only
 * to be looked at.
 */
export function showLoading() {
  const bar = element('progress', HTMLProgressElement);
  return {
    /**
     * @param {number} loaded in bytes
     * @param {number} total 0: unknown
     */
    downloading(loaded, total) {
      if (total > 0 && loaded >= total) {
        // How long the rest takes is not known.
        bar.removeAttribute('value');
        setText('loading-title', 'Starting the game…');
        setText('loading-amount', '');
        return;
      }
      setText('loading-title', 'Loading the game…');
      setText('loading-amount', `${megabytes(loaded)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`);
      if (total > 0) {
        bar.value = loaded / total;
      }
    },
    connecting() {
      bar.removeAttribute('value');
      setText('loading-title', 'Connecting…');
      setText('loading-amount', '');
    },
  };
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / MEGABYTE).toFixed(1);
}
