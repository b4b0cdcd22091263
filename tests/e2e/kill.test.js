// The server is killed again and again while games end, at moments that nobody chose, and started anew on the same files. What
// it had promised before must hold after.
//
// STILLHERE_KILL_SEED=<number> repeats a run's choices: who ends how and when, and what each kill waits for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from './support/clients.js';
import { audit, copyDatabase, readBooks, stagesAt } from './support/faults-audit.js';
import { dice, WAYS } from './support/faults-endings.js';
import { Server } from './support/server.js';
import { inTime, until } from './support/wait.js';

/**
 * @typedef {import('./support/clients.js').Step} Step
 * @typedef {import('./support/faults-audit.js').Played} Played
 * @typedef {import('./support/faults-endings.js').Way} Way
 */

const SEED = Number(process.env.STILLHERE_KILL_SEED ?? Date.now() % 1_000_000);
const ROUNDS = 10;
/** These are played from the first kill to the last. */
const LONG_GAMES = 4;
const GRACE_MS = 6000;
const EXPORT_TIMEOUT_MS = 4000;
/** Within this long the games of a round begin to end. */
const SPREAD_MS = 300;
const ACT_EVERY_MS = 25;
const ROUND_WITHIN_MS = 30_000;

/**
 * What the first kill of a round waits for, in turn, and how many milliseconds later it may come; none: it comes by the clock, as
 * every second kill of a round does.
 *
 * @type {([Step, number] | undefined)[]}
 */
const KILL_AFTER = [
  ['exclusion sent', 0],
  ['export sent', 0],
  ['redirect sent', 0],
  ['told', 0],
  ['exclusion answered', 0],
  ['exclusion sent', 15],
  ['export answered', 0],
  ['export sent', 15],
  ['completion sent', 5],
  undefined,
];
const LATEST_BY_CLOCK_MS = 400;

/** Every run has to show the server dying here. */
const MUST_BE_HIT = [
  'playing',
  'verdict on its way',
  'partner told, export on its way',
  'export on its way',
  'redirect on its way',
  'gone, its record not yet written',
];
/** After a commit that nobody has heard of yet: each lasts for a moment, and one of them at least is hit in every run. */
const UNHEARD = [
  'verdict committed, not acked',
  'completion committed, not acked',
  'committed, partner not told',
  'export stored, not acked',
];

const CONFIG = {
  experiment_id: 'kill',
  default_scene: 'grid',
  scenes: {
    grid: {
      players: 2,
      metadata: {
        continuous_monitoring_enabled: true,
        reconnect_grace_ms: GRACE_MS,
        export_ack_timeout_ms: EXPORT_TIMEOUT_MS,
        // Whoever is silent here waits for a dead server.
        silence_exclude_ms: 120_000,
      },
      redirects: { default: { url: '/done.html?outcome={outcome}&code={completion_code}', delay_ms: 0 } },
    },
  },
};

class Run {
  chance = dice(SEED);
  /** @type {Played[]} */
  played = [];
  /** @type {Client[]} */
  clients = [];
  /** @type {Map<string, number>} */
  hits = new Map();
  kills = 0;
  /** What all clients did since the last start. @type {Map<Step, number>} */
  steps = new Map();
  /** What the next kill waits for. @type {{ step: Step, count: number, fire: () => void } | undefined} */
  trap;

  /** @param {Server} server */
  constructor(server) {
    this.server = server;
  }

  /** @param {Step} step */
  onStep(step) {
    const count = (this.steps.get(step) ?? 0) + 1;
    this.steps.set(step, count);
    if (this.trap?.step === step && this.trap.count <= count) this.trap.fire();
  }

  /**
   * Resolves at a moment that chance and the clients choose, or when there is nothing left to disturb.
   *
   * @param {[Step, number] | undefined} after
   * @param {Promise<unknown>} over
   */
  async moment(after, over) {
    let latest = LATEST_BY_CLOCK_MS;
    if (after) {
      const [step, within] = after;
      latest = within;
      const reached = new Promise((resolve) => {
        this.trap = {
          step,
          count: this.chance.whole(1, step === 'completion sent' ? 3 : 12),
          fire: () => resolve(undefined),
        };
      });
      await Promise.race([reached, over]);
      this.trap = undefined;
    }
    const delay = this.chance.whole(0, latest);
    // Not a wait for anything: the fault's own moment.
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  }

  async kill() {
    // One that had ended by itself would be found dead here.
    process.kill(this.server.pid, 0);
    await this.server.crash();
    const connected = this.clients.filter((client) => client.connected);
    await Promise.all(connected.map((client) => client.lost()));
    const books = readBooks(await copyDatabase(this.server.databasePath, this.server.directory));
    for (const stage of stagesAt(this.clients, books)) this.hits.set(stage, (this.hits.get(stage) ?? 0) + 1);
    this.kills += 1;
    this.steps.clear();
    await this.server.startAgain();
  }

  /**
   * Games that have all begun, each with the way in which it will end.
   *
   * @param {string} name
   * @param {Way[]} ways
   * @returns {Promise<Played[]>}
   */
  async seat(name, ways) {
    const clients = Array.from({ length: 2 * ways.length }, (_, index) => {
      return new Client(this.server.url, `${name}-${index}`, { onStep: (step) => this.onStep(step) });
    });
    this.clients.push(...clients);
    await inTime('seating everybody', Promise.all(clients.map((client) => client.join())), ROUND_WITHIN_MS);
    /** @type {Map<string, Client[]>} */
    const games = new Map();
    for (const client of clients) {
      const id = client.seat?.game_id ?? '';
      games.set(id, [...(games.get(id) ?? []), client]);
    }
    const played = [...games.values()].map((pair, index) => {
      assert.equal(pair.length, 2, 'two play each game');
      return { pair: /** @type {[Client, Client]} */ (pair), way: ways[index] };
    });
    this.played.push(...played);
    return played;
  }

  /** @param {number} round */
  async round(round) {
    const ways = Object.values(WAYS).flatMap((way) => Array(way.share).fill(way));
    const games = await this.seat(`round${round}`, this.chance.shuffled(ways));
    const endings = games.map(async ({ pair, way }) => {
      const after = this.chance.whole(0, SPREAD_MS);
      await new Promise((resolve) => setTimeout(resolve, after));
      await way.play(pair);
      if (!way.slow) await throughAll(pair);
    });
    const over = Promise.all(endings);
    over.catch(() => {});
    await this.moment(KILL_AFTER[round % KILL_AFTER.length], over);
    await this.kill();
    await this.moment(undefined, over);
    await this.kill();
    await inTime(`round ${round}`, over, ROUND_WITHIN_MS);
    // Whoever is through leaves, as a redirected page does.
    for (const client of this.clients) if (client.finished) client.close();
  }
}

/** @param {[Client, Client]} pair */
function throughAll(pair) {
  return Promise.all(pair.filter((client) => !client.gone).map((client) => client.through));
}

test('a server that is killed at any moment of an ending keeps every promise', async (t) => {
  const began = performance.now();
  t.diagnostic(`STILLHERE_KILL_SEED=${SEED}`);
  const server = await Server.start({ config: CONFIG });
  const run = new Run(server);
  const playing = setInterval(() => {
    for (const client of run.clients) client.act();
  }, ACT_EVERY_MS);
  try {
    const long = await run.seat('long', Array(LONG_GAMES).fill(WAYS.completed));
    for (let round = 0; round < ROUNDS; round += 1) await run.round(round);
    await inTime('the long games', Promise.all(long.map(({ pair, way }) => way.play(pair))), ROUND_WITHIN_MS);
    await inTime('those whose partner was lost', Promise.all(run.played.map(({ pair }) => throughAll(pair))), 20_000);
    for (const client of run.clients) client.close();
    await until(
      'every game to have ended',
      async () => {
        const open = Object.entries((await server.health()).games).filter(([, count]) => count > 0);
        return open.length === 0 || Promise.reject(new Error(JSON.stringify(open)));
      },
      { within: GRACE_MS + EXPORT_TIMEOUT_MS + 5000 },
    );
    await server.stop();
    const late = audit(run.played, readBooks(server.databasePath), EXPORT_TIMEOUT_MS);

    const relayed = run.clients.reduce((sum, { heard }) => sum + heard.length, 0);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    t.diagnostic(`${run.played.length} endings, ${run.kills} kills, ${relayed} actions relayed, ${seconds} s`);
    t.diagnostic(`${late.length} records written by the server, at most ${Math.max(...late)} ms after their deadlines`);
    for (const [stage, count] of [...run.hits].sort()) t.diagnostic(`killed while: ${stage}: ${count}`);
    for (const stage of MUST_BE_HIT) assert.ok(run.hits.has(stage), `no kill hit "${stage}"`);
    assert.ok(
      UNHEARD.some((stage) => run.hits.has(stage)),
      'no kill hit between a commit and its ack',
    );
  } catch (error) {
    t.diagnostic(JSON.stringify(run.clients.filter((client) => !client.finished).map(({ state }) => state)));
    t.diagnostic(
      server.log
        .split('\n')
        .filter((line) => !line.includes('INFO'))
        .slice(-40)
        .join('\n'),
    );
    throw error;
  } finally {
    clearInterval(playing);
    for (const client of run.clients) client.close();
    await server.kill();
  }
});
