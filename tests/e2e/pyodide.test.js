// The example whose game is Python, run by Pyodide in each participant's own browser: everything that the main demo promises.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { loadPyodide } from 'pyodide';
import { By, Key } from 'selenium-webdriver';
import { Match } from '../../www/match.js';
import { startPython } from '../../www/pyodide/python.js';
import { assertSameGame, framesPlayed } from './support/game.js';
import { root } from './support/paths.js';
import { screenshot } from './support/screenshots.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

/** @typedef {import('./support/page.js').ParticipantPage} ParticipantPage */

const EXAMPLE = { scene: 'pyodide', landing: '/pyodide/index.html' };
const PYTHON = /\/vendor\/pyodide\//;

/**
 * Plays the exported actions again, in another Python.
 *
 * @param {Record<string, any>} game
 */
async function replay({ players, seed, framesPerEpisode, episodes, actions }) {
  const source = (/** @type {string} */ name) => readFile(`${root}www/pyodide/${name}`, 'utf8');
  const { rules } = await startPython(await loadPyodide(), source);
  const setup = { players, self: players[0], seed, framesPerEpisode, episodes: episodes.length };
  const match = new Match(setup, rules);
  match.learn(actions);
  match.catchUp(Number.POSITIVE_INFINITY, episodes.length - 1, () => {});
  return match.metrics();
}

/** @param {ParticipantPage} page */
function resources(page) {
  return page.browser.run(() =>
    performance.getEntriesByType('resource').map((entry) => {
      const { name, startTime, responseEnd } = /** @type {PerformanceResourceTiming} */ (entry);
      return { name, startTime, responseEnd };
    }),
  );
}

study(
  'two people play two rounds of a game in Python: step for step the same, with its own counts in the database',
  { ...EXAMPLE, metadata: { episodes: 2, episode_seconds: 6, transition_seconds: 1 } },
  async (running) => {
    const { a, b } = await running.pair();
    const loaded = await resources(a);
    const python = loaded.filter(({ name }) => PYTHON.test(name));
    const joined = loaded.find(({ name }) => /\/socket\.io\//.test(name));
    assert.ok(python.length >= 4, JSON.stringify(loaded));
    assert.ok(
      joined && python.every(({ responseEnd }) => responseEnd < joined.startTime),
      'Python came before the game',
    );
    assert.ok(
      loaded.every(({ name }) => new URL(name).origin === running.server.url || name.startsWith('blob:')),
      JSON.stringify(loaded),
    );
    for (const key of [Key.ARROW_UP, Key.ARROW_DOWN, 'w', 's']) {
      await a.browser.driver.actions().sendKeys(key).perform();
      await b.browser.driver.actions().sendKeys(key).perform();
    }
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
      assert.equal(await page.text('code'), running.database.seat(page.participantId)?.completion_code);
    }

    const exports = [await running.exportOf(a), await running.exportOf(b)];
    for (const { scene_id, is_partial, termination_reason, completed_episodes, metrics } of exports) {
      assert.deepEqual(
        [scene_id, is_partial, termination_reason, completed_episodes],
        ['pyodide', 0, 'normal', exports.length],
      );
      assert.equal(framesPlayed(metrics.game), 2 * 6 * 30);
      for (const { score, info } of metrics.game.episodes) {
        assert.equal(score, info.returns[0] + info.returns[1]);
        assert.equal(info.misses.length, 2);
        assert.ok(info.longest_rally <= score);
      }
    }
    const [fromA, fromB] = exports.map(({ metrics }) => metrics.game);
    assertSameGame(fromA, fromB, 12);
    assert.deepEqual(fromA.actions, fromB.actions);
    for (const runs of fromA.actions) {
      assert.ok(
        runs.some((/** @type {number} */ value, /** @type {number} */ at) => at % 2 === 0 && value !== 0),
        'both have moved',
      );
    }
    const again = await replay(fromA);
    assert.deepEqual([again.episodes, again.hashes], [fromA.episodes, fromA.hashes]);
    await running.allGamesEnded();
  },
);

study(
  'a hidden tab during a game in Python: excluded while hidden, the partner told kindly, both stored',
  {
    ...EXAMPLE,
    metadata: { continuous_tab_warning_ms: 1000, continuous_tab_exclude_ms: 3000, episodes: 1, episode_seconds: 60 },
  },
  async (running) => {
    const { a, b } = await running.pair();
    await until('some frames to compare', async () => (await a.frame()) > 100);
    await a.browser.hide();
    const overlay = await b.waitForOverlay('partnerExcludedOverlay', { within: 13_000 });
    assert.equal(overlay.heading, 'Game Ended');
    // Both are stored while the first tab is still hidden.
    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    await a.browser.show();
    await a.waitForOverlay('monitorExclusionOverlay');
    assert.deepEqual(
      [fromA.termination_reason, fromB.termination_reason, fromA.is_partial, fromB.is_partial],
      ['tab_hidden', 'partner_exclusion', 1, 1],
    );
    const record = await b.record();
    assert.ok(!record.some(({ what, shown }) => what === 'monitorExclusionOverlay' && shown));
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 3);
    for (const { metrics, termination_frame } of [fromA, fromB]) {
      const { frames, info } = metrics.game.unfinished;
      assert.ok(frames > 100 && Math.abs(termination_frame - frames) <= 15, `${frames}, ${termination_frame}`);
      assert.equal(info.returns.length, 2);
    }
    for (const [page, outcome] of /** @type {const} */ ([
      [b, 'partner_excluded'],
      [a, 'excluded'],
    ])) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), outcome);
    }
    await running.allGamesEnded();
  },
);

/**
 * Run first in a page, makes its Python compute for 700 ms after each ping that goes out: the worst moment, because the answer
 * has to wait.
 */
const LONG_COMPUTATIONS = `{
  const { fetch } = window;
  window.fetch = async (...request) => {
    const answer = await fetch(...request);
    if (!String(request[0]).endsWith('/environment.py')) return answer;
    return new Response((await answer.text()) + [
      '',
      'import js, time',
      'from pyodide.ffi import create_proxy',
      'def compute():',
      '    end = time.monotonic() + 0.7',
      '    while time.monotonic() < end:',
      '        sum(range(1000))',
      'js.window.compute = create_proxy(compute)',
      '',
    ].join('\\n'));
  };
  window.computations = 0;
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    send.call(this, data);
    if (typeof data === 'string' && /^\\d+\\["ping"/.test(data)) {
      setTimeout(() => {
        window.compute();
        sessionStorage.setItem('e2e-computations', String(++window.computations));
      }, 0);
    }
  };
}`;

study(
  'Python that computes for 700 ms of every second excludes nobody',
  {
    ...EXAMPLE,
    metadata: { continuous_max_ping: 300, ping_interval_ms: 1000, episodes: 1, episode_seconds: 5 },
  },
  async (running) => {
    const { a, b } = await running.pair({ runFirst: LONG_COMPUTATIONS });
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
    }
    const computations = await a.browser.run(() => Number(sessionStorage.getItem('e2e-computations')));
    assert.ok(computations >= 6, `${computations} computations`);
    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    assert.deepEqual([fromA.termination_reason, fromB.termination_reason], ['normal', 'normal']);
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 5);
    /** @type {{ rttMs: number | null, stalledMs: number, judged: boolean }[]} */
    const samples = fromA.metrics.monitor.samples;
    // Without its own clock the page would have taken Python's time for the line's.
    const late = samples.filter(({ judged, rttMs, stalledMs }) => judged && (rttMs ?? 0) + stalledMs > 300);
    assert.ok(late.length >= 6, JSON.stringify(samples));
  },
);

study(
  'a page reloaded in the middle of a game in Python is back in it',
  {
    ...EXAMPLE,
    metadata: { episodes: 2, episode_seconds: 5, transition_seconds: 1, reconnect_grace_ms: 60_000 },
  },
  async (running) => {
    const { a, b } = await running.pair();
    await a.holdDown('ArrowUp');
    await until('some frames to lose', async () => (await a.frame()) > 45);
    await a.reload();
    for (const page of [a, b]) {
      assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
    }
    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    assert.equal(framesPlayed(fromA.metrics.game), 2 * 5 * 30);
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 10);
    assert.deepEqual(fromA.metrics.game.actions, fromB.metrics.game.actions);
    const [before] = await running.unfinishedOf(a, 1);
    assert.ok(framesPlayed(before.metrics.game) > 40);
    await running.allGamesEnded();
  },
);

study(
  'a server without any configuration has the game in Python too',
  { ...EXAMPLE, unconfigured: true },
  async (running) => {
    await running.pair();
    assert.deepEqual(
      running.database.games().map(({ experiment_id, scene_id }) => [experiment_id, scene_id]),
      [['demo', 'pyodide']],
    );
  },
);

/** Run first in a page, lets its environment fail in the middle of the game. */
const BROKEN_ENVIRONMENT = `{
  const { fetch } = window;
  window.fetch = async (...request) => {
    const answer = await fetch(...request);
    if (!String(request[0]).endsWith('/environment.py')) return answer;
    return new Response((await answer.text()).replace('self._steps += 1', 'self._steps += 1 if self._steps < 60 else 1 // 0'));
  };
}`;

study(
  'an environment that fails in the middle of a game ends it with a sentence for both, and what was played is stored',
  {
    ...EXAMPLE,
    metadata: { episodes: 1, episode_seconds: 60 },
    redirectDelay: 5000,
    tolerated: /ada: .*ZeroDivisionError/s,
  },
  async (running) => {
    const { a, b } = await running.pair({ runFirst: BROKEN_ENVIRONMENT });
    await a.waitForState('stopped');
    assert.match(await a.text('message'), /Something went wrong in the game/);
    assert.equal((await b.waitForDone()).searchParams.get('outcome'), 'partner_disconnected');
    await a.waitForDone();
    const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
    assertSameGame(fromA.metrics.game, fromB.metrics.game, 2);
    await running.allGamesEnded();
  },
);

study(
  'Python that cannot be loaded: a sentence says so, and nobody waits for this participant',
  { ...EXAMPLE, tolerated: /pyodide\.asm\.wasm|Failed to fetch/ },
  async (running) => {
    const a = await running.participant('ada');
    await a.browser.block('*pyodide.asm.wasm*');
    await a.browser.driver.findElement(By.id('start')).click();
    await a.waitForState('stopped');
    assert.match(await a.text('message'), /could not be started.*reload/);
    assert.equal(running.database.seat('ada'), undefined);
    assert.deepEqual(running.database.games(), []);
  },
);

/** Run first in a page, lets about half of Python through for as long as `window.holdDownload` is true. */
const HALF_A_DOWNLOAD = `{
  window.holdDownload = true;
  const { fetch } = window;
  window.fetch = async (...request) => {
    const answer = await fetch(...request);
    if (!answer.url.endsWith('.wasm')) return answer;
    let left = Number(answer.headers.get('content-length')) / 2;
    const gate = new TransformStream({
      async transform(chunk, out) {
        left -= chunk.length;
        while (left < 0 && window.holdDownload) await new Promise((resolve) => setTimeout(resolve, 20));
        out.enqueue(chunk);
      },
    });
    return new Response(answer.body.pipeThrough(gate), answer);
  };
}`;

/** @type {Record<string, import('./support/browser.js').Look>} */
const LOOKS = {
  desktop: { viewport: 'desktop' },
  phone: { viewport: 'phone' },
  dark: { viewport: 'phone', dark: true },
};

for (const [name, look] of Object.entries(LOOKS)) {
  study(
    `pictures of a game in Python: ${name}`,
    { ...EXAMPLE, metadata: { episodes: 2, episode_seconds: 4, transition_seconds: 3 }, redirectDelay: 60_000 },
    async (running) => {
      /** @param {ParticipantPage} page @param {string} what */
      const take = async (page, what) => {
        const overflow = await page.browser.run(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${what} is ${overflow} px wider than the screen`);
        await screenshot(page, `pyodide-${what}-${name}`);
      };
      const a = await running.participant('ada', { look });
      const b = await running.participant('bert', { look });
      await take(a, 'landing');
      await a.browser.runFirst(HALF_A_DOWNLOAD);
      await a.browser.driver.findElement(By.id('start')).click();
      await until('half of it to be loaded', () =>
        a.browser.run(() => Number(document.querySelector('progress')?.value) > 0.5),
      );
      assert.match(await a.text('loading-amount'), /^\d+\.\d of 1\d\.\d MB$/);
      await take(a, 'loading');
      await a.browser.run(() => {
        Object.assign(window, { holdDownload: false });
      });
      await a.waitForState('waiting');
      await take(a, 'waiting');
      await b.start();
      await Promise.all([a.waitForState('playing'), b.waitForState('playing')]);
      await a.holdDown('ArrowUp');
      await until('the game to have something to show', async () => (await a.frame()) > 60);
      await take(a, 'game');
      await a.waitForState('transition');
      await take(a, 'transition');
      await a.waitForRest('sessionCompleteOverlay');
      await take(a, 'complete');
    },
  );
}
