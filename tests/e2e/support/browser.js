import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// What is particular to one engine is in chromium.js, firefox.js and webkit.js.

// The drivers are named by path: selenium's own manager must not go out to look for others.
process.env.SE_OFFLINE ??= 'true';
process.env.SE_AVOID_STATS ??= 'true';

/** The screens that participants sit in front of. */
export const VIEWPORTS = {
  desktop: { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false },
  phone: { width: 390, height: 844, deviceScaleFactor: 2, mobile: true },
};

/**
 * @typedef {'chromium' | 'firefox' | 'webkit'} Engine
 *
 * @typedef {object} Look
 * @property {Engine} [engine]
 * @property {keyof typeof VIEWPORTS} [viewport]
 * @property {boolean} [dark]
 */

/** @returns {Promise<string>} a directory for what a browser keeps when it is closed */
export function newProfile() {
  return mkdtemp(join(tmpdir(), 'stillhere-e2e-profile-'));
}

/**
 * @param {Engine} engine
 * @returns {Promise<string | undefined>} why this machine cannot open it
 */
export async function whyNot(engine) {
  const { tools } = await classOf(engine);
  try {
    tools();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** One browser process with one tab: what one participant sits in front of. */
export class Browser {
  /** The participant's own tab. */
  #own = '';
  #profile;

  /**
   * @param {import('selenium-webdriver').WebDriver} driver
   * @param {string} profile
   */
  constructor(driver, profile) {
    /** Only Chromium's has the commands of its developer tools. */
    this.driver = /** @type {import('selenium-webdriver/chrome.js').Driver} */ (driver);
    this.#profile = profile;
  }

  /**
   * @param {Look} [look]
   * @param {string} [profile] of a browser that was open before; a fresh one without it
   */
  static async open(look = {}, profile) {
    const directory = profile ?? (await newProfile());
    /** @type {Browser | undefined} */
    let browser;
    try {
      const { launch } = await classOf(look.engine ?? 'chromium');
      browser = await launch(directory);
      await browser.driver.manage().setTimeouts({ script: 20_000, pageLoad: 30_000 });
      browser.#own = await browser.driver.getWindowHandle();
      await browser.setLook(look);
      return browser;
    } catch (error) {
      if (browser) await browser.close();
      else await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** @param {Look} look */
  async setLook({ viewport = 'desktop', dark = false }) {
    if (viewport !== 'desktop' || dark) throw this.#cannot('pretend to be another device');
    const { width, height } = VIEWPORTS.desktop;
    await this.driver.manage().window().setRect({ x: 0, y: 0, width, height });
  }

  /**
   * Puts another tab in front of the participant's, in the same window: the browser itself hides the page and slows its
   * timers, exactly as when somebody wanders off. Scripts then run in the tab in front until `show` is called.
   */
  async hide() {
    await this.driver.switchTo().newWindow('tab');
  }

  /** Closes the tab in front, so that the participant looks at the page again. */
  async show() {
    await this.driver.close();
    await this.driver.switchTo().window(this.#own);
  }

  /**
   * Does something to the participant's page while another tab stays in front of it.
   *
   * @template R
   * @param {() => Promise<R>} action
   * @returns {Promise<R>}
   */
  async behind(action) {
    const front = await this.driver.getWindowHandle();
    await this.driver.switchTo().window(this.#own);
    try {
      return await action();
    } finally {
      await this.driver.switchTo().window(front);
    }
  }

  /**
   * Opens another window of the same browser, where everything happens from now on. Both stay visible.
   *
   * @returns {Promise<string>} the window that was there before
   */
  async openWindow() {
    const before = this.#own;
    await this.driver.switchTo().newWindow('window');
    this.#own = await this.driver.getWindowHandle();
    return before;
  }

  /**
   * Everything happens in this window from now on.
   *
   * @param {string} window
   * @returns {Promise<string>} the one that was there before
   */
  async lookAt(window) {
    const before = this.#own;
    await this.driver.switchTo().window(window);
    this.#own = window;
    return before;
  }

  /**
   * Hides the page and stops everything in it, as a browser does with a tab that nobody has looked at for long: no timer, no
   * worker, no handler runs until `thaw`.
   *
   * @returns {Promise<void>}
   */
  async freeze() {
    throw this.#cannot('freeze a page');
  }

  /** @returns {Promise<void>} */
  async thaw() {
    throw this.#cannot('freeze a page');
  }

  /**
   * @param {boolean} _isOffline whether the browser is to believe that there is no network
   * @returns {Promise<void>}
   */
  async setOffline(_isOffline) {
    throw this.#cannot('pretend to be offline');
  }

  /**
   * @param {string[]} _patterns addresses whose requests fail from now on
   * @returns {Promise<void>}
   */
  async block(..._patterns) {
    throw this.#cannot('block requests');
  }

  /**
   * @param {string} _source runs in every page that is opened from now on, before the page's own scripts
   * @returns {Promise<void>}
   */
  async runFirst(_source) {
    throw this.#cannot("run something before a page's own scripts");
  }

  /**
   * Ends the browser as a crash of the machine would: no page is told. What it keeps stays.
   *
   * @returns {Promise<string>} its profile, for the next browser
   */
  async crash() {
    throw this.#cannot('crash and come back');
  }

  /**
   * Runs `body` in the page that is in front, with `args` as its parameters.
   *
   * @template {unknown[]} A
   * @template R
   * @param {(...args: A) => R} body
   * @param {A} args
   * @returns {Promise<Awaited<R>>}
   */
  run(body, ...args) {
    return this.driver.executeScript(body, ...args);
  }

  /** @returns {Promise<Buffer>} the visible part of the page as PNG */
  async screenshot() {
    return Buffer.from(await this.driver.takeScreenshot(), 'base64');
  }

  /**
   * What the console has been told since the last call, at the level of an error: exceptions, failed requests,
   * violations of the Content-Security-Policy.
   *
   * @returns {Promise<string[]>}
   */
  async errors() {
    return [];
  }

  async close() {
    try {
      await this.driver.quit();
    } catch {
      // It has crashed, or is closed already.
    }
    if (this.#profile !== '') await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** @returns {string} the directory of what it keeps, which from now on is not removed with it */
  takeProfile() {
    const profile = this.#profile;
    this.#profile = '';
    return profile;
  }

  /** @param {string} what */
  #cannot(what) {
    return new Error(`${this.constructor.name} cannot ${what} here`);
  }
}

/** @param {Engine} engine */
async function classOf(engine) {
  switch (engine) {
    case 'chromium':
      return (await import('./chromium.js')).Chromium;
    case 'firefox':
      return (await import('./firefox.js')).Firefox;
    case 'webkit':
      return (await import('./webkit.js')).WebKit;
  }
}
