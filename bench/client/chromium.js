/** A Chromium that tells what its main thread did. */
import { rm } from 'node:fs/promises';
import { Builder, logging } from 'selenium-webdriver';
import chrome from 'selenium-webdriver/chrome.js';
import { newProfile } from '../../tests/e2e/support/browser.js';
import { Chromium } from '../../tests/e2e/support/chromium.js';

const TASKS = 'disabled-by-default-devtools.timeline,blink.user_timing';

/** One page after the other, each in a fresh document. */
export class Pages {
  /** @param {chrome.Driver} driver @param {string} profile @param {string} address */
  constructor(driver, profile, address) {
    this.driver = driver;
    this.profile = profile;
    this.address = address;
  }

  /** @param {string} address */
  static async open(address) {
    const profile = await newProfile();
    const tools = Chromium.tools();
    const options = new chrome.Options();
    options.setChromeBinaryPath(tools.browser);
    options.addArguments('--headless=new', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`);
    options.addArguments('--enable-precise-memory-info', '--disable-background-networking');
    // Chromium's sandbox refuses to start as root.
    if (process.getuid?.() === 0) options.addArguments('--no-sandbox');
    options.setPerfLoggingPrefs({ enableNetwork: false, enablePage: false, traceCategories: TASKS });
    const wanted = new logging.Preferences();
    wanted.setLevel(logging.Type.PERFORMANCE, logging.Level.ALL);
    options.setLoggingPrefs(wanted);
    const service = new chrome.ServiceBuilder(tools.driver);
    const made = new Builder().forBrowser('chrome').setChromeOptions(options).setChromeService(service).build();
    const driver = /** @type {chrome.Driver} */ (await made);
    await driver.manage().setTimeouts({ script: 600_000 });
    return new Pages(driver, profile, address);
  }

  async version() {
    const capabilities = await this.driver.getCapabilities();
    return capabilities.getBrowserVersion();
  }

  /** Loads a page anew and waits for its scripts. */
  async load() {
    await this.driver.get(this.address);
    await this.driver.executeScript(
      'await new Promise((resolve) => { const look = () => globalThis.bench ? resolve() : setTimeout(look, 10); look(); })',
    );
  }

  /**
   * What a function of in-page.js returns.
   *
   * @param {string} name
   * @param {unknown[]} args
   * @returns {Promise<any>}
   */
  call(name, ...args) {
    return this.driver.executeScript(`return bench.${name}(...arguments)`, ...args);
  }

  /**
   * The longest task of the page's main thread since it marked the time by this name, in milliseconds.
   *
   * @param {string} name
   */
  async longestTask(name) {
    const entries = await this.driver.manage().logs().get(logging.Type.PERFORMANCE);
    const events = entries.map((entry) => JSON.parse(entry.message).message.params);
    const mark = events.find((event) => event.name === name);
    if (!mark) throw new Error(`the page did not mark ${name}`);
    const tasks = events.filter(
      ({ name, pid, tid, ts }) => name === 'RunTask' && pid === mark.pid && tid === mark.tid && ts >= mark.ts,
    );
    return Math.max(...tasks.map(({ dur }) => dur ?? 0)) / 1000;
  }

  /** What JavaScript holds once nothing more can be freed, in bytes. */
  async heap() {
    await this.driver.sendAndGetDevToolsCommand('HeapProfiler.collectGarbage', {});
    const usage = /** @type {any} */ (await this.driver.sendAndGetDevToolsCommand('Runtime.getHeapUsage', {}));
    return usage.usedSize;
  }

  async close() {
    await this.driver.quit();
    await rm(this.profile, { recursive: true, force: true });
  }
}
