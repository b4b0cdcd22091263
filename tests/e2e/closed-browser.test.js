// A browser is gone before its data have arrived: crashed, closed, switched off. Whatever page of the study it opens next sends
// them, whatever has happened to the server meanwhile.

import assert from 'node:assert/strict';
import { assertSameGame } from './support/game.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const metadata = {
  continuous_max_ping: 300,
  ping_interval_ms: 300,
  ping_timeout_ms: 1000,
  reconnect_grace_ms: 1500,
  export_ack_timeout_ms: 2000,
  episodes: 1,
  episode_seconds: 60,
};
// While the line is dead the page's attempts fail loudly; a browser that has crashed has no console any more.
const tolerated = /ada: .*(ERR_|WebSocket|socket\.io)/;

/**
 * Ada's line dies, she is excluded, her data stay in her browser, and the browser crashes.
 *
 * @param {import('./support/study.js').Study} running
 */
async function crashWithUnsentData(running) {
  const line = await running.line();
  const { a, b } = await running.pair({ origin: line.url });
  await until('some frames to compare', async () => (await b.frame()) > 70);
  line.hold();
  const overlay = await a.waitForOverlay('monitorExclusionOverlay');
  await until('the data to be kept', async () => (await a.keptExports()) === 1);
  assert.ok(!overlay.lines.some((text) => /has been saved/.test(text)), overlay.lines.join('; '));
  await b.waitForOverlay('partnerExcludedOverlay');
  await running.crash(a);
  // What was on the line is lost with it.
  line.cut();
  line.release();
  const fromB = await running.exportOf(b);
  assert.equal((await b.waitForDone()).searchParams.get('outcome'), 'partner_excluded');
  await running.allGamesEnded();
  assert.deepEqual(
    running.database.exports(a.participantId).map(({ source }) => source),
    ['server'],
  );
  line.mend();
  return { a, line, fromB };
}

/**
 * @param {import('./support/study.js').Study} running
 * @param {Awaited<ReturnType<typeof crashWithUnsentData>>} crashed
 */
async function assertArrived(running, { a, fromB }) {
  const fromA = await running.exportOf(a);
  assert.equal(fromA.is_partial, 1);
  assert.ok(fromA.metrics.sessionStatus.terminationReason);
  assertSameGame(fromA.metrics.game, fromB.metrics.game, 2);
  await until('the browser to keep nothing more', async () => (await a.keptExports()) === 0);
  const rows = running.database.exports(a.participantId).map(({ source }) => source);
  assert.deepEqual(rows.sort(), ['client', 'server']);
}

study('the browser crashed with unsent data: the last page sends them', { metadata, tolerated }, async (running) => {
  const crashed = await crashWithUnsentData(running);
  const { a, line } = crashed;
  await running.openAgain(a, `${line.url}/done.html`, ['*/api/exports/*']);
  await until('the page to say that not all is sent', async () => /not been sent yet/.test(await a.text('closing')));
  assert.equal(await a.keptExports(), 1);
  await a.browser.block();
  // The page tries again by itself after a while, and at once when the browser says that it is back.
  await a.browser.run(() => {
    dispatchEvent(new Event('online'));
  });
  await assertArrived(running, crashed);
  await until('the page to say so', async () => /has been saved/.test(await crashed.a.text('closing')));
});

study(
  'the browser and then the server crashed: the first page sends them to the server that is there now',
  { metadata, tolerated },
  async (running) => {
    const crashed = await crashWithUnsentData(running);
    await running.server.crash();
    await running.server.startAgain();
    await running.openAgain(crashed.a, `${crashed.line.url}/`);
    await assertArrived(running, crashed);
  },
);
