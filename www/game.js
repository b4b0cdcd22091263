import init, { ParticipantSession } from '/stillhere/js/index.js';
import { io } from '/vendor/socket.io.esm.min.js';
import { setState, tell } from './page.js';
import { startGame } from './play.js';
import { showWaitingRoom } from './waiting.js';

/**
 * From the participant's id to the game: the connection, the session, the waiting room.
 *
 * @param {string} participantId
 * @param {string} [sceneId] the server's default scene without it
 */
export async function takePart(participantId, sceneId) {
  await init();
  // The library waits 20 s for a server that died in the middle of a handshake: longer than the game waits for this player.
  const socket = io({ timeout: 5000 });
  /** @type {ReturnType<typeof startGame> | undefined} */
  let game;
  const session = ParticipantSession.attach(socket, { onStop: () => game?.stop() });

  const waitingRoom = showWaitingRoom(socket);
  /** @type {Parameters<typeof startGame>[2]} */
  let seat;
  session.on('assigned', (assigned) => {
    seat = assigned;
  });
  session.on('ready', (scene) => {
    waitingRoom.close();
    // Told again after a reconnect: the game is already running then.
    game ??= startGame(session, socket, seat, scene);
  });

  socket.on('end_game', ({ message, reason }) => {
    waitingRoom.close();
    if (reason === 'taken_over') {
      // The session's overlay says what has happened.
      return;
    }
    game?.stop();
    setState('stopped');
    tell(message ?? 'The game has ended. You may close this page.');
  });
  socket.on('connect_error', () => {
    if (!game) {
      tell('The server cannot be reached. Trying again…');
    }
  });
  socket.on('connect', () => {
    if (!game) {
      tell('');
    }
  });

  await session.join({ participantId, sceneId });
  if (!game) {
    setState('waiting');
  }
}
