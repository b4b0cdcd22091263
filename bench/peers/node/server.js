// The same contract on Node's Socket.IO as an experimenter would write it: everything in memory, nothing survives.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http, { maxHttpBufferSize: 100e6 });

/**
 * @typedef {object} Game
 * @property {string} id
 * @property {import('socket.io').Socket[]} players
 * @property {boolean} over
 */

/** @type {Map<string, Game>} */
const games = new Map();
/** @type {Map<string, unknown>} */
const exports = new Map();
/** @type {Game | undefined} */
let waiting;

/** @param {import('socket.io').Socket} socket */
function join(socket) {
  waiting ??= { id: randomUUID(), players: [], over: false };
  const game = waiting;
  games.set(game.id, game);
  const player = game.players.push(socket) - 1;
  socket.data = { game, player, participant: socket.data.participant ?? randomUUID() };
  socket.join(game.id);
  socket.emit('pyodide_player_assigned', { player_id: player, game_id: game.id, game_seed: 1, num_players: 2 });
  if (game.players.length < 2) return 'waiting';
  waiting = undefined;
  io.to(game.id).emit('pyodide_game_ready', {
    game_id: game.id,
    players: [0, 1],
    player_subjects: Object.fromEntries(game.players.map((each, number) => [number, each.data.participant])),
    scene_metadata: { scene_id: 'bench' },
  });
  return 'playing';
}

io.on('connection', (socket) => {
  socket.on('join_game', (_payload, ack) => {
    const status = join(socket);
    ack?.({ ok: true, participant_id: socket.data.participant, status });
  });
  socket.on('ping', ({ seq }, ack) => {
    ack?.({ ok: true, seq });
    socket.emit('pong', { max_latency: null, min_ping_measurements: 0, seq });
  });
  socket.on('pyodide_player_action', ({ game_id, player_id, action, frame_number, timestamp }) => {
    const { game, player } = socket.data;
    if (game?.id !== game_id || player !== player_id || game.over) return;
    socket.to(game_id).emit('pyodide_other_player_action', { player_id, action, frame_number, timestamp });
  });
  socket.on('mid_game_exclusion', ({ game_id, player_id, frame_number }, ack) => {
    const { game, player } = socket.data;
    if (game?.id !== game_id || player !== player_id) return ack?.({ ok: false });
    if (game.over) return ack?.({ ok: true, outcome: 'already_ended' });
    game.over = true;
    ack?.({ ok: true, outcome: 'accepted' });
    for (const partner of game.players) {
      if (partner === socket) continue;
      partner.emit('partner_excluded', {
        message: 'Your partner experienced a technical issue. The game has ended.',
        frame_number,
        reason: 'partner_exclusion',
        game_id,
      });
      partner.emit('trigger_data_export', {
        is_partial: true,
        termination_reason: 'partner_exclusion',
        termination_frame: frame_number,
        game_id,
      });
    }
  });
  socket.on('emit_multiplayer_metrics', ({ metrics, export_id }, ack) => {
    const duplicate = exports.has(export_id);
    exports.set(export_id, metrics);
    ack?.({ ok: true, export_id, duplicate });
  });
  socket.on('end_game_request_redirect', (_payload, ack) => {
    ack?.({ ok: true, redirect_url: null, redirect_timeout: 0, completion_code: 'X' });
  });
  socket.on('disconnect', () => {
    const { game } = socket.data;
    if (!game) return;
    game.players = game.players.filter((/** @type {unknown} */ player) => player !== socket);
    if (game.players.length === 0) games.delete(game.id);
    if (waiting === game) waiting = undefined;
  });
});

http.listen(0, '127.0.0.1', 4096, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
  console.log(`Node is serving at http://127.0.0.1:${port}`);
});
