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
  const socket = io();
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

  socket.on('end_game', ({ message }) => {
    waitingRoom.close();
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
