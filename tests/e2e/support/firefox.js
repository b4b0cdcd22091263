import { Builder } from 'selenium-webdriver';
import logInspector from 'selenium-webdriver/bidi/logInspector.js';
import firefox from 'selenium-webdriver/firefox.js';
import { Browser } from './browser.js';
import { findFile } from './paths.js';

/** Firefox without a window. */
export class Firefox extends Browser {
  /** @type {string[]} */
  #errors = [];

  /** The browser and its driver. */
  static tools() {
    return {
      browser: findFile('Firefox', 'FIREFOX', [
        '/usr/bin/firefox-esr',
        '/usr/bin/firefox',
        '/Applications/Firefox.app/Contents/MacOS/firefox',
      ]),
      driver: findFile('geckodriver', 'GECKODRIVER', [
        '/usr/bin/geckodriver',
        '/usr/local/bin/geckodriver',
        '/opt/homebrew/bin/geckodriver',
      ]),
    };
  }

  /** @param {string} profile */
  static async launch(profile) {
    const tools = Firefox.tools();
    const options = new firefox.Options().setBinary(tools.browser);
    options.addArguments('-headless');
    options.enableBidi();
    const service = new firefox.ServiceBuilder(tools.driver);
    const builder = new Builder().forBrowser('firefox').setFirefoxOptions(options);
    const browser = new Firefox(await builder.setFirefoxService(service).build(), profile);
    const log = await logInspector(browser.driver);
    await log.onLog(({ level, text }) => {
      if (level === 'error') browser.#errors.push(text ?? '');
    });
    return browser;
  }

  async errors() {
    return this.#errors.splice(0);
  }
}
