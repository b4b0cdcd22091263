import { Client } from '../../e2e/support/clients.js';
import { Server } from '../../e2e/support/server.js';
import { until } from '../../e2e/support/wait.js';
import { freePort, haproxy, postgres, redis } from './services.js';

/** @typedef {Awaited<ReturnType<typeof postgres>>} Postgres */

/**
 * @typedef {object} Running
 * @property {Server[]} nodes
 * @property {Postgres} database
 * @property {Awaited<ReturnType<typeof redis>>} relay
 * @property {string} url of the load balancer
 * @property {(name: string, options?: ConstructorParameters<typeof Client>[2]) => Client} client
 */

/**
 * So many servers behind the load balancer, on one database, for as long as `use` takes.
 *
 * @param {import('node:test').TestContext} t
 * @param {number} count at most three
 * @param {(running: Running) => Promise<void>} use
 */
export async function withCluster(t, count, use) {
  /** @type {Client[]} */
  const clients = [];
  /** @type {Server[]} */
  const nodes = [];
  const database = await postgres();
  const relay = await redis();
  /** @type {Awaited<ReturnType<typeof haproxy>> | undefined} */
  let front;
  const playing = setInterval(() => {
    for (const client of clients) client.act();
  }, 25);
  try {
    const config = {
      experiment_id: 'cluster',
      storage: { url: database.url },
      cluster: { redis: relay.url },
      scenes: {
        grid: {
          players: 2,
          metadata: {
            continuous_monitoring_enabled: true,
            reconnect_grace_ms: 6000,
            export_ack_timeout_ms: 20_000,
            silence_exclude_ms: 120_000,
          },
          redirects: { default: { url: '/done.html?outcome={outcome}&code={completion_code}', delay_ms: 0 } },
        },
      },
    };
    for (let index = 0; index < count; index += 1) nodes.push(await Server.start({ config }));
    const ports = nodes.map((node) => node.port);
    while (ports.length < 3) ports.push(await freePort());
    front = await haproxy(ports);
    const { url } = front;
    await until('the load balancer to know the servers', async () => (await fetch(`${url}/healthz`)).ok);
    await use({
      nodes,
      database,
      relay,
      url,
      client(name, options) {
        const client = new Client(url, name, options);
        clients.push(client);
        return client;
      },
    });
  } catch (error) {
    t.diagnostic(JSON.stringify(clients.filter((client) => !client.finished).map(({ state }) => state)));
    for (const node of nodes) t.diagnostic(node.log.split('\n').slice(-25).join('\n'));
    throw error;
  } finally {
    clearInterval(playing);
    for (const client of clients) client.close();
    await front?.stop();
    await Promise.all(nodes.map((node) => node.kill()));
    await relay.stop();
    await database.stop();
    await database.remove();
  }
}

/**
 * The server that holds each participant's socket, by the name that it has in the database.
 *
 * @param {Postgres} database
 * @returns {Map<string, string>}
 */
export function placesOf(database) {
  const rows = database.ask(
    `SELECT seat->>'participant' || ' ' || split_part(seat->'presence'->>'connection', '/', 1)
       FROM games, json_array_elements(state::json->'seats') AS seat
      WHERE seat->'presence'->>'connection' IS NOT NULL`,
  );
  return new Map(rows.map((row) => /** @type {[string, string]} */ (row.split(' '))));
}

/**
 * Pairs that play, one after the other: each two sit on different servers.
 *
 * @param {Running} running
 * @param {string} name
 * @param {number} count
 * @returns {Promise<[Client, Client][]>}
 */
export async function pairsApart(running, name, count) {
  /** @type {[Client, Client][]} */
  const apart = [];
  for (let index = 0; apart.length < count; index += 1) {
    if (index > 5 * count) throw new Error('the load balancer puts everybody in one place');
    const pair = /** @type {[Client, Client]} */ (['a', 'b'].map((who) => running.client(`${name}-${index}${who}`)));
    await Promise.all(pair.map((client) => client.join()));
    const places = placesOf(running.database);
    const [one, other] = pair.map((client) => places.get(client.participantId));
    if (one !== other) {
      apart.push(pair);
    } else {
      await Promise.all(pair.map((client) => client.complete()));
      for (const client of pair) await client.through;
    }
  }
  return apart;
}

/**
 * Everything is over, for everybody, and stored: what the books say of each participant.
 *
 * @param {Postgres} database
 * @param {number} [within]
 */
export async function books(database, within = 60_000) {
  await until(
    'every game to have ended',
    () => database.ask("SELECT 1 FROM games WHERE phase <> 'ended'").length === 0,
    {
      within,
      every: 200,
    },
  );
  const rows = database.ask(
    `SELECT seats.participant_id || ' ' || seats.outcome || ' ' || COALESCE(exports.source, 'none') || ' '
            || COUNT(*) OVER (PARTITION BY seats.participant_id)
       FROM seats LEFT JOIN exports ON exports.participant_id = seats.participant_id AND exports.game_id = seats.game_id`,
  );
  return new Map(
    rows.map((row) => {
      const [participant, outcome, source, entries] = row.split(' ');
      return [participant, { outcome, source, entries: Number(entries) }];
    }),
  );
}
