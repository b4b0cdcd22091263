import { By } from 'selenium-webdriver';
import { Browser } from './browser.js';
import { collectColours } from './colours.js';
import { installRecorder, readRecord } from './recorder.js';
import { until } from './wait.js';

/**
 * @typedef {'partnerExcludedOverlay' | 'monitorExclusionOverlay' | 'monitorWarningBanner' | 'reconnectingOverlay'
 *   | 'sessionCompleteOverlay'} OverlayId
 */

/**
 * @typedef {object} Overlay
 * @property {string} heading
 * @property {string} headingColour
 * @property {string[]} lines what can be read on it, from top to bottom
 */

/** The demo experiment as one participant sees it. */
export class ParticipantPage {
  /**
   * @param {Browser} browser
   * @param {string} origin
   * @param {string} participantId
   * @param {string} [landing] the path of the page that the participant opens first
   */
  constructor(browser, origin, participantId, landing = '/') {
    this.browser = browser;
    this.landing = landing;
    this.origin = origin;
    this.participantId = participantId;
  }

  /**
   * Opens the landing page in a browser of its own.
   *
   * @param {string} origin
   * @param {string} participantId
   * @param {import('./browser.js').Look} [look]
   * @param {string} [landing]
   */
  static async open(origin, participantId, look, landing) {
    const page = new ParticipantPage(await Browser.open(look), origin, participantId, landing);
    try {
      await page.visitLanding();
    } catch (error) {
      await page.browser.close();
      throw error;
    }
    return page;
  }

  async visitLanding() {
    await this.browser.driver.get(
      `${this.origin}${this.landing}?participant=${encodeURIComponent(this.participantId)}`,
    );
  }

  /** Presses start and waits until the server has seated the participant. */
  async start() {
    const { driver } = this.browser;
    await driver.findElement(By.id('start')).click();
    await this.waitForState('waiting', 'playing');
    await this.browser.run(installRecorder);
  }

  /** Loads the page again, in the middle of whatever it is doing. */
  async reload() {
    await this.browser.driver.navigate().refresh();
    await this.browser.run(installRecorder);
  }

  /**
   * Holds a key down, so that there are actions that a reload could lose.
   *
   * @param {string} code of the physical key
   */
  async holdDown(code) {
    await this.browser.run((key) => {
      dispatchEvent(new KeyboardEvent('keydown', { code: key, cancelable: true }));
    }, code);
  }

  /** @returns {Promise<string | undefined>} what the page says that it is doing */
  state() {
    return this.browser.run(() => document.documentElement.dataset.state);
  }

  /** @returns {Promise<number>} */
  frame() {
    return this.browser.run(() => Number(document.documentElement.dataset.frame ?? -1));
  }

  /** @param {...string} states */
  async waitForState(...states) {
    return until(`${this.participantId}'s page to be ${states.join(' or ')}`, async () => {
      const state = await this.state();
      if (state !== undefined && states.includes(state)) return state;
      // Text that the page shows by way of explanation belongs into the failure message.
      throw new Error(`state ${state}, message ${JSON.stringify(await this.text('message').catch(() => ''))}`);
    });
  }

  /** @param {string} id */
  async text(id) {
    return this.browser.driver.findElement(By.id(id)).getText();
  }

  /**
   * @param {OverlayId} id
   * @returns {Promise<Overlay | null>} null when it is not on show
   */
  overlay(id) {
    return this.browser.run((name) => {
      const host = document.getElementById(name);
      const root = host?.shadowRoot;
      if (!host || !root) return null;
      // One line for each innermost element that is on show.
      const lines = [...root.querySelectorAll('*')]
        .filter((part) => part.localName !== 'style' && part.childElementCount === 0 && part.checkVisibility())
        .map((part) => (part.textContent ?? '').replace(/\s+/g, ' ').trim())
        .filter((line) => line !== '');
      if (lines.length === 0) return null;
      const heading = root.querySelector('h1, h2, h3, [role=heading]');
      return {
        heading: heading?.textContent?.trim() ?? '',
        headingColour: heading ? getComputedStyle(heading).color : '',
        lines,
      };
    }, id);
  }

  /**
   * @param {OverlayId} id
   * @param {{ within?: number }} [options]
   */
  waitForOverlay(id, options) {
    return until(`${this.participantId} to see #${id}`, () => this.overlay(id), options);
  }

  /**
   * Waits until an overlay has come to rest: faded in, the data stored, and somewhere to go.
   *
   * @param {OverlayId} id
   */
  async waitForRest(id) {
    await this.waitForOverlay(id);
    await until(`#${id} to come to rest`, () =>
      this.browser.run((name) => {
        const root = document.getElementById(name)?.shadowRoot;
        const moving = root?.getAnimations().filter(({ playState }) => playState === 'running') ?? [];
        return (
          moving.length === 0 &&
          (name === 'monitorWarningBanner' ||
            name === 'reconnectingOverlay' ||
            root?.querySelector('button')?.checkVisibility())
        );
      }, id),
    );
  }

  /**
   * Presses the overlay's button, as somebody would who does not wait for the countdown.
   *
   * @param {OverlayId} id
   */
  async pressOverlayButton(id) {
    const { driver } = this.browser;
    const button = await until(`#${id} to offer a button`, async () => {
      const root = await driver.findElement(By.id(id)).getShadowRoot();
      const [found] = await root.findElements(By.css('button'));
      return found && (await found.isDisplayed()) ? found : null;
    });
    await button.click();
  }

  /** @param {OverlayId} id */
  colours(id) {
    return this.browser.run(collectColours, id);
  }

  /** @returns {Promise<import('./recorder.js').Sighting[]>} */
  record() {
    return this.browser.run(readRecord);
  }

  /** @returns {Promise<number>} how many exports this browser keeps because the server has not said that it has them */
  keptExports() {
    return this.browser.driver.executeAsyncScript((/** @type {(count: number) => void} */ answer) => {
      /** @type {IDBOpenDBRequest} */
      let opening;
      try {
        opening = indexedDB.open('stillhere');
      } catch {
        // A browser that keeps nothing.
        answer(0);
        return;
      }
      opening.onerror = () => answer(-1);
      // Whoever opens it first decides what is in it: that must not be this test.
      opening.onupgradeneeded = () => opening.transaction?.abort();
      opening.onsuccess = () => {
        const database = opening.result;
        if (!database.objectStoreNames.contains('outbox')) {
          database.close();
          answer(0);
          return;
        }
        const counting = database.transaction('outbox').objectStore('outbox').count();
        counting.onsuccess = () => {
          database.close();
          answer(counting.result);
        };
      };
    });
  }

  /** Waits until the page has gone to where the server sent it. */
  async waitForDone() {
    const { driver } = this.browser;
    await until(`${this.participantId} to be sent to the last page`, async () => {
      const url = new URL(await driver.getCurrentUrl());
      return url.pathname === '/done.html';
    });
    await this.waitForState('done');
    return new URL(await driver.getCurrentUrl());
  }
}
