import { io } from 'socket.io-client';
import init, { ParticipantSession, type Stop } from 'stillhere';
import wasm from 'stillhere/stillhere.wasm?url';

const onStop = ({ reason }: Stop) => {
  document.title = reason;
};

async function begin() {
  await init(wasm);
  const session = ParticipantSession.attach(io(), { onStop });
  const participantId = new URLSearchParams(location.search).get('participant') ?? 'P1';
  const { status } = await session.join({ participantId });
  document.title = status;
}

begin().catch((error: unknown) => {
  document.title = String(error);
});
