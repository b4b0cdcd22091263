// The other way round: what MUG's own pages send, as it was recorded, sent to our server. Two of MUG's players are seated, one
// is excluded, the partner is told, and the data of both are stored. MUG's pages know no acks, no tokens and no probes.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { StudyDatabase } from '../e2e/support/database.js';
import { Server } from '../e2e/support/server.js';
import { until } from '../e2e/support/wait.js';

/** @typedef {import('./support/wire.js').Sent} Sent */

/** @type {Sent[]} */
const recorded = JSON.parse(await readFile(new URL('fixtures/sent-by-mug.json', import.meta.url), 'utf8'));

const config = {
  experiment_id: 'mug',
  scenes: {
    corridor: {
      players: 2,
      metadata: { continuous_monitoring_enabled: true, continuous_max_ping: 300, presence_required: false },
      redirects: { default: { url: '/done.html?outcome={outcome}', delay_ms: 1000 } },
    },
  },
};

/** What comes whenever the server likes, and says nothing of the game. */
const ASIDE = ['pong', 'waiting_room', 'presence_probe'];

/** One of MUG's pages, as far as the server can see. */
class Page {
  /** @type {[name: string, payload: any][]} */
  heard = [];

  /** @param {string} url */
  constructor(url) {
    // As MUG's page connects.
    this.socket = io(url, { transports: ['websocket'], upgrade: false, forceNew: true });
    this.socket.onAny((name, payload) => {
      if (!ASIDE.includes(name)) this.heard.push([name, payload]);
    });
  }

  get names() {
    return this.heard.map(([name]) => name);
  }

  /** @param {string} name */
  async hears(name) {
    const found = await until(name, () => this.heard.find(([heard]) => heard === name));
    return found[1];
  }
}

/**
 * The recorded event as the page would have sent it in the game that it is in now.
 *
 * @param {Sent} event
 * @param {any} seat
 */
function inGame({ payload }, seat) {
  return JSON.parse(JSON.stringify(payload), (key, value) => {
    if (!seat) return value;
    if (key === 'game_id' || key === 'gameId') return seat.game_id;
    if (key === 'player_id' || key === 'playerId') return seat.player_id;
    return value;
  });
}

test("what MUG's own pages send is understood by our server", async () => {
  const server = await Server.start({ config });
  const database = new StudyDatabase(server.databasePath);
  /** @type {Record<string, Page>} */
  const pages = { ada: new Page(server.url), bert: new Page(server.url) };
  /** @type {Record<string, any>} */
  const metrics = {};
  try {
    for (const event of recorded) {
      const page = pages[event.by];
      // What MUG's page does only after it was told to.
      if (event.name.startsWith('webrtc_')) await page.hears('pyodide_game_ready');
      if (event.name === 'join_game' && event.by === 'bert') {
        await until('ada to wait', async () => (await server.health()).games.waiting === 1);
      }
      if (event.name === 'emit_multiplayer_metrics') {
        if (event.by === 'bert') await page.hears('trigger_data_export');
        metrics[event.by] = inGame(event, page.heard[0]?.[1]).metrics;
      }
      page.socket.emit(event.name, inGame(event, page.heard[0]?.[1]));
    }
    const [ada, bert] = [pages.ada, pages.bert];
    const { player_id, action } = await bert.hears('pyodide_other_player_action');
    assert.deepEqual([player_id, action], [ada.heard[0][1].player_id, 1]);
    const told = await bert.hears('partner_excluded');
    assert.equal(told.message, 'Your partner experienced a technical issue. The game has ended.');
    assert.equal((await ada.hears('end_game_request_redirect')).redirect_url, '/done.html?outcome=excluded');
    assert.equal((await bert.hears('end_game_request_redirect')).redirect_url, '/done.html?outcome=partner_excluded');
    assert.deepEqual(ada.names, ['pyodide_player_assigned', 'pyodide_game_ready', 'end_game_request_redirect']);
    assert.deepEqual(bert.names, [
      'pyodide_player_assigned',
      'pyodide_game_ready',
      'pyodide_other_player_action',
      'partner_excluded',
      'trigger_data_export',
      'end_game_request_redirect',
    ]);

    await until('the game to have ended', () => database.games().every(({ phase }) => phase === 'ended'));
    const seats = database.seats();
    /** @type {[string, string, string][]} */
    const expected = [
      ['ada', 'excluded', 'sustained_ping'],
      ['bert', 'partner_excluded', 'partner_exclusion'],
    ];
    for (const [name, outcome, reason] of expected) {
      const { player_id } = pages[name].heard[0][1];
      const seat = seats.find((row) => row.player_id === player_id);
      assert.equal(seat?.outcome, outcome);
      const rows = database.exports(seat?.participant_id ?? '');
      assert.deepEqual(
        rows.map(({ source, is_partial, termination_reason, scene_id }) => [
          source,
          is_partial,
          termination_reason,
          scene_id,
        ]),
        [['client', 1, reason, 'corridor']],
      );
      // Not a word of MUG's data is changed.
      assert.deepEqual(rows[0].metrics, metrics[name]);
    }
    for (const { socket } of Object.values(pages)) socket.disconnect();
    await server.stop();
  } finally {
    for (const { socket } of Object.values(pages)) socket.disconnect();
    await server.kill();
  }
});
