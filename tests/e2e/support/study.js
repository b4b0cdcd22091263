import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { StudyDatabase } from './database.js';
import { ParticipantPage } from './page.js';
import { target } from './paths.js';
import { DelayingProxy } from './proxy.js';
import { Server } from './server.js';
import { until } from './wait.js';

/**
 * @typedef {object} Setup
 * @property {Record<string, unknown>} [metadata] what the scene tells its pages, the monitor's keys among it
 * @property {number} [redirectDelay] how long overlays stay before the redirect
 * @property {boolean} [unconfigured] the server is started with no configuration at all: it serves the demo
 */

/**
 * A configuration with the one scene `grid`, whose redirects carry what the last page shows.
 *
 * @param {Setup} setup
 */
export function configuration({ metadata = {}, redirectDelay = 1000 }) {
  return {
    experiment_id: 'e2e',
    default_scene: 'grid',
    scenes: {
      grid: {
        players: 2,
        metadata: { continuous_monitoring_enabled: true, ...metadata },
        redirects: {
          default: {
            url: '/done.html?outcome={outcome}&code={completion_code}&participant={participant_id}',
            delay_ms: redirectDelay,
          },
        },
      },
    },
  };
}

/** One server with its database, and the participants who came. */
export class Study {
  /** @type {ParticipantPage[]} */
  participants = [];
  /** @type {DelayingProxy[]} */
  #proxies = [];

  /** @param {Server} server */
  constructor(server) {
    this.server = server;
    this.database = new StudyDatabase(server.databasePath);
  }

  /**
   * @param {string} participantId
   * @param {{ origin?: string, look?: import('./browser.js').Look }} [options]
   */
  async participant(participantId, { origin = this.server.url, look } = {}) {
    const page = await ParticipantPage.open(origin, participantId, look);
    this.participants.push(page);
    return page;
  }

  /**
   * Two participants who have just begun to play with each other.
   *
   * @param {{ origin?: string }} [options] where the first of them finds the study
   */
  async pair({ origin } = {}) {
    // Both are waited for even if one fails: a browser that opens after the end would stay open.
    const opening = [this.participant('ada', { origin }), this.participant('bert')];
    await Promise.allSettled(opening);
    const [a, b] = await Promise.all(opening);
    await a.start();
    await b.start();
    await Promise.all([a.waitForState('playing'), b.waitForState('playing')]);
    await until('both to have played some frames', async () => (await a.frame()) > 5 && (await b.frame()) > 5);
    return { a, b };
  }

  /** A line to the server that can be made slow or dead. */
  async line() {
    const proxy = await DelayingProxy.start(this.server.port);
    this.#proxies.push(proxy);
    return proxy;
  }

  /**
   * The one export that a participant's own browser sent, once it is stored.
   *
   * @param {ParticipantPage} page
   */
  async exportOf({ participantId }) {
    const stored = () => this.database.exports(participantId).filter(({ source }) => source === 'client');
    await until(`${participantId}'s export to be stored`, () => stored().length > 0);
    const rows = stored();
    if (rows.length !== 1) throw new Error(`${participantId} has ${rows.length} exports`);
    return rows[0];
  }

  /** Waits until the server has let go of every game. */
  async allGamesEnded() {
    await until('every game to have ended', async () => {
      const phases = this.database.games().map(({ phase }) => phase);
      const { games } = await this.server.health();
      if (phases.every((phase) => phase === 'ended') && Object.values(games).every((live) => live === 0)) return true;
      throw new Error(JSON.stringify({ phases, games }));
    });
  }

  /** @returns {Promise<string[]>} what any page's console was told at the level of an error */
  async consoleErrors() {
    const all = await Promise.all(
      this.participants.map(async ({ browser, participantId }) =>
        (await browser.errors()).map((message) => `${participantId}: ${message}`),
      ),
    );
    return all.flat();
  }

  /**
   * Writes down what could be seen when a test failed.
   *
   * @param {string} name
   */
  async report(name) {
    const directory = join(target, 'e2e-failures', name.replace(/[^\w]+/g, '-'));
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'server.log'), this.server.log);
    for (const page of this.participants) {
      const { browser, participantId } = page;
      await writeFile(join(directory, `${participantId}.png`), await browser.screenshot());
      const seen = { record: await page.record(), errors: await browser.errors() };
      await writeFile(join(directory, `${participantId}.json`), JSON.stringify(seen, null, 2));
    }
    return directory;
  }

  async close() {
    await Promise.all(this.participants.map(({ browser }) => browser.close()));
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
  }
}

/**
 * A test with a server of its own. Whatever else it checks: no page's console saw an error that `tolerated` does not name, and
 * the server ends cleanly when it is asked to.
 *
 * @param {string} name
 * @param {Setup & { tolerated?: RegExp }} setup
 * @param {(study: Study) => Promise<void>} body
 */
export function study(name, { tolerated, unconfigured, ...setup }, body) {
  test(name, async (t) => {
    const server = await Server.start(unconfigured ? {} : { config: configuration(setup) });
    const running = new Study(server);
    try {
      await body(running);
      const errors = (await running.consoleErrors()).filter((message) => !tolerated?.test(message));
      if (errors.length > 0) throw new Error(`errors on the console:\n${errors.join('\n')}`);
      await running.close();
      await server.stop();
    } catch (error) {
      const where = await running.report(name).catch((reason) => `nowhere: ${reason}`);
      t.diagnostic(`what could be seen is in ${where}`);
      throw error;
    } finally {
      await running.close().catch(() => {});
      await server.kill();
    }
  });
}
