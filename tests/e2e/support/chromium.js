import { existsSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Builder, logging } from 'selenium-webdriver';
import chrome from 'selenium-webdriver/chrome.js';
import { Browser, VIEWPORTS } from './browser.js';
import { findFile } from './paths.js';
import { until } from './wait.js';

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

/** Chromium or Chrome, with everything that its developer tools can do. */
export class Chromium extends Browser {
  /** The browser and its driver. */
  static tools() {
    return {
      browser: findFile('Chromium or Chrome', 'CHROME', [
        '/usr/bin/chromium',
        '/usr/bin/chromium-browser',
        '/usr/bin/google-chrome',
        '/opt/google/chrome/chrome',
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
        '/Applications/Chromium.app/Contents/MacOS/Chromium',
      ]),
      driver: findFile('chromedriver', 'CHROMEDRIVER', [
        '/usr/bin/chromedriver',
        '/usr/lib/chromium-browser/chromedriver',
        '/usr/local/bin/chromedriver',
        '/opt/homebrew/bin/chromedriver',
      ]),
    };
  }

  /** @param {string} profile */
  static async launch(profile) {
    const tools = Chromium.tools();
    const options = new chrome.Options();
    options.setChromeBinaryPath(tools.browser);
    options.addArguments(...QUIET, `--user-data-dir=${profile}`);
    // Chromium's sandbox refuses to start as root.
    if (process.getuid?.() === 0) options.addArguments('--no-sandbox');
    // Containers often give /dev/shm 64 MB only.
    if (existsSync('/.dockerenv')) options.addArguments('--disable-dev-shm-usage');
    options.excludeSwitches(...UNTHROTTLED);
    const entries = new logging.Preferences();
    entries.setLevel(logging.Type.BROWSER, logging.Level.ALL);
    options.setLoggingPrefs(entries);
    const service = new chrome.ServiceBuilder(tools.driver);
    const driver = await new Builder().forBrowser('chrome').setChromeOptions(options).setChromeService(service).build();
    return new Chromium(driver, profile);
  }

  /** @param {import('./browser.js').Look} look */
  async setLook({ viewport = 'desktop', dark = false }) {
    await this.driver.sendDevToolsCommand('Emulation.setDeviceMetricsOverride', VIEWPORTS[viewport]);
    await this.driver.sendDevToolsCommand('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }],
    });
  }

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

  /** @param {boolean} isOffline */
  async setOffline(isOffline) {
    await this.driver.sendDevToolsCommand('Network.enable', {});
    const unlimited = { latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    await this.driver.sendDevToolsCommand('Network.emulateNetworkConditions', { offline: isOffline, ...unlimited });
  }

  /** @param {string[]} patterns */
  async block(...patterns) {
    await this.driver.sendDevToolsCommand('Network.enable', {});
    await this.driver.sendDevToolsCommand('Network.setBlockedURLs', { urls: patterns });
  }

  /** @param {string} source */
  async runFirst(source) {
    await this.driver.sendDevToolsCommand('Page.addScriptToEvaluateOnNewDocument', { source });
  }

  async crash() {
    const profile = this.takeProfile();
    const lock = readlinkSync(join(profile, 'SingletonLock'));
    const pid = Number(lock.slice(lock.lastIndexOf('-') + 1));
    process.kill(pid, 'SIGKILL');
    await until('the browser to be gone', () =>
      this.driver.getTitle().then(
        () => false,
        () => true,
      ),
    );
    await this.close();
    await rm(join(profile, 'SingletonLock'), { force: true });
    return profile;
  }

  async errors() {
    const entries = await this.driver.manage().logs().get(logging.Type.BROWSER);
    return entries.filter(({ level }) => level.value >= logging.Level.SEVERE.value).map(({ message }) => message);
  }
}
