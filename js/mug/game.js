/**
 * MUG's running game, with our hooks where its own monitoring and its endings were.
 *
 * @module stillhere/mug/game
 */

/**
 * @typedef {object} Hooks
 * @property {(frame: number) => void} frame the game has reached a frame
 * @property {() => void} pause between two episodes, and while the players' connection is restored
 * @property {() => void} resume
 * @property {(isLast: boolean) => void} episodeCompleted
 * @property {() => void} focusLost MUG's own patience with a hidden tab is over
 * @property {() => void} sceneLeft MUG collects the scene's data
 */

/** To MUG its monitor, which never finds anything. */
class StandIn {
  enabled = true;
  tabHiddenAt = null;
  #hooks;
  #game;

  /** @param {Hooks} hooks @param {any} game */
  constructor(hooks, game) {
    this.#hooks = hooks;
    this.#game = game;
    this.pause = hooks.pause;
    this.resume = hooks.resume;
  }

  check() {
    return { exclude: false, warn: false, reason: null, message: null };
  }

  /** What MUG asks once in every frame. A frame may still be under way when its episode has ended by the partner's word. */
  shouldExecuteCallback() {
    if (!this.#game.episodeComplete) this.#hooks.frame(this.#game.frameNumber);
    return false;
  }

  recordPing() {}
  reset() {}
  setCallbackPending() {}
  setCallbackResult() {}
}

export class Game {
  #game;
  #stopped = false;
  /** MUG's own, silenced. @type {any} */
  #monitor;

  /** @param {any} game @param {Hooks} hooks */
  constructor(game, hooks) {
    this.#game = game;
    const monitor = new StandIn(hooks, game);
    this.#silence(game.continuousMonitor);
    Object.defineProperty(game, 'continuousMonitor', {
      configurable: true,
      get: () => monitor,
      set: (mugs) => this.#silence(mugs),
    });
    const mug = Object.getPrototypeOf(game);
    // Own properties of the one object: they hide MUG's methods, and MUG's stay as they are.
    Object.assign(game, {
      signalEpisodeComplete: () => {
        // Its timers may fire after the end: the next scene is not to begin then.
        if (this.#stopped) return;
        mug.signalEpisodeComplete.call(game);
        hooks.episodeCompleted(game.state === 'done');
      },
      isDone: () => !this.#stopped && mug.isDone.call(game),
      // On exclusion too, where the session does it.
      emitMultiplayerMetrics: () => game.sceneExited && hooks.sceneLeft(),
      _showPartnerExcludedUI() {},
      _handleFocusLossTimeout: () => hooks.focusLost(),
      _handleReconnectionGameEnd(/** @type {any} */ ended) {
        if (ended.reason === 'scene_completed') mug._handleReconnectionGameEnd.call(game, ended);
      },
      _pauseForReconnection: (/** @type {number} */ frame) => {
        if (!this.#stopped) mug._pauseForReconnection.call(game, frame);
      },
      _handleServerPause: (/** @type {any} */ pause) => {
        if (!this.#stopped) mug._handleServerPause.call(game, pause);
      },
    });
  }

  get scene() {
    return this.#game.sceneId;
  }

  get episode() {
    return this.#game.num_episodes;
  }

  get frame() {
    return this.#game.frameNumber;
  }

  /** MUG's metrics. What stillhere has its own of is kept under `mug`. */
  metrics() {
    const game = this.#game;
    // MUG's export writes the running episode down as finished, each time that it is asked.
    const validation = game.cumulativeValidation;
    game.cumulativeValidation = Object.fromEntries(
      Object.entries(validation).map(([key, value]) => [key, Array.isArray(value) ? [...value] : value]),
    );
    try {
      const { sessionStatus, latency, focusLoss, ...metrics } = game.exportMultiplayerMetrics();
      return { ...metrics, mug: { sessionStatus, latency, focusLoss } };
    } finally {
      game.cumulativeValidation = validation;
    }
  }

  /** The game stands still, for good, and MUG does not go on to the next scene. */
  stop() {
    const game = this.#game;
    if (this.#stopped) return;
    this.#stopped = true;
    game.state = 'done';
    game.episodeComplete = true;
    game.onGameDone = null;
    clearTimeout(game.p2pReadyGate?.timeoutId);
    clearTimeout(game.p2pValidation?.timeoutId);
    game._clearReconnectionTimeout();
    game._hideReconnectingOverlay();
    game._destroyTimerWorker();
    game.latencyTelemetry?.stop();
    // MUG sends an episode once it is over; this one is.
    game._promoteRemainingAtBoundary();
    if (game.sceneId) game._emitEpisodeDataFromBuffer();
  }

  /** Not before the server knows why: to the partner's page it is a connection that was lost. */
  disconnect() {
    this.#game.webrtcManager?.close();
  }

  /** MUG has its game back, unless it has ended. */
  release() {
    if (this.#stopped) return;
    const game = this.#game;
    for (const name of ['signalEpisodeComplete', 'isDone', 'emitMultiplayerMetrics', ...PRIVATE]) delete game[name];
    delete game.continuousMonitor;
    game.continuousMonitor = this.#monitor;
    if (this.#monitor) this.#monitor.enabled = true;
  }

  /** It cannot be taken off the document, but can do nothing there. @param {any} monitor */
  #silence(monitor) {
    this.#monitor = monitor;
    if (monitor) monitor.enabled = false;
  }
}

const PRIVATE = [
  '_showPartnerExcludedUI',
  '_handleFocusLossTimeout',
  '_handleReconnectionGameEnd',
  '_pauseForReconnection',
  '_handleServerPause',
];
