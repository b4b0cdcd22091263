// The tools that the other files rely on, tried against things whose behaviour is known.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'libsql';
import { Browser } from './support/browser.js';
import { collectColours, isReddish } from './support/colours.js';
import { StudyDatabase } from './support/database.js';
import { DelayingProxy } from './support/proxy.js';
import { installRecorder, readRecord } from './support/recorder.js';
import { Server } from './support/server.js';
import { until } from './support/wait.js';

/**
 * @param {import('node:test').TestContext} t
 */
async function echoThroughProxy(t) {
  const echo = net.createServer((socket) => socket.pipe(socket));
  await new Promise((resolve) => echo.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {net.AddressInfo} */ (echo.address());
  const proxy = await DelayingProxy.start(port);
  const client = net.connect(proxy.port, '127.0.0.1');
  client.setNoDelay(true);
  t.after(async () => {
    client.destroy();
    await proxy.stop();
    echo.close();
  });
  let received = '';
  client.setEncoding('utf8').on('data', (text) => {
    received += text;
  });
  return { proxy, client, received: () => received, echoPort: port };
}

test('the proxy makes a round trip slower by its delay, and only as long as it is set', async (t) => {
  const { proxy, client, received } = await echoThroughProxy(t);
  /** @param {string} text */
  const roundTrip = async (text) => {
    const before = performance.now();
    client.write(text);
    await until(`${text} to come back`, () => received().endsWith(text), { every: 1 });
    return performance.now() - before;
  };
  await roundTrip('a');
  proxy.delay = 150;
  assert.ok((await roundTrip('b')) >= 300);
  proxy.delay = 0;
  await roundTrip('c');
  assert.equal(received(), 'abc');
});

test('the proxy keeps the order when the delay is lowered while bytes are on their way', async (t) => {
  const { proxy, client, received } = await echoThroughProxy(t);
  proxy.delay = 200;
  const before = performance.now();
  client.write('first ');
  await until('the first bytes to be on their way', () => proxy.underway === 1, { every: 1 });
  proxy.delay = 0;
  client.write('second');
  await until('both', () => received().length >= 12);
  assert.ok(performance.now() - before >= 200);
  assert.equal(received(), 'first second');
});

test('a held line swallows everything, closes nothing, and gives all of it back', async (t) => {
  const { proxy, client, received, echoPort } = await echoThroughProxy(t);
  client.write('before ');
  await until('the line to work', () => received() === 'before ');
  proxy.hold();
  client.write('while ');
  client.write('held');
  // Bytes sent later by the direct way are back already.
  const direct = net.connect(echoPort, '127.0.0.1');
  t.after(() => direct.destroy());
  direct.write('direct');
  await new Promise((resolve) => direct.once('data', () => resolve(undefined)));
  assert.equal(received(), 'before ');
  assert.equal(client.destroyed, false);
  proxy.release();
  await until('what was held', () => received() === 'before while held');
});

test('a cut line breaks what is open, refuses what is new, and works again once mended', async (t) => {
  const { proxy, client, received } = await echoThroughProxy(t);
  client.write('before');
  await until('the line to work', () => received() === 'before');
  assert.equal(proxy.sent, 6);
  const closed = new Promise((resolve) => client.once('close', resolve));
  proxy.cut();
  await closed;
  const knock = () =>
    new Promise((resolve) => {
      const socket = net.connect(proxy.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.once('data', () => resolve('answered'));
      socket.once('close', () => resolve('closed'));
      socket.write('knock');
      t.after(() => socket.destroy());
    });
  assert.equal(await knock(), 'closed');
  proxy.mend();
  assert.equal(await knock(), 'answered');
});

test('the database is read while another connection has it open and writes', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'stillhere-e2e-'));
  const path = join(directory, 'stillhere.sqlite3');
  const writer = new Database(path);
  t.after(async () => {
    writer.close();
    await rm(directory, { recursive: true });
  });
  writer.exec('PRAGMA journal_mode = WAL');
  writer.exec(
    'CREATE TABLE games (game_id TEXT, experiment_id TEXT, scene_id TEXT, phase TEXT, created_at_ms INTEGER)',
  );
  const reader = new StudyDatabase(path);
  const insert = writer.prepare("INSERT INTO games VALUES (?, 'demo', 'grid', 'playing', ?)");
  // More pages than SQLite writes between two checkpoints, so that the write-ahead log starts over under the reader.
  for (let n = 1; n <= 12; n += 1) {
    insert.run(`game ${n} ${'x'.repeat(400_000)}`, n);
    assert.equal(reader.games().length, n);
  }
});

test('red is told from grey, orange, green and transparent', () => {
  const at = (/** @type {number} */ r, /** @type {number} */ g, /** @type {number} */ b, a = 1) => ({ r, g, b, a });
  for (const red of [at(255, 0, 0), at(220, 53, 69), at(139, 0, 0), at(254, 226, 226), at(200, 30, 30, 0.5)]) {
    assert.ok(isReddish(red), JSON.stringify(red));
  }
  for (const other of [
    at(51, 51, 51),
    at(255, 255, 255),
    at(255, 165, 0),
    at(0, 128, 0),
    at(37, 99, 235),
    at(255, 0, 0, 0),
  ]) {
    assert.ok(!isReddish(other), JSON.stringify(other));
  }
});

/**
 * @param {import('node:test').TestContext} t
 * @param {string} body
 * @returns {Promise<string>} the path of an executable
 */
async function scratchBinary(t, body) {
  const directory = await mkdtemp(join(tmpdir(), 'stillhere-e2e-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'stillhere.mjs');
  await writeFile(path, `#!${process.execPath}\n${body}`);
  await chmod(path, 0o755);
  return path;
}

test('a server is awaited, asked to end, and must end well', async (t) => {
  const serving = (/** @type {number} */ code) =>
    scratchBinary(
      t,
      `import http from 'node:http';
      const server = http.createServer((_, answer) => answer.end('{"status":"ok"}'));
      server.listen(0, '127.0.0.1', () => console.log('stillhere is serving at http://127.0.0.1:' + server.address().port));
      process.on('SIGTERM', () => process.exit(${code}));`,
    );
  const good = await Server.start({ binary: await serving(0), config: { scenes: { grid: { players: 2 } } } });
  t.after(() => good.kill());
  assert.equal((await good.health()).status, 'ok');
  await good.stop();
  const bad = await Server.start({ binary: await serving(3) });
  t.after(() => bad.kill());
  await assert.rejects(bad.stop(), /ended with 3 after SIGTERM/);
  const silent = await scratchBinary(t, `console.error('port in use'); process.exit(2);`);
  await assert.rejects(Server.start({ binary: silent }), /ended early: 2\s[\s\S]*port in use/);
});

test('a server that has crashed comes back at the same address', async (t) => {
  const binary = await scratchBinary(
    t,
    `import http from 'node:http';
    const port = Number(process.argv[4].split(':')[1]);
    const server = http.createServer((_, answer) => answer.end('{"status":"ok"}'));
    server.listen(port, '127.0.0.1', () => console.log('stillhere is serving at http://127.0.0.1:' + server.address().port));`,
  );
  const server = await Server.start({ binary });
  t.after(() => server.kill());
  const { url } = server;
  await server.crash();
  await assert.rejects(server.health());
  await server.startAgain();
  assert.equal(server.url, url);
  assert.equal((await server.health()).status, 'ok');
});

const PAGE = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
  <title>scratch</title><link rel="icon" href="data:,"><body>
  <script type="module" src="/page.js"></script></body></html>`;
const PAGE_SCRIPT = `
  const count = (window.counts = { timer: 0, frames: 0 });
  setInterval(() => { count.timer += 1; }, 50);
  const frame = () => { count.frames += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  new Worker('/worker.js');
  const host = document.createElement('div');
  host.id = 'monitorWarningBanner';
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('p { color: oklch(0.6 0.2 25); background: linear-gradient(#fff, rgb(0 128 0)); }');
  host.attachShadow({ mode: 'open' }).adoptedStyleSheets = [sheet];
  document.body.append(host);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return;
    const text = document.createElement('p');
    text.textContent = 'come back';
    host.shadowRoot.append(text);
  });`;

/** @param {import('node:test').TestContext} t */
async function scratchPage(t) {
  /** @type {Record<string, [string, string]>} */
  const files = {
    '/': ['text/html', PAGE],
    '/page.js': ['text/javascript', PAGE_SCRIPT],
    '/worker.js': ['text/javascript', "setInterval(() => fetch('/tick'), 50);"],
    '/violation': [
      'text/html',
      '<!doctype html><link rel="icon" href="data:,"><script>document.title = "ran";</script>',
    ],
  };
  let ticks = 0;
  const site = createServer((request, response) => {
    if (request.url === '/tick') ticks += 1;
    const [type, body] = files[request.url ?? ''] ?? ['text/plain', ''];
    response.writeHead(200, {
      'content-type': type,
      'content-security-policy': "default-src 'self'; script-src 'self'; img-src data:",
    });
    response.end(body);
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {net.AddressInfo} */ (site.address());
  const browser = await Browser.open();
  t.after(async () => {
    await browser.close();
    site.close();
  });
  return { browser, url: `http://127.0.0.1:${port}`, ticks: () => ticks };
}

test('a hidden tab is really hidden: timers crawl, frames stop, a worker goes on, and the recorder still sees', async (t) => {
  const { browser, url, ticks } = await scratchPage(t);
  await browser.driver.get(`${url}/`);
  await browser.run(installRecorder);
  const counts = () => browser.run(() => /** @type {any} */ (window).counts);
  await until('frames to be drawn', async () => (await counts()).frames > 0);
  await until('the worker to run', () => ticks() > 0);
  const before = { ...(await counts()), ticks: ticks() };
  await browser.hide();
  // The worker has the same interval as the page's timer: its ticks say how often the timer would have run.
  await until('100 ticks of the worker', () => ticks() - before.ticks >= 100);
  await browser.show();
  const after = await counts();
  assert.ok(after.timer - before.timer <= 50, `the timer ran ${after.timer - before.timer} times`);
  assert.ok(after.frames - before.frames <= 60, `${after.frames - before.frames} frames`);
  const record = await browser.run(readRecord);
  assert.deepEqual(record.map(({ what }) => what).sort(), ['hidden', 'monitorWarningBanner', 'visible']);
  /** @param {string} name */
  const at = (name) => record.find(({ what }) => what === name)?.at ?? Number.NaN;
  assert.ok(at('visible') - at('hidden') >= 4000);
  assert.ok(Math.abs(at('monitorWarningBanner') - at('hidden')) <= 500);
  assert.equal(record.find(({ what }) => what === 'monitorWarningBanner')?.text, 'come back');
  assert.equal(await browser.run(() => document.visibilityState), 'visible');
  const colours = await browser.run(collectColours, 'monitorWarningBanner');
  const red = colours.filter(({ rgba }) => isReddish(rgba));
  assert.ok(
    red.some(({ where, property }) => where === 'p' && property === 'color'),
    JSON.stringify(colours),
  );
  assert.ok(colours.some(({ property, rgba }) => property === 'background-image' && rgba.g === 128 && rgba.r === 0));
  assert.deepEqual(await browser.errors(), []);
});

test('a frozen tab stands still, and a crashed browser comes back with what it has kept', async (t) => {
  const { browser, url, ticks } = await scratchPage(t);
  await browser.driver.get(`${url}/`);
  await until('the worker to run', () => ticks() > 0);
  await browser.freeze();
  const frozenAt = ticks();
  // Another page has the same worker: its pace says how far the frozen one could have come.
  await browser.driver.get(`${url}/`);
  await until('a page in front to have run for long', () => browser.run(() => performance.now() > 3000));
  const own = await browser.run(() => Math.floor(performance.now() / 50));
  assert.ok(ticks() - frozenAt <= own + 20, `${ticks() - frozenAt} ticks of two workers in the time of ${own}`);
  await browser.thaw();
  const thawedAt = ticks();
  await until('the page to run again', () => ticks() > thawedAt + 5);

  await browser.driver.executeAsyncScript((/** @type {() => void} */ done) => {
    const opening = indexedDB.open('kept', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('things').put('here', 1);
    opening.onsuccess = () => done();
  });
  const profile = await browser.crash();
  const again = await Browser.open({}, profile);
  t.after(() => again.close());
  await again.driver.get(`${url}/`);
  const databases = await again.driver.executeAsyncScript((/** @type {(names: unknown[]) => void} */ done) => {
    indexedDB.databases().then((all) => done(all.map(({ name }) => name)));
  });
  assert.deepEqual(databases, ['kept']);
});

test('a violation of the Content-Security-Policy is among the errors', async (t) => {
  const { browser, url } = await scratchPage(t);
  await browser.driver.get(`${url}/violation`);
  const errors = await until('the console to be told', () => browser.errors());
  assert.match(errors.join('\n'), /Content[ -]Security[ -]Policy/);
});

test('a phone in dark mode is narrow and dark', async (t) => {
  const { browser, url } = await scratchPage(t);
  await browser.driver.get(`${url}/`);
  const look = () => browser.run(() => [innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches]);
  assert.deepEqual(await look(), [1280, 800, false]);
  await browser.setLook({ viewport: 'phone', dark: true });
  assert.deepEqual(await look(), [390, 844, true]);
});
