/**
 * The ticker: what only a script can say, since bundlers take a worker's file along where its address is in the source.
 *
 * @module stillhere/page
 */

/**
 * @param {EventTarget} target
 * @param {string} name
 * @param {(event: any) => void} listener
 * @returns {() => void} ends it
 */
function on(target, name, listener) {
  target.addEventListener(name, listener);
  return () => target.removeEventListener(name, listener);
}

/** `ticker.js` for pages that do not have that file beside them. */
const TICKER = 'onmessage=({data:interval})=>setInterval(()=>postMessage(performance.now()),interval)';

/**
 * Beats by the first clock that the browser lets us have: the packaged script in a worker, which a strict
 * Content-Security-Policy allows; the same script inline; a timer of the page itself.
 *
 * @param {boolean} worker whether it may be a worker
 * @param {string | undefined} url where its script is, if not beside the package
 * @param {number} interval in milliseconds
 * @param {(posted: number) => void} beat gets the time at which the beat was posted, by its own clock
 * @returns {() => void} ends it
 */
export function tick(worker, url, interval, beat) {
  // Bundlers take the file along where the worker is made of its address in just these words.
  const packaged = () => new Worker(new URL('../../../../js/ticker.js', import.meta.url));
  const inline = () => new Worker(`data:text/javascript,${encodeURIComponent(TICKER)}`);
  const workers = worker ? [url ? () => new Worker(url) : packaged, inline] : [];
  let stop = next();

  /** @returns {() => void} */
  function next() {
    while (workers.length) {
      try {
        return inWorker(/** @type {() => Worker} */ (workers.shift())());
      } catch {
        // The next one.
      }
    }
    let last = performance.now();
    const timer = setInterval(() => {
      // Due one interval after the last one was handled: what is above that, the page stood still.
      const posted = last + interval;
      last = performance.now();
      beat(posted);
    }, interval);
    return () => clearInterval(timer);
  }

  /** @param {Worker} thread */
  function inWorker(thread) {
    const end = () => {
      deaf();
      dumb();
      thread.terminate();
    };
    const deaf = on(thread, 'message', ({ data }) => beat(data));
    // Browsers tell by an event, not by an exception, that a policy forbids the script or that there is none.
    const dumb = on(thread, 'error', () => {
      end();
      stop = next();
    });
    thread.postMessage(interval);
    return end;
  }

  return () => stop();
}
