import assert from 'node:assert/strict';
import { copyFile, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';

/**
 * @typedef {import('./clients.js').Client} Client
 * @typedef {import('./faults-endings.js').Way} Way
 *
 * @typedef {object} Played a game as those saw it who played it
 * @property {[Client, Client]} pair
 * @property {Way} way
 *
 * @typedef {object} Books what a database holds
 * @property {{ game_id: string, phase: string, deadline_ms: number | null, state: any }[]} games
 * @property {{ game_id: string, participant_id: string, outcome: string | null, completion_code: string | null }[]} seats
 * @property {{ participant_id: string, export_id: string, game_id: string, source: string, received_at_ms: number,
 *   metrics: any }[]} exports
 */

/** A server that is down, or whose storage is, keeps no deadline; once it is back it must not take long. */
const MAX_LATE_MS = 10_000;

/**
 * @param {string} path
 * @returns {Books}
 */
export function readBooks(path) {
  const database = new Database(path, { fileMustExist: true, timeout: 5000 });
  try {
    const read = (/** @type {string} */ sql) => /** @type {any[]} */ (database.prepare(sql).all());
    assert.deepEqual(
      read('PRAGMA integrity_check').map((row) => Object.values(row)[0]),
      ['ok'],
    );
    const parsed = (/** @type {any[]} */ rows, /** @type {string} */ column) =>
      rows.map((row) => ({ ...row, [column]: JSON.parse(row[column]) }));
    return {
      games: parsed(read('SELECT game_id, phase, deadline_ms, state FROM games'), 'state'),
      seats: read('SELECT game_id, participant_id, outcome, completion_code FROM seats'),
      exports: parsed(
        read('SELECT participant_id, export_id, game_id, source, received_at_ms, metrics FROM exports'),
        'metrics',
      ),
    };
  } finally {
    database.close();
  }
}

/**
 * A copy of a database that nobody writes to at the moment. Looking at the database of a dead server itself would repair what the
 * next start has to.
 *
 * @param {string} path
 * @param {string} directory the copy lies below it
 * @returns {Promise<string>}
 */
export async function copyDatabase(path, directory) {
  const copy = join(await mkdtemp(join(directory, 'copy-')), 'stillhere.sqlite3');
  await copyFile(path, copy);
  // Without one, everything is in the database itself.
  await copyFile(`${path}-wal`, `${copy}-wal`).catch(() => {});
  return copy;
}

/**
 * Where everybody stood when the server died: by what each client had heard until then, and by what was committed.
 *
 * @param {Client[]} clients
 * @param {Books} books
 * @returns {string[]}
 */
export function stagesAt(clients, { seats, exports }) {
  return clients.flatMap((client) => {
    const { participantId, sent, answers } = client;
    const outcome = seats.find((seat) => seat.participant_id === participantId)?.outcome;
    const stored = exports.filter((row) => row.participant_id === participantId);
    if (client.gone) return stored.length > 0 ? [] : ['gone, its record not yet written'];
    if (client.finished) return [];
    const stages = [];
    if (sent.has('exclusion') && !answers.exclusion) {
      stages.push(outcome ? 'verdict committed, not acked' : 'verdict on its way');
    }
    if (sent.has('completion') && !answers.completion) {
      stages.push(outcome ? 'completion committed, not acked' : 'completion on its way');
    }
    if (outcome === 'partner_excluded' && client.told.length === 0) stages.push('committed, partner not told');
    if (client.ending && !answers.export) {
      if (stored.length > 0) stages.push('export stored, not acked');
      else stages.push(client.told.length > 0 ? 'partner told, export on its way' : 'export on its way');
    }
    if (sent.has('redirect')) stages.push('redirect on its way');
    if (!client.ending && stages.length === 0) stages.push('playing');
    return stages;
  });
}

/**
 * Holds what is stored against what every client was promised.
 *
 * @param {Played[]} played
 * @param {Books} books
 * @param {number} exportTimeoutMs after which the server writes a record of its own
 * @returns {number[]} how many milliseconds after its deadline each of the server's records was written
 */
export function audit(played, { games, seats, exports }, exportTimeoutMs) {
  const open = games.filter(({ phase, deadline_ms }) => phase !== 'ended' || deadline_ms !== null);
  assert.deepEqual(open, [], 'games are left open');
  assert.equal(games.length, played.length, 'every game was played by somebody');
  const clients = played.flatMap(({ pair }) => pair);
  assert.equal(seats.length, clients.length, 'everybody has one seat');
  for (const { pair, way } of played) auditOutcomes(pair, way, seats);
  for (const client of clients) {
    auditTold(client, seats);
    auditExports(
      client,
      exports.filter((row) => row.participant_id === client.participantId),
    );
  }
  for (const { game_id, state } of games) {
    const inGame = state.seats.map((/** @type {any} */ seat) => [seat.participant, seat.standing.is]);
    const inTable = seats.filter((seat) => seat.game_id === game_id).map((seat) => [seat.participant_id, 'out']);
    assert.deepEqual(inGame.sort(), inTable.sort(), 'the game and its seats say the same');
  }
  const late = exports
    .filter(({ source }) => source === 'server')
    .map(({ received_at_ms, metrics }) => {
      return Math.round(received_at_ms - metrics.sessionStatus.terminatedAtTimestamp - exportTimeoutMs);
    });
  assert.ok(
    late.every((ms) => ms >= -1 && ms < MAX_LATE_MS),
    `records of the server, ms after their deadlines: ${late}`,
  );
  return late;
}

/** @param {[Client, Client]} pair @param {Way} way @param {Books['seats']} seats */
function auditOutcomes(pair, way, seats) {
  const rows = pair.map(({ participantId }) => seats.filter((seat) => seat.participant_id === participantId));
  const outcomes = rows.map(([row]) => row?.outcome);
  const expected = [...way.outcomes];
  if (way.eitherOrder && outcomes[0] !== expected[0]) expected.reverse();
  const about = `${way.name}: ${JSON.stringify(pair.map(({ state }) => state))}`;
  assert.deepEqual(outcomes, expected, about);
  assert.equal(rows[0][0].game_id, rows[1][0].game_id, about);
  for (const [index, client] of pair.entries()) {
    const [row, ...more] = rows[index];
    assert.equal(more.length, 0, about);
    assert.equal(row.game_id, client.seat?.game_id, about);
    if (client.answers.exclusion?.outcome === 'accepted') assert.equal(row.outcome, 'excluded', about);
    if (client.answers.completion) assert.equal(row.outcome, 'completed', about);
    const { redirect } = client.answers;
    if (!redirect) continue;
    assert.equal(redirect.completion_code, row.completion_code, about);
    assert.match(redirect.redirect_url, new RegExp(`outcome=${row.outcome}&code=${row.completion_code}$`), about);
  }
}

/** @param {Client} client @param {Books['seats']} seats */
function auditTold(client, seats) {
  const outcome = seats.find((seat) => seat.participant_id === client.participantId)?.outcome;
  const about = JSON.stringify(client.state);
  const isPartner = outcome === 'partner_excluded' || outcome === 'partner_disconnected';
  if (!isPartner) assert.deepEqual(client.told, [], `told of a partner without being one: ${about}`);
  else if (!client.gone) assert.equal(client.told.length, 1, `a partner is told once: ${about}`);
  if (outcome === 'excluded') {
    assert.equal(client.deliveries.partner_excluded ?? 0, 0, `the excluded one is told as a partner: ${about}`);
    assert.equal(client.deliveries.trigger_data_export ?? 0, 0, `the excluded one is told as a partner: ${about}`);
  }
}

/** @param {Client} client @param {Books['exports']} rows */
function auditExports(client, rows) {
  const about = JSON.stringify([client.state, rows.map(({ export_id, source }) => [export_id, source])]);
  const own = rows.filter(({ source }) => source === 'client');
  const servers = rows.filter(({ source }) => source === 'server');
  assert.ok(servers.length <= 1, `the server writes one record at most: ${about}`);
  if (client.answers.export) {
    assert.equal(own.length, 1, `what was acked is stored once: ${about}`);
    const [{ export_id, game_id, metrics }] = own;
    assert.equal(export_id, client.exportId, about);
    assert.equal(game_id, client.seat?.game_id, about);
    assert.deepEqual(metrics, client.exported, `what was acked is stored as it was: ${about}`);
  } else {
    assert.ok(client.gone, `somebody was never answered: ${about}`);
    assert.ok(own.length === 1 || servers.length === 1, `nothing is known of one who left: ${about}`);
  }
}
