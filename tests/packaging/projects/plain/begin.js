// @ts-expect-error: Socket.IO has no declarations beside this script.
import { io } from './node_modules/socket.io-client/dist/socket.io.esm.min.js';

/**
 * @param {() => Promise<void>} init
 * @param {typeof import('./node_modules/stillhere/dist/stillhere.js').ParticipantSession} ParticipantSession
 */
export async function begin(init, ParticipantSession) {
  try {
    await init();
    const session = ParticipantSession.attach(io());
    const participantId = new URLSearchParams(location.search).get('participant') ?? 'P1';
    const { status } = await session.join({ participantId });
    document.title = status;
  } catch (error) {
    document.title = String(error);
  }
}
