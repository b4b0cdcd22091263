import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { whyNot } from '../../e2e/support/browser.js';
import { target } from '../../e2e/support/paths.js';
import { whyNoPython } from '../../e2e/support/python.js';
import { until } from '../../e2e/support/wait.js';
import { OtherHosts } from './hosts.js';
import { Mug } from './mug.js';
import { Player } from './player.js';

/** What a researcher writes into the first scene. @param {string} [options] */
export const dropIn = (options = '') => `
  <script type="module">
    import { replaceMonitoring } from '/stillhere/js/mug.js';
    window.replacement = await replaceMonitoring(${options});
  </script>`;

/** One study of MUG, and who takes part. */
export class Experiment {
  /** @type {Player[]} */
  players = [];
  #hosts = new OtherHosts();

  /** @param {Mug} mug */
  constructor(mug) {
    this.mug = mug;
  }

  /** @param {import('./mug.js').Settings} settings */
  static async begin(settings) {
    const experiment = new Experiment(await Mug.start(settings));
    await experiment.#hosts.start();
    return experiment;
  }

  /**
   * @param {string} participantId
   * @param {{ origin?: string, first?: (devtools: import('./devtools.js').Devtools) => Promise<void> }} [options]
   *   `origin` of another line to MUG's server; what is done `first`, before the page is opened
   */
  async player(participantId, { origin = this.mug.url, first } = {}) {
    const player = await Player.enter(origin, participantId, this.#hosts, first);
    this.players.push(player);
    return player;
  }

  /**
   * Two who have just begun to play with each other. The first has seat 0.
   *
   * @param {Player} ada
   * @param {Player} bert
   */
  async play(ada, bert) {
    for (const player of [ada, bert]) await player.press('advanceButton');
    await this.playOn(ada, bert);
  }

  /**
   * The same once both have reached the scene of the game.
   *
   * @param {Player} ada
   * @param {Player} bert
   */
  async playOn(ada, bert) {
    await ada.press('startButton');
    await until('ada to wait', async () => (await ada.reads()).includes('players in the lobby'));
    await bert.press('startButton');
    await until('both to have played some frames', async () => {
      const games = await Promise.all([ada.game(), bert.game()]);
      return games.every((game) => (game?.frame ?? 0) > 5);
    });
  }

  /** @param {string} name */
  async report(name) {
    const directory = join(target, 'mug/failures', name.replace(/[^\w]+/g, '-'));
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'mug.log'), this.mug.log);
    for (const player of this.players) {
      const logs = await player.browser.driver
        .manage()
        .logs()
        .get('browser')
        .catch(() => []);
      const seen = {
        record: await player.record().catch(String),
        game: await player.game().catch(String),
        lines: await player.linesOfMug().catch(String),
        console: logs.map(({ message }) => message),
      };
      await writeFile(join(directory, `${player.participantId}.json`), JSON.stringify(seen, null, 2));
      await writeFile(join(directory, `${player.participantId}.png`), await player.browser.screenshot().catch(String));
    }
    return directory;
  }

  async end() {
    await Promise.all(this.players.map((player) => player.close()));
    await this.mug.stop();
    this.#hosts.stop();
  }
}

const missing = (await whyNoPython()) ?? (await whyNoMug()) ?? (await whyNot('chromium'));

/** @returns {Promise<string | null>} why MUG's package cannot be installed */
async function whyNoMug() {
  const script = "import sys; print(sys.version_info >= (3, 10) or 'MUG needs Python 3.10, this is ' + sys.version)";
  const { stdout } = await promisify(execFile)('python3', ['-c', script]);
  return stdout.trim() === 'True' ? null : stdout.trim();
}

/**
 * A test with a MUG of its own.
 *
 * @param {string} name
 * @param {import('./mug.js').Settings} settings
 * @param {(experiment: Experiment) => Promise<void>} body
 */
export function experiment(name, settings, body) {
  const options = missing ? { skip: `MUG cannot be run here: ${missing}` } : {};
  test(name, options, async (t) => {
    const running = await Experiment.begin(settings);
    try {
      await body(running);
    } catch (error) {
      const where = await running.report(name).catch((reason) => `nowhere: ${reason}`);
      t.diagnostic(`what could be seen is in ${where}`);
      throw error;
    } finally {
      await running.end();
    }
  });
}
