// What `wasm-pack build --target web` makes, without any of our own build's steps, is a package that a page can use as it is.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { Browser } from '../e2e/support/browser.js';
import { until } from '../e2e/support/wait.js';

const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

const PAGE = '<!doctype html><html lang="en"><title>page</title><script type="module" src="/page.js"></script></html>';
const SCRIPT = `
  import init, { ParticipantSession } from '/package/stillhere.js';

  const socket = { connected: true, auth: {}, on() {}, off() {}, emit() {} };
  const tell = (result) => { document.documentElement.dataset.result = JSON.stringify(result); };
  try {
    await init();
    const session = ParticipantSession.attach(socket, {});
    session.frame(0);
    const { state, connected } = session.status();
    session.dispose();
    tell({ state, connected });
  } catch (error) {
    tell({ error: String(error?.message ?? error) });
  }`;

/** @param {string} folder that is served as /package/ */
async function serve(folder) {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const type = TYPES[/** @type {keyof typeof TYPES} */ (extname(path))] ?? 'text/html';
    /** @returns {Promise<string | Buffer>} */
    const body = async () => {
      if (path === '/') return PAGE;
      if (path === '/page.js') return SCRIPT;
      return readFile(join(folder, path.replace(/^\/package\//, '')));
    };
    try {
      const content = await body();
      response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { server, url: `http://127.0.0.1:${port}/` };
}

test('the package of wasm-pack loads in a page, and a session can be attached', async (t) => {
  const folder = process.env.STILLHERE_WASM_PACK;
  assert.ok(folder, 'STILLHERE_WASM_PACK names the folder that wasm-pack has made');
  const { server, url } = await serve(folder);
  t.after(() => server.close());
  const browser = await Browser.open();
  t.after(() => browser.close());
  await browser.driver.get(url);
  const result = await until('the page to be done', () => browser.run(() => document.documentElement.dataset.result));
  assert.deepEqual(JSON.parse(result), { state: 'idle', connected: true });
  const errors = (await browser.errors()).filter((message) => !message.includes('/favicon.ico'));
  assert.deepEqual(errors, []);
});
