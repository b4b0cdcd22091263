// What holds for every page whatever happens on it: a strict policy, nothing from elsewhere, nothing left over for the next one.

import assert from 'node:assert/strict';
import { study } from './support/study.js';

const PAGES = ['/', '/game.html', '/done.html', '/pyodide/index.html', '/pyodide/game.html'];

study(
  'the pages come with a strict policy and load nothing from anywhere else',
  { metadata: { episodes: 1, episode_seconds: 2 } },
  async (running) => {
    for (const path of PAGES) {
      const answer = await fetch(`${running.server.url}${path}`);
      assert.equal(answer.status, 200, path);
      const policy = new Map(
        (answer.headers.get('content-security-policy') ?? '').split(';').map((part) => {
          const [directive, ...sources] = part.trim().split(/\s+/);
          return /** @type {[string, string[]]} */ ([directive, sources]);
        }),
      );
      assert.deepEqual(policy.get('default-src'), ["'self'"], path);
      assert.deepEqual(policy.get('script-src')?.sort(), ["'self'", "'wasm-unsafe-eval'"], path);
      const loose = [...policy.values()].flat().filter((source) => /^'unsafe-|\*|^https?:/.test(source));
      assert.deepEqual(loose, [], path);
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', path);
    }

    const { a, b } = await running.pair();
    /** @param {import('./support/page.js').ParticipantPage} page */
    const origins = (page) =>
      page.browser.run(() =>
        performance.getEntriesByType('resource').map(({ name }) => new URL(name, location.href).origin),
      );
    const fromGame = await origins(a);
    assert.ok(fromGame.length > 5, 'modules, wasm and the socket');
    await a.waitForDone();
    await b.waitForDone();
    for (const origin of [...fromGame, ...(await origins(a))]) {
      assert.ok(origin === running.server.url || origin === 'null', origin);
    }
  },
);

study(
  'a participant who is asked for nothing else presses one button',
  { metadata: { episodes: 1, episode_seconds: 2 } },
  async (running) => {
    const a = await running.participant('ada');
    await a.browser.driver.get(`${running.server.url}/?PROLIFIC_PID=5f0e&STUDY_ID=1`);
    await a.start();
    assert.equal(new URL(await a.browser.driver.getCurrentUrl()).origin, running.server.url);
    assert.equal(running.database.seat('5f0e')?.participant_id, '5f0e');
  },
);
