import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Builder, Capabilities } from 'selenium-webdriver';
import safari from 'selenium-webdriver/safari.js';
import { Browser } from './browser.js';
import { findFile } from './paths.js';
import { inTime } from './wait.js';

const XVFB = '/usr/bin/Xvfb';
const START_MS = 30_000;

/** WebKitGTK's small browser, on a screen that nobody sees. Its driver tells nothing of the console. */
export class WebKit extends Browser {
  #screen;
  #service;

  /**
   * @param {import('selenium-webdriver').WebDriver} driver
   * @param {string} profile
   * @param {Screen} screen
   * @param {{ kill(): Promise<void> }} service
   */
  constructor(driver, profile, screen, service) {
    super(driver, profile);
    this.#screen = screen;
    this.#service = service;
  }

  /** The driver, which knows its browser. */
  static tools() {
    if (process.platform !== 'linux') throw new Error('WebKit without a window exists on Linux only');
    if (!existsSync(XVFB) && !process.env.DISPLAY) throw new Error(`no ${XVFB} and no DISPLAY for WebKit's window`);
    return { driver: findFile('WebKitWebDriver', 'WEBKIT_DRIVER', ['/usr/bin/WebKitWebDriver']) };
  }

  /** @param {string} profile */
  static async launch(profile) {
    const tools = WebKit.tools();
    const screen = await Screen.open();
    const builder = new safari.ServiceBuilder(tools.driver).addArguments('--host=127.0.0.1');
    const environment = /** @type {Record<string, string>} */ ({ ...process.env, DISPLAY: screen.display });
    const service = builder.setEnvironment(environment).build();
    try {
      const url = await service.start(START_MS);
      const driver = await new Builder()
        .usingServer(url)
        .withCapabilities(new Capabilities({ browserName: 'MiniBrowser' }))
        .build();
      return new WebKit(driver, profile, screen, service);
    } catch (error) {
      await service.kill();
      screen.close();
      throw error;
    }
  }

  /** A new tab opens behind the participant's here, so it is the window that goes: the page is as hidden as behind a tab. */
  async hide() {
    await this.driver.manage().window().minimize();
  }

  async show() {
    await this.setLook({});
  }

  async close() {
    await super.close();
    await this.#service.kill();
    this.#screen.close();
  }
}

/** A screen of its own for one browser: windows on the same one could take each other's keys. */
class Screen {
  #process;

  /**
   * @param {string} display
   * @param {import('node:child_process').ChildProcess} [process]
   */
  constructor(display, process) {
    this.display = display;
    this.#process = process;
  }

  static async open() {
    if (!existsSync(XVFB)) return new Screen(process.env.DISPLAY ?? '');
    const args = ['-displayfd', '1', '-screen', '0', '1280x800x24', '-nolisten', 'tcp'];
    const xvfb = spawn(XVFB, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const number = new Promise((resolve, reject) => {
      createInterface({ input: xvfb.stdout }).once('line', resolve);
      xvfb.once('error', reject);
      xvfb.once('exit', (code) => reject(new Error(`Xvfb ended early: ${code}`)));
    });
    try {
      return new Screen(`:${await inTime('starting Xvfb', number, START_MS)}`, xvfb);
    } catch (error) {
      xvfb.kill();
      throw error;
    }
  }

  close() {
    this.#process?.kill();
  }
}
