import { startControls } from './controls.js';
import { startCountdown } from './countdown.js';
import { startLoop } from './loop.js';
import { Match } from './match.js';
import { element, setBanner, setState, setText, tell } from './page.js';
import { FRAMES_PER_SECOND } from './sim.js';
import { startStatus } from './status.js';
import { LOOKS, startView } from './view.js';

/** @typedef {import('/stillhere/js/index.js').ParticipantSession} ParticipantSession */
/** @typedef {import('/vendor/socket.io.esm.min.js').Socket} Socket */
/** @typedef {import('./lockstep.js').PlayerId} PlayerId */
/** @typedef {import('./lockstep.js').Move} Move */

/**
 * Plays one game from the first frame to the last: the loop, the partner's actions, and what the session is told on the way.
 *
 * @param {ParticipantSession} session
 * @param {Socket} socket
 * @param {{ playerId: PlayerId, gameId: string, gameSeed: number }} seat
 * @param {{ players: PlayerId[], sceneMetadata: Record<string, any> }} scene
 * @returns {{ stop: () => void }}
 */
export function startGame(session, socket, { playerId, gameId, gameSeed }, { players, sceneMetadata }) {
  const { episodes = 2, episode_seconds = 30, transition_seconds = 3 } = sceneMetadata;
  const framesPerEpisode = Math.round(episode_seconds * FRAMES_PER_SECOND);
  const match = new Match({ players, self: playerId, seed: gameSeed, episodes, framesPerEpisode });
  const index = players.indexOf(playerId);
  const view = startView(element('board', HTMLCanvasElement), index);
  const controls = startControls(element('pad', HTMLElement));
  /** @type {import('./status.js').PartnerState} */
  let partner = 'here';
  /** @type {ReturnType<typeof startCountdown> | undefined} */
  let countdown;

  /** @param {Move} move */
  function send({ frame, action }) {
    const move = { game_id: gameId, player_id: playerId, action, frame_number: frame, timestamp: Date.now() };
    socket.emit('pyodide_player_action', move);
  }

  /** A lost connection loses actions; the partner takes each of them only once. */
  function sendAgain() {
    if (socket.connected) {
      match.recent().forEach(send);
    }
  }

  function step() {
    if (partner !== 'here' || match.phase !== 'playing') {
      return false;
    }
    if (match.owesAction) {
      send(match.act(controls.action()));
    }
    if (!match.step()) {
      return false;
    }
    session.frame(match.frame - 1);
    if (match.phase !== 'playing') {
      finishEpisode();
    }
    return true;
  }

  function startEpisode() {
    session.episodeStarted();
    setBanner('');
    setState('playing');
  }

  async function finishEpisode() {
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
    countdown = startCountdown(transition_seconds, (left) => setBanner(title, `${score} Next round in ${left}…`));
    await countdown.done;
    match.nextEpisode();
    session.resume();
    startEpisode();
  }

  /** @param {'stopped' | 'done'} state */
  function end(state) {
    stopLoop();
    controls.stop();
    countdown?.cancel();
    clearInterval(watch);
    setBanner('');
    setState(state);
  }

  function stop() {
    if (match.phase !== 'over') {
      end('stopped');
    }
  }

  socket.on('pyodide_other_player_action', ({ player_id, action, frame_number }) => {
    const move = { frame: frame_number, action };
    if (match.isBeyondReach(move)) {
      stop();
      tell('This page was reloaded during the game, so the game cannot go on here.');
      socket.emit('leave_game', {});
      return;
    }
    match.receive(player_id, move);
  });

  session.on('paused', () => {
    partner = 'reconnecting';
  });
  session.on('resumed', () => {
    partner = 'here';
    sendAgain();
  });
  for (const gone of /** @type {const} */ (['partnerExcluded', 'partnerDisconnected'])) {
    session.on(gone, () => {
      partner = 'left';
    });
  }
  session.setMetricsSource(() => ({ game: match.metrics() }));

  let frameSeen = -1;
  const watch = setInterval(() => {
    if (match.phase === 'playing' && partner === 'here') {
      const stands = match.frame === frameSeen;
      frameSeen = match.frame;
      setBanner(stands ? 'One moment' : '', stands ? 'Waiting for your partner to catch up.' : '');
      if (stands) {
        sendAgain();
      }
    }
  }, 1000);

  setText('you', LOOKS[index].name);
  element('play', HTMLElement).hidden = false;
  const status = startStatus(match, () => {
    const { ping, connected } = session.status();
    return { ping, connected, partner, episodes };
  });
  const stopLoop = startLoop(FRAMES_PER_SECOND, step, () => view.draw(match.state));
  startEpisode();
  return { stop };
}
