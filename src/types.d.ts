/** Socket.IO's client, or anything that emits and listens like it. */
export interface SocketLike {
  /** A function as the last argument gets the answer. */
  emit(event: string, ...args: any[]): unknown;
  /** Until `off` is called with the same. */
  on(event: string, listener: (...args: any[]) => void): unknown;
  /** Nothing happens for a listener that is not there. */
  off(event: string, listener: (...args: any[]) => void): unknown;
  /** A socket that does not say is taken to be connected. */
  connected?: boolean;
  /** Gets the participant's token, which the next connection shows to the server. */
  auth?: object | ((answer: (auth: object) => void) => void);
}

/** What a page may set when it attaches a session. */
export interface SessionOptions {
  /** Stop your game loop now. Called once. */
  onStop?: (stop: Stop) => void;
  /** Texts of overlays and banner that replace the built-in ones. */
  messages?: Messages;
  /** The direction of these texts, if it is not the page's. */
  direction?: 'ltr' | 'rtl';
  /** Where overlays are put; `document.body` if absent. */
  mount?: Element;
  /** Leaves the page; `location.assign` if absent. */
  navigate?: (url: string) => void;
  /** `false`: no Web Worker; hidden tabs are then judged later. */
  worker?: boolean;
  /** Where the worker's script is, if a bundler has moved it. */
  workerUrl?: string;
}

/** Who wants to play what. */
export interface JoinOptions {
  /** The recruitment platform's name for the participant; the server invents one if absent. */
  participantId?: string;
  /** The server's default scene if absent. */
  sceneId?: string;
  /** MUG's id of the browser session. */
  sessionId?: string;
}

/** The game may begin. */
export interface GameReady {
  /** The game. */
  gameId: GameId;
  /** The players, in the order of their seats. */
  players: PlayerId[];
  /** The participant behind each player. */
  playerSubjects: Record<string, string>;
  /** The scene's settings: the monitor's and the game's own. */
  sceneMetadata: Record<string, any>;
}

/** What a page can listen to, and what it is told. */
export interface SessionEvents {
  joined: PageEvent.Joined;
  assigned: PageEvent.Assigned;
  ready: GameReady;
  warning: PageEvent.Warning;
  excluded: PageEvent.Excluded;
  partnerExcluded: PageEvent.PartnerExcluded;
  partnerDisconnected: PageEvent.PartnerDisconnected;
  partnerLeft: PageEvent.PartnerLeft;
  takenOver: PageEvent.TakenOver;
  paused: PageEvent.Paused;
  resumed: PageEvent.Resumed;
  exported: PageEvent.Exported;
  leftOvers: PageEvent.LeftOvers;
  redirect: PageEvent.Redirect;
  error: PageEvent.Error;
}

/** What went wrong, for code. A server that is newer than the page may know more. */
export type ErrorCode =
  | 'not_initialised'
  | 'not_loaded'
  | 'no_page'
  | 'disposed'
  | 'invalid_argument'
  | 'invalid_options'
  | 'already_joined'
  | 'not_playing'
  | 'invalid_config'
  | 'unknown_settings'
  | 'metrics_source_failed'
  | 'invalid_payload'
  | 'unauthorized'
  | 'unknown_game'
  | 'not_your_seat'
  | 'already_ended'
  | 'too_large'
  | 'rate_limited'
  | 'storage_unavailable'
  | (string & {});

/** What is thrown and what a rejected promise holds. */
export interface SessionError extends Error {
  /** What went wrong, for code. */
  code: ErrorCode;
}

/** The game's own data stands beside ours. */
export type ExportedMetrics = MultiplayerMetrics & Record<string, unknown>;

/** One participant's session on one page. */
export interface ParticipantSession {
  /** Calls the handler whenever the event happens, until the function that is returned is called. */
  on<K extends keyof SessionEvents>(event: K, handler: (payload: SessionEvents[K]) => void): () => void;
}
