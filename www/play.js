import { startControls } from './controls.js';
import { startCountdown } from './countdown.js';
import { startLoop } from './loop.js';
import { Match } from './match.js';
import { Meeting } from './meeting.js';
import { recall, remember, rememberPlaying } from './memory.js';
import { element, setBanner, setState, setText, tell } from './page.js';
import { Assembly, toParts } from './parts.js';
import { startStatus } from './status.js';

/** @typedef {import('/stillhere/js/index.js').ParticipantSession} ParticipantSession */
/** @typedef {import('/vendor/socket.io.esm.min.js').Socket} Socket */
/** @typedef {import('./lockstep.js').PlayerId} PlayerId */
/** @typedef {import('./lockstep.js').Move} Move */

/**
 * What is played. A player's action is a number, as in the page's buttons.
 *
 * @template {import('./match.js').State} S
 * @typedef {object} Game
 * @property {number} framesPerSecond
 * @property {import('./match.js').Rules<S>} rules
 * @property {readonly string[]} names what each player sees as theirs, by index
 * @property {(canvas: HTMLCanvasElement, self: number) => { draw: (state: S, left: readonly boolean[]) => void }} startView
 *   `left`: per player, whether the game goes on without them
 */

const WATCH_EVERY_MS = 1000;
/** How often the partners are asked for a game that this page has lost the beginning of. */
const MOST_QUESTIONS = 20;

/**
 * Plays one game from the first frame to the last, or from where it stands when this page was reloaded: the loop, the partners'
 * actions, and what the session is told on the way.
 *
 * @template {import('./match.js').State} S
 * @param {Game<S>} game
 * @param {ParticipantSession} session
 * @param {Socket} socket
 * @param {{ playerId: PlayerId, gameId: string, gameSeed: number }} seat
 * @param {{ players: PlayerId[], sceneMetadata: Record<string, any> }} scene
 * @returns {{ stop: () => void }}
 */
export function startGame(game, session, socket, { playerId, gameId, gameSeed }, { players, sceneMetadata }) {
  const { episodes = 2, episode_seconds = 30, transition_seconds = 3 } = sceneMetadata;
  const framesPerEpisode = Math.round(episode_seconds * game.framesPerSecond);
  const match = new Match({ players, self: playerId, seed: gameSeed, episodes, framesPerEpisode }, game.rules);
  const index = players.indexOf(playerId);
  const view = game.startView(element('board', HTMLCanvasElement), index);
  const controls = startControls(element('pad', HTMLElement));
  const { hasPlayed, remembered } = recall(gameId);
  /** @type {Set<PlayerId>} whoever's connection is lost */
  const away = new Set();
  const assembly = new Assembly();
  const meeting = new Meeting({
    match,
    self: index,
    players: players.length,
    newQuestion: randomInteger,
    restMs: () => countdown?.leftMs() ?? null,
    send: (told) => {
      for (const part of toParts(told, randomInteger())) {
        send(match.frame, part);
      }
    },
    onAgreed,
  });
  /** @type {ReturnType<typeof startCountdown> | undefined} */
  let countdown;
  let isPlaying = false;
  let isOver = false;
  let partnersGone = false;
  let stopLoop = () => {};

  /**
   * @param {number} frame
   * @param {number | import('./parts.js').Part} action
   */
  function send(frame, action) {
    const move = { game_id: gameId, player_id: playerId, action, frame_number: frame, timestamp: Date.now() };
    socket.emit('pyodide_player_action', move);
  }

  /** A lost connection loses actions; the partner takes each of them only once. */
  function sendAgain() {
    if (socket.connected) {
      for (const { frame, action } of match.recent()) {
        send(frame, action);
      }
    }
  }

  function step() {
    if (away.size > 0 || meeting.isOpen || match.phase !== 'playing') {
      return false;
    }
    while (match.owesAction) {
      const { frame, action } = match.act(controls.action());
      send(frame, action);
    }
    try {
      if (!match.step()) {
        return false;
      }
    } catch (error) {
      console.error(error);
      giveUp('Something went wrong in the game, and it cannot go on. It ends here.');
      return false;
    }
    session.frame(match.frame - 1);
    if (match.phase !== 'playing') {
      finishEpisode();
    }
    return true;
  }

  function onAgreed() {
    if (isPlaying || isOver) {
      sendAgain();
      if (match.phase === 'playing' && !isOver) {
        setBanner('');
      }
    } else if (meeting.isForgotten) {
      giveUp('This page was closed during the game, and the game cannot be taken up again. It ends here.');
    } else {
      takeUp();
    }
  }

  /** Plays what was played before this page was loaded at full speed; at the beginning of a game that is nothing. */
  function takeUp() {
    meeting.lost = false;
    if (remembered) {
      // Own actions come last: those that the partners never got may have been chosen anew in another tab.
      match.learn(remembered.history, (player) => player === index);
    }
    isPlaying = true;
    rememberPlaying(gameId);
    stopLoop = startLoop(game.framesPerSecond, step, () => view.draw(match.state, match.left));
    startEpisode();
    match.catchUp(Math.max(meeting.frame, remembered?.frame ?? 0), meeting.episode, () => {
      session.frame(match.frame - 1);
      session.episodeCompleted(match.summary);
      session.episodeStarted();
    });
    if (match.frame > 0) {
      session.frame(match.frame - 1);
      sendAgain();
    }
    if (match.phase !== 'playing') {
      finishEpisode(meeting.restMs);
    }
  }

  function startEpisode() {
    session.episodeStarted();
    setBanner('');
    setState('playing');
  }

  /** @param {number | null} [restMs] of a break that the partners have begun already */
  async function finishEpisode(restMs = null) {
    session.episodeCompleted(match.summary);
    status.write();
    const title = `Round ${match.episode + 1} of ${episodes} is done`;
    const score = `Points together: ${match.state.score}.`;
    if (match.phase === 'over') {
      end('done');
      setBanner(title, score);
      session.complete();
      return;
    }
    setState('transition');
    session.pause();
    const seconds = restMs === null ? transition_seconds : restMs / 1000;
    countdown = startCountdown(seconds, (left) => setBanner(title, `${score} Next round in ${left}…`));
    await countdown.done;
    countdown = undefined;
    match.nextEpisode();
    session.resume();
    startEpisode();
  }

  /** @param {'stopped' | 'done'} state */
  function end(state) {
    isOver = true;
    stopLoop();
    controls.stop();
    countdown?.cancel();
    setBanner('');
    setState(state);
  }

  function stop() {
    if (!isOver) {
      end('stopped');
      clearInterval(watch);
    }
  }

  /** @param {string} sentence */
  function giveUp(sentence) {
    stop();
    tell(sentence);
    socket.emit('leave_game', {});
  }

  socket.on('pyodide_other_player_action', ({ player_id, action, frame_number }) => {
    if (action && typeof action === 'object') {
      const told = assembly.add(player_id, action);
      if (told) {
        meeting.receive(players.indexOf(player_id), told);
      }
      return;
    }
    const move = { frame: frame_number, action };
    if (match.isBeyondReach(move) && !meeting.isOpen && !isOver) {
      meeting.begin();
    }
    match.receive(player_id, move);
  });

  session.on('paused', (pause) => {
    away.add(pause.playerId ?? pause.reason);
  });
  session.on('resumed', () => {
    away.clear();
    sendAgain();
  });
  session.on('partnerLeft', ({ playerId: gone, frame }) => {
    away.delete(gone);
    meeting.leave({ player: players.indexOf(gone), frame, cut: null });
  });
  for (const gone of /** @type {const} */ (['partnerExcluded', 'partnerDisconnected'])) {
    session.on(gone, () => {
      partnersGone = true;
    });
  }
  session.setMetricsSource(() => ({ game: match.metrics() }));
  window.addEventListener('pagehide', () => {
    if (isPlaying && match.phase !== 'over') {
      remember(gameId, { frame: match.frame, history: match.history(), left: meeting.departures });
    }
  });

  let frameSeen = -1;
  let questions = 0;
  const watch = setInterval(() => {
    meeting.ask();
    if (!isPlaying) {
      questions += away.size > 0 ? 0 : 1;
      if (questions > MOST_QUESTIONS) {
        giveUp('Your partner could not be reached, so the game cannot go on here.');
      }
    } else if (isOver) {
      // A partner may still wait for the last actions.
      sendAgain();
    } else if (match.phase === 'playing' && away.size === 0) {
      const stands = match.frame === frameSeen;
      frameSeen = match.frame;
      setBanner(stands ? 'One moment' : '', stands ? 'Waiting for your partner to catch up.' : '');
      if (stands) {
        sendAgain();
      }
    }
  }, WATCH_EVERY_MS);

  setText('you', game.names[index]);
  const status = startStatus(match, game.framesPerSecond, () => {
    const { ping, connected } = session.status();
    const left = match.left.filter(Boolean).length;
    const areAwaited = [...away].some((player) => player !== playerId);
    const partners = { areGone: partnersGone, areAwaited, left, here: players.length - 1 - left };
    return { ping, connected, partners, episodes };
  });
  element('play', HTMLElement).hidden = false;
  if (hasPlayed) {
    setState('joining');
    setBanner('Welcome back', 'The game is being taken up where it stands.');
  }
  if (remembered) {
    match.learn(remembered.history, (player) => player !== index);
    for (const departure of remembered.left) {
      meeting.leave(departure);
    }
  }
  meeting.lost = hasPlayed && !remembered;
  meeting.begin();
  return { stop };
}

function randomInteger() {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
