import { existsSync } from 'node:fs';
import { Builder, logging } from 'selenium-webdriver';
import chrome from 'selenium-webdriver/chrome.js';
import { findFile } from './paths.js';

// Everything that is particular to one browser is in this file.

// The drivers are named by path: selenium's own manager must not go out to look for others.
process.env.SE_OFFLINE ??= 'true';
process.env.SE_AVOID_STATS ??= 'true';

/** Switches that chromedriver sets and that would keep a hidden tab's timers at full pace. */
const UNTHROTTLED = [
  'disable-background-timer-throttling',
  'disable-renderer-backgrounding',
  'disable-backgrounding-occluded-windows',
];

const QUIET = [
  '--headless=new',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const VIEWPORTS = {
  desktop: { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false },
  phone: { width: 390, height: 844, deviceScaleFactor: 2, mobile: true },
};

/**
 * @typedef {object} Look
 * @property {keyof typeof VIEWPORTS} [viewport]
 * @property {boolean} [dark]
 */

/** One browser process with a fresh profile and one tab: what one participant sits in front of. */
export class Browser {
  /** The participant's own tab. */
  #own = '';

  /** @param {chrome.Driver} driver */
  constructor(driver) {
    this.driver = driver;
  }

  /** @param {Look} [look] */
  static async open(look = {}) {
    const options = new chrome.Options();
    options.setChromeBinaryPath(
      findFile('Chromium or Chrome', 'CHROME', [
        '/usr/bin/chromium',
        '/usr/bin/chromium-browser',
        '/usr/bin/google-chrome',
        '/opt/google/chrome/chrome',
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        '/Applications/Chromium.app/Contents/MacOS/Chromium',
      ]),
    );
    options.addArguments(...QUIET);
    // Chromium's sandbox refuses to start as root.
    if (process.getuid?.() === 0) options.addArguments('--no-sandbox');
    // Containers often give /dev/shm 64 MB only.
    if (existsSync('/.dockerenv')) options.addArguments('--disable-dev-shm-usage');
    options.excludeSwitches(...UNTHROTTLED);
    const entries = new logging.Preferences();
    entries.setLevel(logging.Type.BROWSER, logging.Level.ALL);
    options.setLoggingPrefs(entries);
    const service = new chrome.ServiceBuilder(
      findFile('chromedriver', 'CHROMEDRIVER', [
        '/usr/bin/chromedriver',
        '/usr/lib/chromium-browser/chromedriver',
        '/usr/local/bin/chromedriver',
        '/opt/homebrew/bin/chromedriver',
      ]),
    );
    const driver = await new Builder().forBrowser('chrome').setChromeOptions(options).setChromeService(service).build();
    const browser = new Browser(/** @type {chrome.Driver} */ (driver));
    try {
      await driver.manage().setTimeouts({ script: 20_000, pageLoad: 30_000 });
      browser.#own = await driver.getWindowHandle();
      await browser.setLook(look);
    } catch (error) {
      await browser.close();
      throw error;
    }
    return browser;
  }

  /** @param {Look} look */
  async setLook({ viewport = 'desktop', dark = false }) {
    await this.driver.sendDevToolsCommand('Emulation.setDeviceMetricsOverride', VIEWPORTS[viewport]);
    await this.driver.sendDevToolsCommand('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }],
    });
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
    const entries = await this.driver.manage().logs().get(logging.Type.BROWSER);
    return entries.filter(({ level }) => level.value >= logging.Level.SEVERE.value).map(({ message }) => message);
  }

  async close() {
    await this.driver.quit();
  }
}
