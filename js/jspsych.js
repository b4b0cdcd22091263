/**
 * The jsPsych extension: `initJsPsych({ extensions: [{ type: StillhereExtension, params }] })`.
 *
 * @module stillhere/jspsych
 */
import { init, ParticipantSession } from './index.js';
import { INFO } from './jspsych/info.js';
import { columns, mark, markAnew, noColumns } from './jspsych/trial.js';
import { WaitingRoom } from './jspsych/waiting-room.js';

/**
 * @typedef {import('jspsych').JsPsych} JsPsych
 * @typedef {import('../pkg/stillhere.js').SocketLike} SocketLike
 * @typedef {import('../pkg/stillhere.js').SessionOptions} SessionOptions
 * @typedef {import('../pkg/stillhere.js').JoinOptions} JoinOptions
 * @typedef {import('../pkg/stillhere.js').GameReady} GameReady
 * @typedef {import('../pkg/stillhere.js').Stop} Stop
 */

/**
 * @typedef {object} InitializeParameters
 * @property {SocketLike} [socket] of the study's server; without it the page is watched, but nobody judges it
 * @property {JoinOptions | true} [join] joins at once; a later `join()` or a waiting room does it too
 * @property {SessionOptions} [session_options] for `ParticipantSession.attach`
 * @property {import('./index.js').InitInput} [wasm] where the WebAssembly module is, if not beside the script
 * @property {boolean} [trials_as_episodes] whether each trial with this extension is an episode of the session
 * @property {string} [end_message] what jsPsych puts into the page when the session has ended the experiment
 */

/** A page alone with itself. */
const NOBODY = { connected: false, emit() {}, on() {}, off() {} };

/**
 * Whose session listens to a socket: the next experiment in the page takes its place.
 *
 * @type {WeakMap<object, StillhereExtension>}
 */
const listening = new WeakMap();

/** Watches the participant from trial to trial, and ends the experiment when the session ends. */
export class StillhereExtension {
  static info = INFO;
  static WaitingRoom = WaitingRoom;

  /** @type {JsPsych} */
  #jsPsych;
  /** @type {InitializeParameters} */
  #params = {};
  /** @type {ParticipantSession | undefined} */
  #session;
  /** @type {Promise<ParticipantSession>} */
  #attached;
  /** @type {(session: ParticipantSession | Promise<never>) => void} */
  #settle = () => {};
  /** @type {Promise<unknown> | undefined} */
  #joined;
  /** @type {(game: GameReady) => void} */
  #begin = () => {};
  /** @type {(value?: undefined) => void} */
  #over = () => {};
  /** @type {Stop | undefined} */
  #stop;
  #isStopped = false;
  /** @type {{ index: number, began: import('./jspsych/trial.js').Mark | undefined, pausedMs: number } | undefined} */
  #trial;
  /** @type {number | undefined} */
  #pausedAt;
  #isReading = false;

  /** @param {JsPsych} jsPsych */
  constructor(jsPsych) {
    this.#jsPsych = jsPsych;
    this.#attached = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#attached.catch(() => {});
    /**
     * The game, once it may begin.
     *
     * @type {Promise<GameReady>}
     */
    this.game = new Promise((resolve) => {
      this.#begin = resolve;
    });
    /**
     * Once the session has ended and its data is where it can be: only then the server says where to go.
     *
     * @type {Promise<void>}
     */
    this.finished = new Promise((resolve) => {
      this.#over = resolve;
    });
  }

  /** The session itself, once the module is loaded. */
  get session() {
    return this.#session;
  }

  /** How the session ended; undefined while it goes on. */
  get stop() {
    return this.#stop;
  }

  /** Whether the session has ended the experiment before its end. */
  get hasEnded() {
    return this.#isStopped;
  }

  /**
   * jsPsych 8 does not wait for this: what happens before it is done is not recorded.
   *
   * @param {InitializeParameters} [params]
   */
  async initialize(params = {}) {
    this.#params = params;
    try {
      await init(params.wasm);
      this.#settle(this.#attach());
    } catch (error) {
      this.#settle(Promise.reject(error));
      throw error;
    }
    if (params.join) await this.join(params.join === true ? {} : params.join);
  }

  #attach() {
    const { socket = NOBODY, session_options } = this.#params;
    const earlier = listening.get(socket);
    if (earlier?.hasEnded) {
      // Nobody drifts from an experiment that had to end into the next one: its overlay stays.
      this.#isStopped = true;
      const message = 'the session on this socket has ended the experiment before: dispose() of it to begin another';
      throw Object.assign(new Error(message), { code: 'session_ended' });
    }
    earlier?.dispose();
    const session = ParticipantSession.attach(socket, {
      ...session_options,
      onStop: (stop) => {
        this.#end(stop);
        session_options?.onStop?.(stop);
      },
    });
    listening.set(socket, this);
    this.#session = session;
    session.setMetricsSource(() => (this.#isReading ? {} : { jspsych: this.#data(session) }));
    session.on('assigned', () => {
      if (this.#trial?.began) this.#trial.began = markAnew(this.#trial.began);
    });
    session.on('ready', (game) => this.#begin(game));
    session.on('paused', () => this.#hold());
    session.on('resumed', () => this.#goOn());
    session.on('takenOver', () => this.#over());
    session.on('redirect', () => {
      // Waiting can end without a game that would have to be stopped.
      this.#end();
      this.#over();
    });
    session.on('error', ({ code, message }) => console.warn(`stillhere: ${code}: ${message}`));
    if (this.#trial) this.#trial.began = mark(this.#read(session));
    return session;
  }

  /**
   * Asks the server for a place in a game. Only the first call does.
   *
   * @param {JoinOptions} [options]
   */
  async join(options = {}) {
    const session = await this.#attached;
    this.#joined ??= session.join(options);
    try {
      await this.#joined;
    } catch (error) {
      this.#joined = undefined;
      // Who is back after the end is told where to go, and that ends the experiment.
      if (session.status().state !== 'ended') throw error;
    }
  }

  /**
   * The experiment was played to its end: call it in jsPsych's `on_finish`. Does nothing where no game is being played, or
   * after its end.
   *
   * @returns {Promise<void>} once the data is stored
   */
  async complete() {
    const state = this.#session?.status().state;
    if (state === 'playing' || state === 'paused') this.#session?.complete();
    else if (state !== 'reporting' && state !== 'ended') return;
    await this.finished;
  }

  /** Ends the session in this page; nothing of it is left, overlays included. */
  dispose() {
    this.#session?.dispose();
    this.#session = undefined;
    const { socket = NOBODY } = this.#params;
    if (listening.get(socket) === this) listening.delete(socket);
    this.#over();
  }

  on_start() {
    const session = this.#session;
    const index = this.#jsPsych.getProgress().current_trial_global;
    this.#trial = { index, began: session && mark(this.#read(session)), pausedMs: 0 };
    if (this.#pausedAt !== undefined) this.#pausedAt = performance.now();
    if (!session) return;
    session.frame(index);
    if (this.#params.trials_as_episodes) session.episodeStarted();
  }

  on_load() {
    // Too early before: jsPsych ends a trial only once it runs.
    if (this.#isStopped) this.#abort();
  }

  on_finish() {
    if (this.#params.trials_as_episodes && !this.#isStopped) this.#session?.episodeCompleted(this.#summary());
    const row = this.#columns();
    this.#trial = undefined;
    return row;
  }

  /** @param {Stop} [stop] */
  #end(stop) {
    if (stop) this.#tell(stop);
    if (this.#isStopped || this.#stop?.reason === 'normal') return;
    this.#isStopped = true;
    this.#abort();
  }

  /** Says in every row, also of the trials to come, how the session ended. @param {Stop} stop @param {object} [more] */
  #tell(stop, more) {
    this.#stop = stop;
    const { reason, terminatedBy } = stop;
    this.#jsPsych.data.addProperties({
      stillhere_termination_reason: reason,
      stillhere_terminated_by: terminatedBy,
      ...more,
    });
  }

  #abort() {
    this.#jsPsych.abortExperiment(this.#params.end_message);
  }

  #hold() {
    this.#pausedAt ??= performance.now();
    this.#jsPsych.pauseExperiment();
  }

  #goOn() {
    if (this.#trial) this.#trial.pausedMs += this.#pausedFor();
    this.#pausedAt = undefined;
    this.#jsPsych.resumeExperiment();
  }

  #pausedFor() {
    return this.#pausedAt === undefined ? 0 : performance.now() - this.#pausedAt;
  }

  /** The session's record without jsPsych's data. @param {ParticipantSession} session */
  #read(session) {
    this.#isReading = true;
    try {
      return session.exportMetrics();
    } finally {
      this.#isReading = false;
    }
  }

  #columns() {
    const session = this.#session;
    const trial = this.#trial;
    if (!session || !trial?.began) return noColumns();
    return columns(trial.began, this.#read(session), session.status(), {
      pausedMs: trial.pausedMs + this.#pausedFor(),
      interrupted: this.#isStopped,
    });
  }

  /** What jsPsych has recorded. @param {ParticipantSession} session */
  #data(session) {
    const { data } = this.#jsPsych;
    const { sessionStatus } = this.#read(session);
    if (sessionStatus.terminatedAtTimestamp !== null) {
      // Whose verdict counts is known only now: two may have come at once.
      const { terminationReason: reason, terminatedBy } = sessionStatus;
      this.#tell({ reason, terminatedBy }, { stillhere_session_status: sessionStatus });
    }
    const trials = data.get().values();
    const interrupted = this.#interrupted();
    return {
      version: this.#jsPsych.version(),
      data: interrupted ? [...trials, interrupted] : trials,
      interactions: data.getInteractionData().values(),
    };
  }

  /** Which trial runs, in jsPsych's terms. */
  #name() {
    const type = Object(this.#jsPsych.getCurrentTrial()?.type);
    return { trial_type: type.info?.name ?? null, trial_index: this.#trial?.index ?? null };
  }

  /** The same of the trial that has just ended: its row knows what it inherited. */
  #summary() {
    const [row] = this.#jsPsych.data.getLastTrialData().values();
    const name = this.#name();
    return row?.trial_index === name.trial_index ? { ...name, trial_type: row.trial_type } : name;
  }

  /** The row of a trial that runs while metrics are built: jsPsych writes it too late. */
  #interrupted() {
    if (!this.#trial) return undefined;
    const data = Object(this.#jsPsych.getCurrentTrial()?.data);
    const evaluated = Object.entries(data).map(([key, value]) => [key, this.#evaluate(value)]);
    return {
      ...Object.fromEntries(evaluated),
      ...this.#name(),
      time_elapsed: this.#jsPsych.getTotalTime(),
      ...this.#columns(),
      ...(this.#stop && {
        stillhere_termination_reason: this.#stop.reason,
        stillhere_terminated_by: this.#stop.terminatedBy,
      }),
    };
  }

  /** A parameter's value; what a function would compute is left to jsPsych. @param {unknown} value */
  #evaluate(value) {
    const object = Object(value);
    if (object !== value) return value;
    const isVariable = object.constructor === this.#jsPsych.timelineVariable('').constructor;
    if (!isVariable) return typeof value === 'function' ? undefined : value;
    try {
      return this.#jsPsych.evaluateTimelineVariable(object.name);
    } catch {
      return undefined;
    }
  }
}

export { WaitingRoom };
export default StillhereExtension;
