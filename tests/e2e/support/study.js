import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Browser } from './browser.js';
import { StudyDatabase } from './database.js';
import { ParticipantPage } from './page.js';
import { target } from './paths.js';
import { DelayingProxy } from './proxy.js';
import { Server } from './server.js';
import { until } from './wait.js';

/**
 * @typedef {object} Setup
 * @property {string} [scene]
 * @property {string} [landing] the path of the page that participants open first
 * @property {number} [players]
 * @property {'end' | 'continue'} [onExclusion]
 * @property {Record<string, unknown>} [metadata] what the scene tells its pages, the monitor's keys among it
 * @property {number} [redirectDelay] how long overlays stay before the redirect
 * @property {boolean} [unconfigured] the server is started with no configuration at all: it serves the demo
 */

/**
 * A configuration with one scene, whose redirects carry what the last page shows.
 *
 * @param {Setup} setup
 */
export function configuration({
  scene = 'grid',
  players = 2,
  onExclusion = 'end',
  metadata = {},
  redirectDelay = 1000,
}) {
  return {
    experiment_id: 'e2e',
    default_scene: scene,
    scenes: {
      [scene]: {
        players,
        on_exclusion: onExclusion,
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

/**
 * Run first in a page, keeps its exports from leaving it by the socket for as long as `window.holdExports` is true: something
 * else can then happen before they are there.
 */
export const HOLD_EXPORTS = `
  window.holdExports = true;
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (window.holdExports && /"emit_multiplayer_metrics"/.test(data)) return;
    send.call(this, data);
  };`;

/** A page may be kept for the "back" button when it is left; the browser closes its socket then, and logs that as an error. */
const LEFT_BEHIND = /Page entered Back-Forward Cache/;

/** One server with its database, and the participants who came. */
export class Study {
  /** @type {ParticipantPage[]} */
  participants = [];
  /** @type {DelayingProxy[]} */
  #proxies = [];
  /** @type {Map<ParticipantPage, string>} of browsers that have crashed */
  #profiles = new Map();

  #landing;

  /**
   * @param {Server} server
   * @param {string} [landing]
   */
  constructor(server, landing) {
    this.server = server;
    this.#landing = landing;
    this.database = new StudyDatabase(server.databasePath);
  }

  /**
   * @param {string} participantId
   * @param {{ origin?: string, look?: import('./browser.js').Look, runFirst?: string }} [options]
   *   `runFirst` runs in every page before the page's own scripts
   */
  async participant(participantId, { origin = this.server.url, look, runFirst } = {}) {
    const page = await ParticipantPage.open(origin, participantId, look, this.#landing);
    this.participants.push(page);
    if (runFirst !== undefined) await page.browser.runFirst(runFirst);
    return page;
  }

  /**
   * Two participants who have just begun to play with each other.
   *
   * @param {Parameters<Study['participant']>[1]} [options] of the first of them
   */
  async pair(options) {
    const [a, b] = await this.group([['ada', options], ['bert']]);
    return { a, b };
  }

  /**
   * As many participants as the scene has players, who have just begun to play with each other.
   *
   * @param {[participantId: string, options?: Parameters<Study['participant']>[1]][]} participants
   */
  async group(participants) {
    // All are waited for even if one fails: a browser that opens after the end would stay open.
    const opening = participants.map(([participantId, options]) => this.participant(participantId, options));
    await Promise.allSettled(opening);
    const pages = await Promise.all(opening);
    for (const page of pages) await page.start();
    await Promise.all(pages.map((page) => page.waitForState('playing')));
    await until('all to have played some frames', async () => {
      const frames = await Promise.all(pages.map((page) => page.frame()));
      return frames.every((frame) => frame > 5);
    });
    return pages;
  }

  /**
   * The participant's browser crashes. What it keeps stays, for `openAgain`.
   *
   * @param {ParticipantPage} page
   */
  async crash(page) {
    this.#profiles.set(page, await page.browser.crash());
  }

  /**
   * The participant opens the browser that had crashed, at this address.
   *
   * @param {ParticipantPage} page
   * @param {string} url
   * @param {string[]} [blocked] addresses whose requests fail
   */
  async openAgain(page, url, blocked = []) {
    page.browser = await Browser.open({}, this.#profiles.get(page));
    await page.browser.block(...blocked);
    await page.browser.driver.get(url);
  }

  /** A line to the server that can be made slow or dead. */
  async line() {
    const proxy = await DelayingProxy.start(this.server.port);
    this.#proxies.push(proxy);
    return proxy;
  }

  /**
   * The one export in which a participant's own browser sent the end of its session, once it is stored.
   *
   * @param {{ participantId: string }} page
   */
  async exportOf({ participantId }) {
    const stored = () =>
      this.database.exports(participantId).filter((row) => row.source === 'client' && isFinished(row));
    await until(`${participantId}'s export to be stored`, () => stored().length > 0);
    const rows = stored();
    if (rows.length !== 1) throw new Error(`${participantId} has ${rows.length} exports`);
    return rows[0];
  }

  /**
   * The parts of a session that pages sent which the participant had reloaded, closed, or taken over in another tab.
   *
   * @param {{ participantId: string }} page
   * @param {number} count how many there must be, once they are stored
   */
  async unfinishedOf({ participantId }, count) {
    const stored = () =>
      this.database.exports(participantId).filter((row) => row.source === 'client' && !isFinished(row));
    await until(`${participantId}'s unfinished exports to be stored`, () => stored().length >= count);
    const rows = stored();
    if (rows.length !== count) throw new Error(`${participantId} has ${rows.length} unfinished exports`);
    return rows;
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
      const seen = {
        record: await page.record().catch(String),
        errors: await browser.errors().catch(String),
        exports: this.database.exports(participantId),
        seat: this.database.seat(participantId),
      };
      await writeFile(join(directory, `${participantId}.json`), JSON.stringify(seen, null, 2));
      await writeFile(join(directory, `${participantId}.png`), await browser.screenshot().catch(String));
    }
    return directory;
  }

  async close() {
    await Promise.all(this.participants.map(({ browser }) => browser.close()));
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    await Promise.all([...this.#profiles.values()].map((profile) => rm(profile, { recursive: true, force: true })));
  }
}

/** @param {import('./database.js').ExportRow} row */
function isFinished({ metrics }) {
  return metrics.sessionStatus.terminatedAtTimestamp !== null;
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
    const running = new Study(server, setup.landing);
    try {
      await body(running);
      const errors = (await running.consoleErrors()).filter(
        (message) => !tolerated?.test(message) && !LEFT_BEHIND.test(message),
      );
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
