import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { until } from './wait.js';

/** Longer than a server that cannot write keeps a question to itself. */
const ANSWER_MS = 10_000;
/** What the client waits after "try again later". */
const AGAIN_MS = 100;
const PASSING = new Set(['storage_unavailable', 'rate_limited']);

/**
 * @typedef {'exclusion' | 'completion' | 'export' | 'redirect'} Errand something that is said until it is answered
 * @typedef {`${Errand} ${'sent' | 'answered'}` | 'told'} Step
 * @typedef {Record<string, any>} Payload
 *
 * @typedef {object} Ending
 * @property {string} reason as in sessionStatus
 * @property {number} frame
 */

class Gone extends Error {}

/**
 * A participant's page reduced to the protocol: keeps its token, says what matters until it is answered, acks what it is told
 * and does nothing the second time, and comes back by itself when its line breaks. It remembers what the server has promised it.
 */
export class Client {
  #socket;
  #ready = withResolvers();
  #through = withResolvers();
  /** @type {string | undefined} */
  #token;
  /** @type {Set<string>} */
  #handled = new Set();
  #exporting = false;
  #askedToExport = false;

  /** @type {{ game_id: string, player_id: number } | undefined} */
  seat;
  frame = 0;
  /** Actions of the partner, as they came. @type {[frame: number, action: number][]} */
  heard = [];
  /** @type {Ending | undefined} */
  ending;
  /** How often each delivery's event arrived, repeats among them. @type {Record<string, number>} */
  deliveries = {};
  /** What the participant could read of a partner's exclusion or loss: one entry for each time. @type {string[]} */
  told = [];
  /** @type {Set<Errand>} */
  sent = new Set();
  /** What the server answered, which it must keep to. @type {Partial<Record<Errand, Payload>>} */
  answers = {};
  /** Refusals on the way: [event, code, message]. @type {[string, string, string][]} */
  refusals = [];
  /** @type {Payload | undefined} */
  exported;
  /** Never to come back. */
  gone = false;
  /** The export is held back until it may go. @type {Promise<void>} */
  mayExport = Promise.resolve();

  /**
   * @param {string} url
   * @param {string} participantId
   * @param {{ onStep?: (step: Step) => void }} [options]
   */
  constructor(url, participantId, { onStep = () => {} } = {}) {
    this.participantId = participantId;
    this.exportId = `${participantId}-export`;
    this.onStep = onStep;
    this.#ready.promise.catch(() => {});
    this.#through.promise.catch(() => {});
    this.#socket = io(url, {
      forceNew: true,
      transports: ['websocket'],
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      // A server that dies between the handshake and its first word is noticed by nothing else.
      timeout: 1000,
      auth: (/** @type {(data: object) => void} */ tell) => tell(this.#token ? { participant_token: this.#token } : {}),
    });
    this.#listen();
  }

  #listen() {
    const socket = this.#socket;
    socket.on('pyodide_player_assigned', (seat) => {
      this.seat = seat;
    });
    socket.on('pyodide_game_ready', () => this.#ready.resolve(undefined));
    socket.on('pyodide_other_player_action', ({ frame_number, action }) => this.heard.push([frame_number, action]));
    socket.on('presence_probe', ({ seq }, ack) =>
      ack({ seq, hidden: false, hidden_ms: 0, frame_number: this.frame, stalled_ms: 0 }),
    );
    this.#onDelivery('partner_excluded', ({ frame_number, message }) => {
      this.#partnerExcluded(frame_number, message);
    });
    this.#onDelivery('trigger_data_export', ({ termination_frame }) => {
      this.#askedToExport = true;
      this.#partnerExcluded(termination_frame, 'asked to export first');
      this.#export();
    });
    this.#onDelivery('p2p_game_ended', ({ reason, disconnected_player_id }) => {
      if (!this.#end(reason, this.frame)) return;
      if (disconnected_player_id !== this.seat?.player_id) this.#tell(reason);
      this.#export();
    });
    this.#onDelivery('participant_excluded', ({ reason, frame_number }) => {
      if (this.#end(reason, frame_number)) this.#export();
    });
  }

  /**
   * Acked each time, handled once.
   *
   * @param {string} event
   * @param {(payload: Payload) => void} handle
   */
  #onDelivery(event, handle) {
    this.#socket.on(event, (payload, ack) => {
      this.deliveries[event] = (this.deliveries[event] ?? 0) + 1;
      const repeated = this.#handled.has(payload.delivery_id);
      this.#handled.add(payload.delivery_id);
      if (!repeated && !this.gone) handle(payload);
      ack({ ok: true });
    });
  }

  /** @param {number} frame @param {string} message */
  #partnerExcluded(frame, message) {
    if (this.#end('partner_exclusion', frame)) this.#tell(message);
    // A request to export may have come before this.
    if (this.#askedToExport) this.#export();
  }

  /** @param {string} what */
  #tell(what) {
    this.told.push(what);
    this.onStep('told');
  }

  /** The first end is the one that counts. @param {string} reason @param {number} frame */
  #end(reason, frame) {
    if (this.ending) return false;
    this.ending = { reason, frame };
    return true;
  }

  get connected() {
    return this.#socket.connected;
  }

  get playing() {
    return this.seat !== undefined && !this.ending && !this.gone;
  }

  /** Whether all that the page has to do is done. */
  get finished() {
    return this.answers.redirect !== undefined;
  }

  /** Resolves when export and redirect are answered. */
  get through() {
    return this.#through.promise;
  }

  /** Takes a seat; resolves when the game may start. */
  async join() {
    const answer = await this.#ask('join_game', () => ({ participant_id: this.participantId }));
    this.#token = answer.participant_token;
    await this.#ready.promise;
  }

  /** One frame of play. */
  act() {
    if (!this.playing || !this.connected) return;
    this.frame += 1;
    this.#socket.emit('pyodide_player_action', {
      ...this.#identity,
      action: this.frame % 7,
      frame_number: this.frame,
      timestamp: Date.now(),
    });
  }

  /** The page's own verdict on its participant. */
  async exclude() {
    const { frame } = this;
    const answer = await this.#errand('exclusion', 'mid_game_exclusion', () => ({
      ...this.#identity,
      reason: 'sustained_ping',
      frame_number: frame,
      timestamp: Date.now(),
    }));
    if (answer?.outcome === 'accepted') {
      if (this.#end('sustained_ping', frame)) this.#export();
    } else if (answer?.termination_reason === 'partner_exclusion') {
      this.#partnerExcluded(frame, 'another verdict came first');
    }
  }

  /** The game was played to its end. */
  async complete() {
    if (!this.#end('normal', this.frame)) return;
    await this.#errand('completion', 'multiplayer_game_complete', () => this.#identity);
    this.#export();
  }

  /** The line breaks, and stays broken until {@link Client.comeBack}. */
  async goOffline() {
    if (!this.connected) return;
    this.#socket.io.reconnection(false);
    const lost = once(/** @type {any} */ (this.#socket), 'disconnect');
    this.#socket.io.engine.close();
    await lost;
  }

  comeBack() {
    this.#socket.io.reconnection(true);
    this.#socket.connect();
  }

  /** Closed for good: whatever was to be said is never said. */
  leave() {
    this.gone = true;
    this.#socket.disconnect();
  }

  /** Lets go of the socket. */
  close() {
    this.#socket.disconnect();
  }

  /** Until everything that a dead server had sent has arrived, and the end of the line behind it. */
  async lost() {
    await until(`${this.participantId} to notice the lost line`, () => !this.connected, { every: 2 });
  }

  /** What a failure report should show. */
  get state() {
    const { participantId, seat, connected, ending, sent, answers, deliveries, refusals, gone } = this;
    return { participantId, seat, connected, ending, sent: [...sent], answers, deliveries, refusals, gone };
  }

  get #identity() {
    const { game_id, player_id } = this.seat ?? {};
    return { game_id, player_id };
  }

  /** Once: keeps what was built, whatever arrives while it is on its way. */
  async #export() {
    if (this.#exporting || !this.ending) return;
    this.#exporting = true;
    const { reason, frame } = this.ending;
    this.exported = {
      gameId: this.#identity.game_id,
      playerId: this.#identity.player_id,
      sessionStatus: {
        isPartial: reason !== 'normal',
        terminationReason: reason,
        terminatedBy: null,
        terminationFrame: frame,
        terminatedAtTimestamp: Date.now(),
        completedEpisodes: 0,
        disconnectedPlayerId: null,
      },
      game: { heard: [...this.heard] },
    };
    await this.mayExport;
    try {
      await this.#errand('export', 'emit_multiplayer_metrics', () => ({
        scene_id: 'grid',
        metrics: this.exported,
        export_id: this.exportId,
      }));
      await this.#errand('redirect', 'end_game_request_redirect', () => ({ reason }));
      if (!this.gone) this.#through.resolve(undefined);
    } catch (error) {
      this.#through.reject(error);
    }
  }

  /**
   * @param {Errand} errand
   * @param {string} event
   * @param {() => Payload} payload
   */
  async #errand(errand, event, payload) {
    try {
      const answer = await this.#ask(event, payload, () => {
        this.sent.add(errand);
        this.onStep(`${errand} sent`);
      });
      this.answers[errand] = answer;
      this.onStep(`${errand} answered`);
      return answer;
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
    }
  }

  /**
   * Asks until there is an answer that is not "later".
   *
   * @param {string} event
   * @param {() => Payload} payload
   * @param {() => void} [onSent]
   * @returns {Promise<Payload>}
   */
  async #ask(event, payload, onSent = () => {}) {
    for (;;) {
      if (this.gone) throw new Gone();
      if (!this.connected) await once(/** @type {any} */ (this.#socket), 'connect');
      const asked = this.#socket.timeout(ANSWER_MS).emitWithAck(event, payload());
      onSent();
      // No answer, or the line broke: it is asked again.
      const answer = await asked.catch(() => undefined);
      if (this.gone) throw new Gone();
      if (!answer) continue;
      if (answer.ok) return answer;
      const { code, message } = answer.error;
      this.refusals.push([event, code, message]);
      if (!PASSING.has(code)) throw new Error(`${this.participantId}: ${event} was refused: ${code}: ${message}`);
      await pause(AGAIN_MS);
    }
  }
}

/** `Promise.withResolvers`, which Node 20 has not. */
function withResolvers() {
  /** @type {(value: unknown) => void} */
  let resolve = () => {};
  /** @type {(reason: unknown) => void} */
  let reject = () => {};
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
