// The example of docs/JSPSYCH.md, as it stands there, played by two people.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { root } from '../e2e/support/paths.js';
import { Server } from '../e2e/support/server.js';
import { until } from '../e2e/support/wait.js';
import { experiment } from './support/experiment.js';

const text = readFileSync(`${root}docs/JSPSYCH.md`, 'utf8');

/** @param {string} language @returns {string} */
function block(language) {
  const found = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(text);
  assert.ok(found, language);
  return found[1];
}

const documented = /** @type {any} */ (parse(block('toml')));
const url = '/done.html?outcome={outcome}&code={completion_code}';
const settings = structuredClone(documented);
// Nobody is to be sent to the real platform.
settings.scenes.words.redirects = { default: { url, delay_ms: 500 } };

experiment('the documented example: played to its end by two', { settings, tolerated: /favicon/ }, async (running) => {
  const asDocumented = await Server.start({ config: documented });
  await asDocumented.stop();
  await asDocumented.kill();

  const front = await running.front();
  front.pages.set('/documented/index.html', block('html'));
  front.pages.set('/documented/experiment.js', block('js'));
  const pages = [];
  for (const name of ['ada', 'bert']) {
    const page = await running.open(name, { path: '/documented/index.html', search: { PROLIFIC_PID: name }, front });
    await until('the instructions', () =>
      page.browser.run(() => document.body.textContent?.includes('Press f for a word')),
    );
    await page.press('f');
    pages.push(page);
  }
  for (const page of pages) {
    for (let at = 0; at < 20; at += 1) {
      const word = at % 2 === 0 ? 'tree' : 'eert';
      const shown = () => page.browser.run(() => document.querySelector('#jspsych-content')?.textContent);
      await until(`"${word}" for ${page.participantId}`, async () => (await shown()) === word);
      await page.press('f');
    }
    assert.equal((await page.waitForDone()).searchParams.get('outcome'), 'completed');
    const { metrics, completed_episodes, termination_reason } = await running.exportOf(page);
    assert.deepEqual([termination_reason, completed_episodes], ['normal', 20]);
    assert.equal(metrics.jspsych.data.length, 22);
    assert.ok(metrics.jspsych.data.at(-1).stillhere_trial_duration_ms > 0);
  }
  await running.allGamesEnded();
});
