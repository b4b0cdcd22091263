import init, { ParticipantSession } from '/stillhere/js/index.js';
import { io } from '/vendor/socket.io.esm.min.js';
import { setState, tell } from './page.js';
import { startGame } from './play.js';
import { showWaitingRoom } from './waiting.js';

/**
 * From the participant's id to the game: the connection, the session, the waiting room.
 *
 * @template {import('./match.js').State} S
 * @param {import('./play.js').Game<S>} game ready to be played: what loads or computes for long does so before anybody joins
 * @param {string} participantId
 * @param {string} [sceneId] the server's default scene without it
 */
export async function takePart(game, participantId, sceneId) {
  await init();
  // The library waits 20 s for a server that died in the middle of a handshake: longer than the game waits for this player.
  const socket = io({ timeout: 5000 });
  /** @type {ReturnType<typeof startGame> | undefined} */
  let running;
  const session = ParticipantSession.attach(socket, { onStop: () => running?.stop() });

  const waitingRoom = showWaitingRoom(socket);
  /** @type {Parameters<typeof startGame>[3]} */
  let seat;
  session.on('assigned', (assigned) => {
    seat = assigned;
  });
  session.on('ready', (scene) => {
    waitingRoom.close();
    // Told again after a reconnect: the game is already running then.
    running ??= startGame(game, session, socket, seat, scene);
  });

  socket.on('end_game', ({ message, reason }) => {
    waitingRoom.close();
    if (reason === 'taken_over') {
      // The session's overlay says what has happened.
      return;
    }
    running?.stop();
    setState('stopped');
    tell(message ?? 'The game has ended. You may close this page.');
  });
  socket.on('connect_error', () => {
    if (!running) {
      tell('The server cannot be reached. Trying again…');
    }
  });
  socket.on('connect', () => {
    if (!running) {
      tell('');
    }
  });

  await session.join({ participantId, sceneId });
  if (!running) {
    setState('waiting');
  }
}
