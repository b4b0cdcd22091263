/**
 * One thing that happened on the page, in wall-clock time, so that it can be compared with what another process wrote down.
 *
 * @typedef {object} Sighting
 * @property {string} what an overlay's id, `hidden` or `visible`
 * @property {boolean} shown for an overlay: whether it came or went
 * @property {string} text what the overlay said
 * @property {number} at epoch milliseconds
 */

/**
 * Runs in the page: from now on writes down when overlays come and go and when the tab is hidden. Mutation observers are
 * called in hidden tabs too, whatever happens to timers, and session storage outlives the redirect to another page.
 */
export function installRecorder() {
  const key = 'e2e-record';
  const ids = [
    'partnerExcludedOverlay',
    'monitorExclusionOverlay',
    'monitorWarningBanner',
    'reconnectingOverlay',
    'sessionCompleteOverlay',
  ];
  // What was seen before a reload stays in the record.
  sessionStorage.setItem(key, sessionStorage.getItem(key) ?? '[]');
  /** @param {string} what @param {boolean} shown @param {string} text */
  const note = (what, shown, text) => {
    const record = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    record.push({ what, shown, text, at: Date.now() });
    sessionStorage.setItem(key, JSON.stringify(record));
  };
  /** @type {Map<string, boolean>} */
  const showing = new Map();
  /** @type {WeakSet<ShadowRoot>} */
  const watched = new WeakSet();
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  const look = () => {
    for (const id of ids) {
      const host = document.getElementById(id);
      const root = host?.shadowRoot;
      if (root && !watched.has(root)) {
        watched.add(root);
        observer.observe(root, everything);
      }
      const parts = [...(root?.children ?? [])].filter(({ localName }) => localName !== 'style');
      const text = parts
        .map((part) => part.textContent)
        .join(' ')
        .trim();
      const shown = parts.some((part) => part.checkVisibility()) && text !== '';
      if (shown === (showing.get(id) ?? false)) continue;
      showing.set(id, shown);
      note(id, shown, text);
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, everything);
  document.addEventListener('visibilitychange', () => note(document.visibilityState, true, ''));
  look();
}

/**
 * Runs in the page: what has been written down so far.
 *
 * @returns {Sighting[]}
 */
export function readRecord() {
  return JSON.parse(sessionStorage.getItem('e2e-record') ?? '[]');
}
