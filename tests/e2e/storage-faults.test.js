// The storage fails in the middle of everything and works again later. Whoever wanted something stored is told to try again, the
// game between partners goes on, and afterwards nothing is missing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from './support/clients.js';
import { audit } from './support/faults-audit.js';
import { WAYS } from './support/faults-endings.js';
import {
  fullDisk,
  limitedFiles,
  limitedFilesUntilKilled,
  limitedFilesUntilStopped,
  lock,
  lockedDatabase,
} from './support/faults-storage.js';
import { Server } from './support/server.js';
import { study } from './support/study.js';
import { inTime, until } from './support/wait.js';

/**
 * @typedef {import('./support/faults-audit.js').Played} Played
 * @typedef {import('./support/faults-endings.js').Way} Way
 * @typedef {import('./support/faults-storage.js').FaultyStorage} FaultyStorage
 * @typedef {import('./support/page.js').ParticipantPage} ParticipantPage
 */

const EXPORT_TIMEOUT_MS = 3000;
const ACT_EVERY_MS = 50;
/** So many frames are seen to pass between partners while nothing can be stored. */
const FRAMES = 20;
const WITHIN_MS = 30_000;

const CONFIG = {
  experiment_id: 'storage',
  default_scene: 'grid',
  scenes: {
    grid: {
      players: 2,
      metadata: {
        continuous_monitoring_enabled: true,
        reconnect_grace_ms: 3000,
        export_ack_timeout_ms: EXPORT_TIMEOUT_MS,
        silence_exclude_ms: 120_000,
      },
      redirects: { default: { url: '/done.html?outcome={outcome}&code={completion_code}', delay_ms: 0 } },
    },
  },
};

class Run {
  /** @type {Played[]} */
  played = [];
  /** @type {Client[]} */
  clients = [];

  /** @param {Server} server */
  constructor(server) {
    this.server = server;
  }

  /** Two who want to play with each other; nobody else may want to at the same time. @param {string} name @param {Way} way */
  newcomers(name, way) {
    const pair = /** @type {[Client, Client]} */ (
      ['a', 'b'].map((end) => new Client(this.server.url, `${name}-${end}`))
    );
    this.clients.push(...pair);
    this.played.push({ pair, way });
    return { pair, seated: Promise.all(pair.map((client) => client.join())) };
  }

  /** @param {string} name @param {Way} way */
  async pair(name, way) {
    const { pair, seated } = this.newcomers(name, way);
    await inTime(`seating ${name}`, seated, WITHIN_MS);
    return pair;
  }
}

/** Was told to try again later, and nothing about what is wrong with the storage. @param {Client} client @param {string} event */
function wasPutOff(client, event) {
  return until(
    `${client.participantId} to be put off with ${event}`,
    () =>
      client.refusals.some(([asked, code, message]) => {
        if (asked !== event) return false;
        assert.deepEqual([code, message], ['storage_unavailable', 'nothing could be stored; send it again later']);
        return true;
      }),
    { within: 20_000 },
  );
}

/** @param {FaultyStorage} storage */
function nothingIsLost(storage) {
  test(`${storage.name}: nothing is lost`, { skip: storage.whyNot() ?? false }, async (t) => {
    const server = await Server.start({ config: CONFIG, launcher: storage.launcher });
    const run = new Run(server);
    const acting = setInterval(() => {
      for (const client of run.clients) client.act();
    }, ACT_EVERY_MS);
    let broken = false;
    try {
      const bystanders = await run.pair('bystanders', WAYS.completed);
      const exporting = await run.pair('exporting', WAYS.one);
      const excluded = await run.pair('excluded', WAYS.one);
      const lost = await run.pair('lost', WAYS.lost);
      const completed = await run.pair('completed', WAYS.completed);
      const back = await run.pair('back', WAYS.one);

      /** @type {(value?: unknown) => void} */
      let mayExport = () => {};
      const released = new Promise((resolve) => {
        mayExport = resolve;
      });
      for (const client of exporting) client.mayExport = /** @type {Promise<void>} */ (released);
      await WAYS.one.play(exporting);
      await until('the partner to be told', () => exporting[1].ending);

      await storage.fail(server);
      broken = true;
      const endings = [WAYS.one.play(excluded), WAYS.completed.play(completed), WAYS.lost.play(lost)];
      mayExport();
      await back[1].goOffline();
      back[1].comeBack();
      const late = run.newcomers('late', WAYS.both);
      for (const client of exporting) await wasPutOff(client, 'emit_multiplayer_metrics');
      await wasPutOff(excluded[0], 'mid_game_exclusion');
      for (const client of completed) await wasPutOff(client, 'multiplayer_game_complete');
      for (const client of late.pair) await wasPutOff(client, 'join_game');

      // Storage is not on the way between partners.
      for (const [index, client] of bystanders.entries()) {
        const before = client.heard.length;
        const partner = bystanders[1 - index];
        await until('actions to be relayed', () => client.heard.length > before + FRAMES);
        assert.ok(partner.frame >= FRAMES && partner.refusals.length === 0);
      }
      const books = await storage.books(server);
      assert.deepEqual(books.exports, []);
      const seats = new Map(books.seats.map((seat) => [seat.participant_id, seat.outcome]));
      for (const client of [...bystanders, ...excluded, ...completed, ...lost, ...back]) {
        assert.equal(seats.get(client.participantId), null, `${client.participantId} has been told nothing else`);
      }
      assert.deepEqual(
        [excluded[1].ending, lost[0].ending],
        [undefined, undefined],
        'nobody is told of what is not stored',
      );
      assert.deepEqual((await server.health()).games, { waiting: 0, playing: 5, ending: 1 });

      broken = false;
      await storage.work(server);
      await inTime('seating those who were put off', late.seated, WITHIN_MS);
      endings.push(WAYS.both.play(late.pair), WAYS.completed.play(bystanders), WAYS.one.play(back));
      await inTime('all endings', Promise.all(endings), WITHIN_MS);
      const faithful = run.clients.filter((client) => !client.gone);
      await inTime('all data', Promise.all(faithful.map((client) => client.through)), WITHIN_MS);
      for (const client of run.clients) client.close();
      await until('the server to write what never came', async () => {
        const open = Object.entries((await server.health()).games).filter(([, count]) => count > 0);
        return open.length === 0 || Promise.reject(new Error(JSON.stringify(open)));
      });
      audit(run.played, await storage.books(server), EXPORT_TIMEOUT_MS);
      await server.stop();
    } catch (error) {
      t.diagnostic(JSON.stringify(run.clients.map(({ state }) => state)));
      t.diagnostic(server.log.split('\n').slice(-40).join('\n'));
      throw error;
    } finally {
      if (broken) await storage.work(server).catch(() => {});
      clearInterval(acting);
      for (const client of run.clients) client.close();
      await server.kill();
    }
  });
}

// Side by side, since most of it is waiting for deadlines.
describe('a storage that fails and works again', { concurrency: true }, () => {
  nothingIsLost(limitedFiles);
  nothingIsLost(limitedFilesUntilKilled);
  nothingIsLost(limitedFilesUntilStopped);
  nothingIsLost(fullDisk);
  nothingIsLost(lockedDatabase());
});

const KEPT = /kept in this browser and will be sent as soon as possible/;
const SAVED = /Your game data has been saved/;

study(
  'a locked database: the page says that the data is not saved yet, nobody else is told, and then it is saved',
  {
    metadata: {
      continuous_tab_warning_ms: 500,
      continuous_tab_exclude_ms: 1500,
      // The page asks where to go before the server can know how the game ended for it.
      export_ack_timeout_ms: 1000,
      episodes: 1,
      episode_seconds: 120,
    },
    redirectDelay: 3000,
  },
  async (running) => {
    const { a, b } = await running.pair();
    const release = lock(running.server.databasePath);
    try {
      await a.browser.hide();
      await until('the verdict to be refused', () => running.server.log.includes('the storage failed'));
      await a.browser.show();
      await reads(a, KEPT);
      assert.equal(await b.overlay('partnerExcludedOverlay'), null, 'nobody is told of what is not stored');
      assert.deepEqual(running.database.exports(a.participantId), []);
    } finally {
      release();
    }
    await reads(a, SAVED);
    await b.waitForOverlay('partnerExcludedOverlay');
    for (const [page, reason] of /** @type {const} */ ([
      [a, 'tab_hidden'],
      [b, 'partner_exclusion'],
    ])) {
      assert.equal((await running.exportOf(page)).termination_reason, reason);
      const outcome = (await page.waitForDone()).searchParams.get('outcome');
      assert.equal(outcome, running.database.seat(page.participantId)?.outcome);
    }
    await running.allGamesEnded();
  },
);

/** @param {ParticipantPage} page @param {RegExp} text */
function reads(page, text) {
  return until(`${page.participantId} to read ${text}`, async () => {
    const overlay = await page.overlay('monitorExclusionOverlay');
    return overlay?.lines.some((line) => text.test(line)) || Promise.reject(new Error(JSON.stringify(overlay)));
  });
}
