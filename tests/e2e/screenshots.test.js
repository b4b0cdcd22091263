// Every page and overlay, as people see it: on a desk, on a phone, in the dark. The pictures are for people to look at; what is
// checked here is that each could be taken at its moment, and that nothing is wider than the screen.

import assert from 'node:assert/strict';
import { Key } from 'selenium-webdriver';
import { screenshot } from './support/screenshots.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

/** @type {Record<string, import('./support/browser.js').Look>} */
const LOOKS = {
  desktop: { viewport: 'desktop' },
  phone: { viewport: 'phone' },
  dark: { viewport: 'desktop', dark: true },
};

const WARNING_MS = 500;
const EXCLUDE_MS = 4000;
const BRIGHT = 128;

/**
 * @param {import('./support/page.js').ParticipantPage} page
 * @returns {Promise<{ overflow: number, brightness: number }>}
 */
function layout(page) {
  return page.browser.run(() => {
    const [r = 255, g = 255, b = 255] =
      getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.map(Number) ?? [];
    return { overflow: document.documentElement.scrollWidth - innerWidth, brightness: (r + g + b) / 3 };
  });
}

for (const [name, look] of Object.entries(LOOKS)) {
  study(
    `pictures: ${name}`,
    {
      metadata: { continuous_tab_warning_ms: WARNING_MS, continuous_tab_exclude_ms: EXCLUDE_MS, episodes: 1 },
      redirectDelay: 60_000,
    },
    async (running) => {
      /** @param {import('./support/page.js').ParticipantPage} page @param {string} what */
      const take = async (page, what) => {
        const { overflow } = await layout(page);
        assert.ok(overflow <= 0, `${what} is ${overflow} px wider than the screen`);
        await screenshot(page, `${what}-${name}`);
      };
      const a = await running.participant('ada', { look });
      const b = await running.participant('bert', { look });
      await take(a, 'landing');
      assert.equal((await layout(a)).brightness < BRIGHT, Boolean(look.dark), 'the page follows the preferred scheme');
      await a.start();
      await take(a, 'waiting');
      await b.start();
      await Promise.all([a.waitForState('playing'), b.waitForState('playing')]);
      await a.browser.driver.actions().sendKeys(Key.ARROW_LEFT).perform();
      await b.browser.driver.actions().sendKeys(Key.ARROW_UP).perform();
      await until('the game to have something to show', async () => (await a.frame()) > 30);
      await take(a, 'game');

      await a.browser.hide();
      // Time itself is what this participant does: long enough for the warning, far from the exclusion.
      await new Promise((resolve) => setTimeout(resolve, WARNING_MS + 250));
      await a.browser.show();
      await a.waitForRest('monitorWarningBanner');
      await take(a, 'warning');

      await a.browser.hide();
      await b.waitForRest('partnerExcludedOverlay');
      await take(b, 'partner-overlay');
      await a.browser.show();
      await a.waitForRest('monitorExclusionOverlay');
      await take(a, 'exclusion-overlay');

      // Nobody has to sit out the countdown.
      await b.pressOverlayButton('partnerExcludedOverlay');
      await b.waitForDone();
      await take(b, 'done');
      await a.pressOverlayButton('monitorExclusionOverlay');
      await a.waitForDone();
    },
  );
}

for (const [name, look] of Object.entries(LOOKS)) {
  study(
    `pictures of what goes wrong: ${name}`,
    {
      players: 3,
      onExclusion: 'continue',
      metadata: {
        continuous_max_ping: 300,
        ping_interval_ms: 300,
        ping_timeout_ms: 1000,
        continuous_tab_warning_ms: WARNING_MS,
        continuous_tab_exclude_ms: 1500,
        reconnect_grace_ms: 30_000,
        episodes: 1,
        episode_seconds: 300,
      },
      redirectDelay: 60_000,
      tolerated: /bert: .*(ERR_|WebSocket|socket\.io|api\/)/,
    },
    async (running) => {
      /** @param {import('./support/page.js').ParticipantPage} page @param {string} what */
      const take = async (page, what) => {
        const { overflow } = await layout(page);
        assert.ok(overflow <= 0, `${what} is ${overflow} px wider than the screen`);
        await screenshot(page, `${what}-${name}`);
      };
      const line = await running.line();
      const [a, b, c] = await running.group([['ada', { look }], ['bert', { look, origin: line.url }], ['cleo']]);
      await until('the game to have something to show', async () => (await a.frame()) > 30);
      await take(a, 'three-players');
      await c.browser.hide();
      await a.waitForRest('monitorWarningBanner');
      await until('the status to say it', async () => /1 left/.test(await a.text('partner')));
      await take(a, 'partner-left');

      line.cut();
      await a.waitForRest('reconnectingOverlay');
      await take(a, 'partner-reconnecting');
      await b.waitForRest('reconnectingOverlay');
      await take(b, 'own-reconnecting');
      line.mend();
      await until('the game to go on', async () => (await a.overlay('reconnectingOverlay')) === null);

      const older = await a.browser.openWindow();
      await a.browser.setLook(look);
      await a.visitLanding();
      await a.start();
      const newer = await a.browser.lookAt(older);
      await a.waitForOverlay('sessionCompleteOverlay');
      await take(a, 'taken-over');
      await a.browser.lookAt(newer);
      await a.waitForState('playing');

      line.hold();
      await b.waitForOverlay('monitorExclusionOverlay');
      await until('the page to say that the data are kept', async () => {
        const overlay = await b.overlay('monitorExclusionOverlay');
        return overlay?.lines.some((text) => /kept in this browser/.test(text));
      });
      await take(b, 'kept');
      line.release();
    },
  );
}
