/**
 * The page's few fixed places. Which of its parts are visible follows from the state alone, in the style sheet.
 *
 * @typedef {'loading' | 'waiting' | 'joining' | 'playing' | 'transition' | 'stopped' | 'done'} PageState
 */

/** @param {PageState} state */
export function setState(state) {
  document.documentElement.dataset.state = state;
}

/** @param {string} sentence what the participant must know now; empty: nothing */
export function tell(sentence) {
  setText('message', sentence);
}

/**
 * @param {string} title
 * @param {string} [detail]
 */
export function setBanner(title, detail = '') {
  setText('banner-title', title);
  setText('banner-detail', detail);
  element('banner', HTMLElement).hidden = title === '';
}

/**
 * @param {string} id
 * @param {string} text
 */
export function setText(id, text) {
  const place = element(id, HTMLElement);
  // A live region is read out again when it is written to, even with the same text.
  if (place.textContent !== text) {
    place.textContent = text;
  }
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`the page has no #${id}`);
  }
  return found;
}
