import { existsSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Builder, logging } from 'selenium-webdriver';
import chrome from 'selenium-webdriver/chrome.js';
import { findFile } from './paths.js';
import { until } from './wait.js';

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

/** @returns {Promise<string>} a directory for what a browser keeps when it is closed */
export function newProfile() {
  return mkdtemp(join(tmpdir(), 'stillhere-e2e-profile-'));
}

/** One browser process with one tab: what one participant sits in front of. */
export class Browser {
  /** The participant's own tab. */
  #own = '';
  #profile;

  /**
   * @param {chrome.Driver} driver
   * @param {string} profile
   */
  constructor(driver, profile) {
    this.driver = driver;
    this.#profile = profile;
  }

  /**
   * @param {Look} [look]
   * @param {string} [profile] of a browser that was open before; a fresh one without it
   */
  static async open(look = {}, profile) {
    const directory = profile ?? (await newProfile());
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
    options.addArguments(...QUIET, `--user-data-dir=${directory}`);
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
    const browser = new Browser(/** @type {chrome.Driver} */ (driver), directory);
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
   * Hides the page and stops everything in it, as a browser does with a tab that nobody has looked at for long: no timer, no
   * worker, no handler runs until `thaw`.
   */
  async freeze() {
    await this.hide();
    await this.behind(() => this.#setLifecycle('frozen'));
  }

  async thaw() {
    await this.behind(() => this.#setLifecycle('active'));
    await this.show();
  }

  /** @param {'frozen' | 'active'} state */
  #setLifecycle(state) {
    return this.driver.sendDevToolsCommand('Page.setWebLifecycleState', { state });
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

  /** @param {boolean} isOffline whether the browser is to believe that there is no network */
  async setOffline(isOffline) {
    await this.driver.sendDevToolsCommand('Network.enable', {});
    const unlimited = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await this.driver.sendDevToolsCommand('Network.emulateNetworkConditions', { offline: isOffline, ...unlimited });
  }

  /** @param {string[]} patterns addresses whose requests fail from now on */
  async block(...patterns) {
    await this.driver.sendDevToolsCommand('Network.enable', {});
    await this.driver.sendDevToolsCommand('Network.setBlockedURLs', { urls: patterns });
  }

  /** @param {string} source runs in every page that is opened from now on, before the page's own scripts */
  async runFirst(source) {
    await this.driver.sendDevToolsCommand('Page.addScriptToEvaluateOnNewDocument', { source });
  }

  /**
   * Ends the browser as a crash of the machine would: no page is told. What it keeps stays.
   *
   * @returns {Promise<string>} its profile, for the next browser
   */
  async crash() {
    const lock = readlinkSync(join(this.#profile, 'SingletonLock'));
    const pid = Number(lock.slice(lock.lastIndexOf('-') + 1));
    process.kill(pid, 'SIGKILL');
    await until('the browser to be gone', () =>
      this.driver.getTitle().then(
        () => false,
        () => true,
      ),
    );
    const profile = this.#profile;
    this.#profile = '';
    await this.close();
    await rm(join(profile, 'SingletonLock'), { force: true });
    return profile;
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
    try {
      await this.driver.quit();
    } catch {
      // It has crashed, or is closed already.
    }
    if (this.#profile !== '') await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
