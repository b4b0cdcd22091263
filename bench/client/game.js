/** A session that plays, on a socket that goes nowhere. */

/** @typedef {(payload: unknown, ack?: (answer: unknown) => void) => void} Handler */

/** What both monitors judge by. */
export const SETTINGS = {
  continuous_monitoring_enabled: true,
  continuous_max_ping: 300,
  has_continuous_callback: true,
  continuous_callback_interval_frames: 30,
};

/** The same for the one in plain JavaScript. */
export const PLAIN = { maxPing: 300, window: 5, required: 3, interval: 1000, tabExclude: 10_000, callbackEvery: 30 };

/** A socket that acks whatever it is told. */
export class Socket {
  connected = true;
  io = { uri: globalThis.location?.origin ?? 'http://127.0.0.1' };
  /** @type {Record<string, Handler>} */
  handlers = {};
  /** @type {Record<string, number>} */
  sent = {};

  /** @param {string} name @param {Handler} handler */
  on(name, handler) {
    this.handlers[name] = handler;
  }

  off() {}

  /** @param {string} name @param {any} payload @param {(body: unknown) => void} [ack] */
  emit(name, payload, ack) {
    this.sent[name] = (this.sent[name] ?? 0) + 1;
    if (name === 'ping') ack?.({ seq: payload.seq });
    else if (name === 'join_game') {
      ack?.({ ok: true, participant_id: 'ada', participant_token: 'token', status: 'waiting' });
    } else ack?.({ ok: true });
  }
}

/** @param {any} ParticipantSession @param {object} [options] */
export function play(ParticipantSession, options = {}) {
  const socket = new Socket();
  const session = ParticipantSession.attach(socket, { navigate() {}, ...options });
  session.join({ participantId: 'ada', sceneId: 'grid' });
  socket.handlers.pyodide_player_assigned?.({ player_id: 0, game_id: 'g', game_seed: 1, num_players: 2 });
  const game = { game_id: 'g', players: [0, 1], player_subjects: {}, scene_metadata: SETTINGS };
  socket.handlers.pyodide_game_ready?.(game);
  if (session.status().state !== 'playing') throw new Error('the session does not play');
  return { session, socket };
}
