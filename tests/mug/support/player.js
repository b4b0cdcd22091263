import { By } from 'selenium-webdriver';
import { Browser } from '../../e2e/support/browser.js';
import { ParticipantPage } from '../../e2e/support/page.js';
import { installRecorder } from '../../e2e/support/recorder.js';
import { until } from '../../e2e/support/wait.js';
import { Devtools } from './devtools.js';

/** MUG's own page, as one participant sees it. Overlays are looked at as on any page. */
export class Player extends ParticipantPage {
  /** @type {Devtools | undefined} */
  devtools;

  /**
   * Opens MUG's page, whose first scene shows.
   *
   * @param {string} origin
   * @param {string} participantId
   * @param {import('./hosts.js').OtherHosts} hosts
   * @param {(devtools: Devtools) => Promise<void>} [first] before the page is opened
   */
  static async enter(origin, participantId, hosts, first) {
    const player = new Player(await Browser.open(), origin, participantId);
    try {
      player.devtools = await Devtools.connect(player.browser.driver);
      await hosts.answerIn(player.devtools);
      await first?.(player.devtools);
      await player.visitLanding();
    } catch (error) {
      await player.close();
      throw error;
    }
    return player;
  }

  /** @returns {Promise<void>} */
  async visitLanding() {
    await this.browser.driver.get(`${this.origin}/${encodeURIComponent(this.participantId)}`);
    await this.browser.run(installRecorder);
    await this.browser.run(rememberLines);
  }

  /**
   * Presses the button with this id once MUG lets it be pressed.
   *
   * @param {string} id
   */
  async press(id) {
    const button = await this.browser.driver.findElement(By.id(id));
    await until(`#${id} on ${this.participantId}'s page`, async () => {
      return (await button.isDisplayed()) && (await button.isEnabled());
    });
    await button.click();
  }

  /** @returns {Promise<{ frame: number, episode: number, state: string | null, isDone: boolean } | null>} MUG's game */
  game() {
    return this.browser.run(() => {
      const { game } = /** @type {any} */ (window);
      return game && { frame: game.frameNumber, episode: game.num_episodes, state: game.state, isDone: game.isDone() };
    });
  }

  /**
   * @returns {Promise<string[]>} every line that could ever be read in MUG's own page, with its numbers as #; what is in shadow
   *   roots is none of it
   */
  linesOfMug() {
    return this.browser.run(() => [.../** @type {any} */ (window).lines]);
  }

  /** @returns {Promise<string>} what can be read in MUG's own page */
  reads() {
    return this.browser.run(() => document.body.innerText);
  }

  async close() {
    this.devtools?.close();
    await this.browser.close();
  }
}

/** Runs in the page: keeps every line that is ever on it. */
function rememberLines() {
  const lines = new Set();
  /** @type {any} */ (window).lines = lines;
  const look = () => {
    for (const line of document.body.innerText.split('\n')) lines.add(line.trim().replace(/\d+/g, '#'));
  };
  new MutationObserver(look).observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    characterData: true,
  });
  look();
}
