import assert from 'node:assert/strict';
import { Browser } from '../../e2e/support/browser.js';
import { Server } from '../../e2e/support/server.js';
import { until } from '../../e2e/support/wait.js';

/** Run first in a page: which workers it makes, and how often they beat. */
const WATCH_WORKERS = `
  window.workers = [];
  window.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      const seen = { url: String(url), beats: 0 };
      window.workers.push(seen);
      this.addEventListener('message', () => (seen.beats += 1));
    }
  };`;

/**
 * @typedef {{ url: string, beats: number }} Seen
 *
 * @typedef {object} Visit
 * @property {Browser} browser
 * @property {Server} server
 */

/**
 * A server of stillhere, and a browser in front of it that has not gone anywhere.
 *
 * @param {(visit: Visit) => Promise<void>} body
 */
export async function visit(body) {
  const server = await Server.start();
  /** @type {Browser | undefined} */
  let browser;
  try {
    browser = await Browser.open();
    await browser.runFirst(WATCH_WORKERS);
    await body({ browser, server });
    await browser.close();
    await server.stop();
  } finally {
    await browser?.close();
    await server.kill();
  }
}

/**
 * Opens a page that attaches a session and joins: it gets a seat at the server, has the worker of the package, and nothing is
 * refused or missing.
 *
 * @param {Visit} visit
 * @param {string} address
 */
export async function joins({ browser, server }, address) {
  await browser.driver.get(address);
  await until(
    'the page to have joined',
    async () => {
      const title = await browser.driver.getTitle();
      if (title === 'waiting') return true;
      throw new Error(`its title is ${JSON.stringify(title)}, its console ${JSON.stringify(await browser.errors())}`);
    },
    { within: 30_000 },
  );
  assert.equal((await server.health()).games.waiting, 1);

  const workers = await until('the worker to beat', async () => {
    const seen = /** @type {Seen[]} */ (await browser.run(() => /** @type {any} */ (window).workers));
    return seen.some(({ beats }) => beats > 0) ? seen : null;
  });
  assert.equal(workers.length, 1, JSON.stringify(workers));
  const script = new URL(workers[0].url, address);
  assert.equal(script.origin, new URL(address).origin);
  assert.match(script.pathname, /\.js$/);
  assert.deepEqual(await browser.errors(), []);
}
