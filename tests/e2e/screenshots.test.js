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
