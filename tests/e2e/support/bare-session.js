/**
 * A page of the study without the demo's game: a session that a test drives by hand.
 *
 * @typedef {import('./page.js').ParticipantPage} ParticipantPage
 */

/**
 * @param {string} participantId
 * @param {(problem: string | null) => void} answer
 */
async function openInPage(participantId, answer) {
  try {
    const [client, sockets] = ['/stillhere/js/index.js', '/vendor/socket.io.esm.min.js'];
    const { default: init, ParticipantSession } = await import(client);
    const { io } = await import(sockets);
    await init();
    const session = ParticipantSession.attach(io());
    Object.assign(window, { bare: session });
    session.on('ready', () => {
      session.frame(0);
      document.documentElement.dataset.state = 'playing';
    });
    await session.join({ participantId });
    answer(null);
  } catch (error) {
    answer(String(error));
  }
}

/**
 * @param {number} size
 * @param {(sha256: string) => void} answer
 */
async function fillInPage(size, answer) {
  const bytes = new Uint8Array(size / 2);
  // As many random bytes as the browser gives at once.
  for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  const text = hex(bytes);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  /** @type {any} */ (window).bare.setMetricsSource(() => ({ big: { text } }));
  answer(hex(new Uint8Array(digest)));

  /** @param {Uint8Array} numbers */
  function hex(numbers) {
    const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
    return Array.from(numbers, (byte) => digits[byte]).join('');
  }
}

export const bareSession = {
  /** @param {ParticipantPage} page */
  async open(page) {
    await page.browser.driver.get(`${page.origin}/done.html`);
    const problem = await page.browser.driver.executeAsyncScript(openInPage, page.participantId);
    if (problem) throw new Error(String(problem));
    await page.waitForState('playing');
  },

  /**
   * Gives the session so many characters of data that hardly shrink.
   *
   * @param {ParticipantPage} page
   * @param {number} size
   * @returns {Promise<string>} the SHA-256 of that text
   */
  fill(page, size) {
    return page.browser.driver.executeAsyncScript(fillInPage, size);
  },

  /** @param {ParticipantPage} page */
  complete(page) {
    return page.browser.run(() => /** @type {any} */ (window).bare.complete());
  },
};
