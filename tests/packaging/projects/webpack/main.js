import { io } from 'socket.io-client';
import init, { ParticipantSession } from 'stillhere';

/** @param {import('stillhere').Stop} stop */
const onStop = ({ reason }) => {
  document.title = reason;
};

async function begin() {
  await init();
  const session = ParticipantSession.attach(io(), { onStop });
  const participantId = new URLSearchParams(location.search).get('participant') ?? 'P1';
  const { status } = await session.join({ participantId });
  document.title = status;
}

begin().catch((error) => {
  document.title = String(error);
});
