// What people see must not depend on their browser: the two rules that exclude, with participants in different browsers. Each
// engine is the one who is excluded once, and the partner once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNot } from './support/browser.js';
import { assertSameGame } from './support/game.js';
import { screenshot } from './support/screenshots.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

/**
 * @typedef {import('./support/browser.js').Engine} Engine
 * @typedef {import('./support/page.js').ParticipantPage} ParticipantPage
 * @typedef {import('./support/study.js').Study} Study
 */

/** @type {Engine[]} */
const ENGINES = ['chromium', 'firefox', 'webkit'];
const PARTNER_TEXT = 'Your partner experienced a technical issue. The game has ended.';
const WARNING_MS = 1000;
const EXCLUDE_MS = 3000;
const MAX_PING = 300;

const reasons = await Promise.all(ENGINES.map(async (engine) => ({ engine, why: await whyNot(engine) })));
const here = reasons.filter(({ why }) => why === undefined).map(({ engine }) => engine);
/** @param {Engine} engine */
const partnerOf = (engine) => here[(here.indexOf(engine) + 1) % here.length];

/**
 * @param {Study} running
 * @param {Engine} engine of the one who will be excluded
 * @param {string} [origin] of that one's line
 */
async function pairOf(running, engine, origin = running.server.url) {
  const [a, b] = await running.group([
    ['ada', { origin, look: { engine } }],
    ['bert', { look: { engine: partnerOf(engine) } }],
  ]);
  return { a, b };
}

/**
 * Both have read what they must, both exports are stored, both go on to their own end.
 *
 * @param {Study} running
 * @param {{ a: ParticipantPage, b: ParticipantPage }} pair
 * @param {string} reason
 */
async function assertEnded(running, { a, b }, reason) {
  const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
  assert.deepEqual([fromA.termination_reason, fromA.is_partial], [reason, 1]);
  assert.deepEqual([fromB.termination_reason, fromB.is_partial], ['partner_exclusion', 1]);
  assert.equal(fromA.metrics.sessionStatus.terminatedBy, 'self');
  assert.equal(fromB.metrics.sessionStatus.terminatedBy, 'partner');
  assertSameGame(fromA.metrics.game, fromB.metrics.game, 1);
  for (const [page, overlay, outcome] of /** @type {const} */ ([
    [b, 'partnerExcludedOverlay', 'partner_excluded'],
    [a, 'monitorExclusionOverlay', 'excluded'],
  ])) {
    await page.pressOverlayButton(overlay);
    assert.equal((await page.waitForDone()).searchParams.get('outcome'), outcome);
    const seat = running.database.seat(page.participantId);
    assert.equal(seat?.outcome, outcome);
    assert.equal(await page.text('code'), seat.completion_code);
    assert.equal(await page.keptExports(), 0);
  }
  await running.allGamesEnded();
  return { fromA, fromB };
}

for (const { engine, why } of reasons) {
  const hidden = `${engine}: a hidden tab is warned and excluded while hidden, the partner is told, both exports are stored`;
  const slow = `${engine}: a line that stays slow excludes, and the partner is told`;
  const noticed = `${engine}: what goes wrong in a page is among its errors`;
  if (why !== undefined) {
    for (const name of engine === 'chromium' ? [hidden] : [hidden, slow, noticed]) test(name, { skip: why }, () => {});
    continue;
  }

  study(
    hidden,
    {
      metadata: { continuous_tab_warning_ms: WARNING_MS, continuous_tab_exclude_ms: EXCLUDE_MS, episodes: 1 },
      redirectDelay: 60_000,
    },
    async (running) => {
      const { a, b } = await pairOf(running, engine);
      await until('some frames to compare', async () => (await a.frame()) > 40);
      await a.browser.hide();
      const overlay = await b.waitForOverlay('partnerExcludedOverlay');
      assert.equal(overlay.heading, 'Game Ended');
      assert.ok(overlay.lines.includes(PARTNER_TEXT), overlay.lines.join('; '));
      // Stored while the tab is still hidden.
      await running.exportOf(a);
      await a.browser.show();
      const own = await a.waitForOverlay('monitorExclusionOverlay');
      assert.notEqual(own.heading, '');

      const record = await a.record();
      /** @param {string} what */
      const at = (what) => {
        const found = record.find((sighting) => sighting.what === what && sighting.shown);
        assert.ok(found, `${what} was not seen, only ${JSON.stringify(record)}`);
        return found.at;
      };
      assert.ok(at('monitorWarningBanner') - at('hidden') >= WARNING_MS - 50, JSON.stringify(record));
      assert.ok(at('monitorWarningBanner') < at('monitorExclusionOverlay'), JSON.stringify(record));
      assert.ok(at('monitorExclusionOverlay') < at('visible'), 'excluded while hidden');
      assert.ok(!(await b.record()).some(({ what }) => what === 'monitorExclusionOverlay'));

      await b.waitForRest('partnerExcludedOverlay');
      await a.waitForRest('monitorExclusionOverlay');
      await screenshot(a, `exclusion-overlay-${engine}`);
      await screenshot(b, `partner-overlay-${partnerOf(engine)}`);

      const { fromA } = await assertEnded(running, { a, b }, 'tab_hidden');
      const { evidence } = fromA.metrics.monitor.exclusion;
      assert.equal(evidence.decidedBy, 'client');
      const late = evidence.hiddenMs - EXCLUDE_MS;
      assert.ok(late >= 0 && late <= 1500, `hidden for ${evidence.hiddenMs} ms`);
    },
  );

  // In Chromium that is sustained-ping.test.js.
  if (engine !== 'chromium') {
    study(
      slow,
      {
        metadata: { continuous_max_ping: MAX_PING, ping_interval_ms: 500, episodes: 1, episode_seconds: 60 },
        redirectDelay: 60_000,
      },
      async (running) => {
        const line = await running.line();
        const { a, b } = await pairOf(running, engine, line.url);
        await until('some frames to compare', async () => (await a.frame()) > 40);
        line.delay = MAX_PING;
        await a.waitForOverlay('monitorExclusionOverlay');
        await b.waitForOverlay('partnerExcludedOverlay');
        line.delay = 0;
        const { fromA } = await assertEnded(running, { a, b }, 'sustained_ping');
        const { samples } = fromA.metrics.monitor.exclusion.evidence;
        assert.ok(samples.length >= 3);
        for (const { rttMs } of samples.slice(-3)) assert.ok(rttMs > MAX_PING, JSON.stringify(samples));
      },
    );
  }

  // Without this, that the other tests saw no error would prove nothing. In Chromium that is harness.test.js.
  if (engine === 'webkit') test(noticed, { skip: 'its driver tells nothing of the console' }, () => {});
  if (engine === 'firefox') {
    study(noticed, {}, async (running) => {
      const { browser } = await running.participant('ada', { look: { engine } });
      assert.deepEqual(await browser.errors(), []);
      await browser.run(() => {
        setTimeout(() => {
          throw new Error('on purpose');
        });
      });
      const errors = await until('the error to be known', async () => {
        const known = await browser.errors();
        return known.length > 0 ? known : null;
      });
      assert.match(errors.join('\n'), /on purpose/);
    });
  }
}
