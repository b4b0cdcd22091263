// Somebody wanders off to another tab. They are warned, then excluded, while the tab is still hidden; their partner is told
// kindly and at once; both games' data are stored, and both are sent on.

import assert from 'node:assert/strict';
import { isReddish } from './support/colours.js';
import { assertSameGame, framesPlayed } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

/** @typedef {import('./support/page.js').ParticipantPage} ParticipantPage */
/** @typedef {import('./support/study.js').Study} Study */

const SHORT = { warning: 1000, exclude: 3000 };
const PARTNER_TEXT = 'Your partner experienced a technical issue. The game has ended.';

/** The record of a page as "what came first at what time". */
class Sightings {
  /** @param {import('./support/recorder.js').Sighting[]} record */
  constructor(record) {
    this.record = record;
  }

  /** @param {string} what */
  has(what) {
    return this.record.some((sighting) => sighting.what === what && sighting.shown);
  }

  /** @param {string} what */
  first(what) {
    const found = this.record.find((sighting) => sighting.what === what && sighting.shown);
    assert.ok(found, `${what} was not seen, only ${JSON.stringify(this.record)}`);
    return found;
  }
}

/**
 * A goes away and stays away; everything that must follow is checked.
 *
 * @param {Study} running
 * @param {{ a: ParticipantPage, b: ParticipantPage }} pair
 * @param {{ completedEpisodes: number, atLeastFrames: number, after?: { warning: number, exclude: number } }} expected
 */
async function wanderOff(running, { a, b }, { completedEpisodes, atLeastFrames, after = SHORT }) {
  await a.browser.hide();
  const overlay = await b.waitForOverlay('partnerExcludedOverlay', { within: after.exclude + 10_000 });
  assert.equal(overlay.heading, 'Game Ended');
  assert.equal(overlay.headingColour, 'rgb(51, 51, 51)');
  assert.ok(overlay.lines.includes(PARTNER_TEXT), overlay.lines.join('; '));
  const colours = await b.colours('partnerExcludedOverlay');
  assert.ok(colours.length > 0);
  assert.deepEqual(
    colours.filter(({ rgba }) => isReddish(rgba)),
    [],
  );

  // Both exports are stored while the first tab is still hidden.
  const [fromA, fromB] = [await running.exportOf(a), await running.exportOf(b)];
  const seenByB = new Sightings(await b.record());
  await a.browser.show();
  const ownOverlay = await a.waitForOverlay('monitorExclusionOverlay');
  assert.notEqual(ownOverlay.heading, '');
  const seenByA = new Sightings(await a.record());

  const hiddenAt = seenByA.first('hidden').at;
  const warnedAt = seenByA.first('monitorWarningBanner').at;
  const excludedAt = seenByA.first('monitorExclusionOverlay').at;
  assert.ok(warnedAt - hiddenAt >= after.warning - 50, `warned after ${warnedAt - hiddenAt} ms`);
  assert.ok(warnedAt < excludedAt);
  assert.ok(excludedAt < seenByA.first('visible').at, 'excluded while hidden');
  assert.ok(!seenByA.has('partnerExcludedOverlay'));
  assert.ok(!seenByB.has('monitorExclusionOverlay'));

  const status = fromA.metrics.sessionStatus;
  const lateness = status.terminatedAtTimestamp - hiddenAt - after.exclude;
  assert.ok(lateness >= -50 && lateness <= 1500, `the verdict came ${lateness} ms after the threshold`);
  const told = seenByB.first('partnerExcludedOverlay').at - status.terminatedAtTimestamp;
  assert.ok(told >= -50 && told <= 1000, `the partner saw it ${told} ms after the verdict`);

  assert.equal(fromA.is_partial, 1);
  assert.equal(fromB.is_partial, 1);
  assert.equal(fromA.termination_reason, 'tab_hidden');
  assert.equal(fromB.termination_reason, 'partner_exclusion');
  const { evidence } = fromA.metrics.monitor.exclusion;
  assert.equal(evidence.decidedBy, 'client');
  assert.equal(evidence.excludeAfterMs, after.exclude);
  assert.ok(evidence.hiddenMs >= after.exclude && evidence.hiddenMs <= after.exclude + 1500, `${evidence.hiddenMs} ms`);
  assert.equal(status.terminatedBy, 'self');
  assert.equal(fromB.metrics.sessionStatus.terminatedBy, 'partner');
  for (const stored of [fromA, fromB]) {
    const { sessionStatus } = stored.metrics;
    assert.equal(sessionStatus.isPartial, true);
    assert.equal(sessionStatus.terminationReason, stored.termination_reason);
    assert.equal(sessionStatus.terminationFrame, stored.termination_frame);
    assert.equal(sessionStatus.completedEpisodes, completedEpisodes);
    assert.equal(stored.completed_episodes, completedEpisodes);
    const played = framesPlayed(stored.metrics.game);
    assert.ok(played >= atLeastFrames, `${played} frames`);
    // The players are at most a few frames apart, and the game stood still from when the tab was hidden.
    assert.ok(Math.abs(stored.termination_frame - played) <= 15, `frame ${stored.termination_frame}, played ${played}`);
  }
  assertSameGame(fromA.metrics.game, fromB.metrics.game, Math.floor(atLeastFrames / 30));

  for (const [page, outcome] of /** @type {const} */ ([
    [b, 'partner_excluded'],
    [a, 'excluded'],
  ])) {
    const url = await page.waitForDone();
    assert.equal(url.searchParams.get('outcome'), outcome);
    const seat = running.database.seat(page.participantId);
    assert.equal(seat?.outcome, outcome);
    assert.ok(seat.completion_code);
    assert.equal(await page.text('code'), seat.completion_code);
  }
  await running.allGamesEnded();
}

const metadata = { continuous_tab_warning_ms: SHORT.warning, continuous_tab_exclude_ms: SHORT.exclude };

study(
  'a tab hidden in the first episode: warned, excluded while hidden, partner told, both stored, both sent on',
  { metadata: { ...metadata, episodes: 2, episode_seconds: 30 } },
  async (running) => {
    const pair = await running.pair();
    await until('some frames to compare', async () => (await pair.a.frame()) > 70);
    await wanderOff(running, pair, { completedEpisodes: 0, atLeastFrames: 60 });
  },
);

study(
  'a tab hidden in the second episode: the finished one counts, the unfinished one is kept',
  { metadata: { ...metadata, episodes: 2, episode_seconds: 5, transition_seconds: 1 } },
  async (running) => {
    const pair = await running.pair();
    await Promise.all([pair.a.waitForState('transition'), pair.b.waitForState('transition')]);
    await Promise.all([pair.a.waitForState('playing'), pair.b.waitForState('playing')]);
    await wanderOff(running, pair, { completedEpisodes: 1, atLeastFrames: 150 });
  },
);

study(
  'a server without any configuration: its own thresholds, the same kindness',
  { unconfigured: true },
  async (running) => {
    const pair = await running.pair();
    await until('some frames to compare', async () => (await pair.a.frame()) > 70);
    const after = { warning: 3000, exclude: 10_000 };
    await wanderOff(running, pair, { completedEpisodes: 0, atLeastFrames: 60, after });
  },
);

study(
  'a tab hidden for less than the threshold: warned, and the game goes on to its end',
  { metadata: { ...metadata, continuous_tab_exclude_ms: 60_000, episodes: 1, episode_seconds: 4 } },
  async (running) => {
    const { a, b } = await running.pair();
    await a.browser.hide();
    // Time itself is what this participant does: long enough for the warning, far from the threshold.
    await new Promise((resolve) => setTimeout(resolve, SHORT.warning + 500));
    await a.browser.show();
    assert.equal((await a.waitForDone()).searchParams.get('outcome'), 'completed');
    await b.waitForDone();
    const seen = new Sightings(await a.record());
    assert.ok(seen.has('monitorWarningBanner'));
    assert.ok(!seen.has('monitorExclusionOverlay'));
    assert.ok(!new Sightings(await b.record()).has('partnerExcludedOverlay'));
    assert.equal((await running.exportOf(a)).is_partial, 0);
    assert.equal((await running.exportOf(b)).is_partial, 0);
  },
);
