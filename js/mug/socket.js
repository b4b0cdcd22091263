/**
 * MUG's socket as a session sees it: what MUG says in another way is said in ours, and the other way round.
 *
 * @module stillhere/mug/socket
 */

/** The match hands these on itself. */
const HANDED_ON = ['pyodide_player_assigned', 'pyodide_game_ready'];

/** MUG restores a lost WebRTC connection by itself, says so by itself, and pauses its monitor, and so the session, meanwhile. */
const NOT_FOR_US = ['p2p_pause', 'p2p_resume'];

/** @typedef {(...args: any[]) => void} Listener */

export class MatchSocket {
  #socket;
  #redirect;
  /** @type {Map<string, Listener>} */
  #handedOn = new Map();
  /** @type {Map<Listener, Listener>} */
  #filtered = new Map();

  /**
   * @param {any} socket
   * @param {(request: any) => object} redirect answers what MUG's server leaves unanswered
   */
  constructor(socket, redirect) {
    this.#socket = socket;
    this.#redirect = redirect;
    this.pings = new Pings(socket);
  }

  get connected() {
    return this.#socket.connected;
  }

  /** @param {string} name @param {any} payload */
  tell(name, payload) {
    this.#handedOn.get(name)?.(payload);
  }

  /** @param {string} name @param {any} payload @param {(body?: any) => void} [ack] */
  emit(name, payload, ack) {
    switch (name) {
      case 'ping':
        this.pings.send(payload, ack);
        break;
      case 'multiplayer_game_complete':
        // MUG's game says so itself, with its episodes.
        ack?.({ ok: true });
        break;
      case 'end_game_request_redirect':
        ack?.({ ok: true, ...this.#redirect(payload) });
        break;
      case 'execute_continuous_callback':
        this.#socket.emit(name, { session_id: /** @type {any} */ (globalThis).sessionId, ...payload });
        break;
      default:
        if (ack) this.#socket.emit(name, payload, ack);
        else this.#socket.emit(name, payload);
    }
  }

  /** @param {string} name @param {Listener} listener */
  on(name, listener) {
    if (HANDED_ON.includes(name)) this.#handedOn.set(name, listener);
    else if (name === 'p2p_game_ended') {
      // A partner who has played to the end is not one who is lost.
      const filtered = (/** @type {any} */ ended) => ended?.reason !== 'scene_completed' && listener(ended);
      this.#filtered.set(listener, filtered);
      this.#socket.on(name, filtered);
    } else if (!NOT_FOR_US.includes(name)) this.#socket.on(name, listener);
  }

  /** @param {string} name @param {Listener} listener */
  off(name, listener) {
    if (this.#handedOn.get(name) === listener) this.#handedOn.delete(name);
    this.#socket.off(name, this.#filtered.get(listener) ?? listener);
    this.#filtered.delete(listener);
  }
}

/**
 * The session's pings in place of MUG's, which go on every second for as long as the page is open. MUG takes the time between its
 * last ping and whichever `pong` comes next: two at a time would show, and screen by, nonsense.
 */
class Pings {
  #socket;
  #emit;
  /** When the session's last one was sent, for MUG's own display. */
  #last = 0;

  /** @param {any} socket */
  constructor(socket) {
    this.#socket = socket;
    this.#emit = socket.emit;
    socket.emit = this.#filter;
  }

  #filter = (/** @type {string} */ name, /** @type {any[]} */ ...rest) => {
    if (name !== 'ping') return this.#emit.call(this.#socket, name, ...rest);
    // MUG has just noted the time of its own.
    /** @type {any} */ (globalThis).lastPingTime = this.#last;
    return this.#socket;
  };

  /** @param {any} payload @param {(body?: any) => void} [ack] */
  send(payload, ack) {
    this.#last = Date.now();
    /** @type {any} */ (globalThis).lastPingTime = this.#last;
    this.#emit.call(this.#socket, 'ping', payload, ack ?? (() => {}));
  }

  /** MUG's own go on. */
  end() {
    if (this.#socket.emit !== this.#filter) return;
    delete this.#socket.emit;
    if (this.#socket.emit !== this.#emit) this.#socket.emit = this.#emit;
  }
}
