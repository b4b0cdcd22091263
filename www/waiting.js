import { startCountdown } from './countdown.js';
import { setText } from './page.js';

/**
 * The waiting room's text, with the time that is left in it.
 *
 * @param {import('/vendor/socket.io.esm.min.js').Socket} socket
 */
export function showWaitingRoom(socket) {
  /** @type {ReturnType<typeof startCountdown> | undefined} */
  let countdown;

  socket.on('waiting_room', ({ cur_num_players, players_needed, ms_remaining }) => {
    setText('waiting-players', `${cur_num_players} of ${cur_num_players + players_needed} players are here.`);
    countdown?.cancel();
    countdown = startCountdown(ms_remaining / 1000, (left) => setText('waiting-time', minutes(left)));
  });

  return {
    close() {
      countdown?.cancel();
      socket.off('waiting_room');
    },
  };
}

/**
 * @param {number} seconds
 * @returns {string} as 4:05
 */
function minutes(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
