/// <reference path="./node_modules/stillhere/dist/stillhere.global.d.ts" />

async function begin() {
  await stillhere.init();
  // @ts-expect-error: Socket.IO's own script declares no global.
  const session = stillhere.ParticipantSession.attach(io());
  const participantId = new URLSearchParams(location.search).get('participant') ?? 'P1';
  const { status } = await session.join({ participantId });
  document.title = status;
}

begin().catch((error) => {
  document.title = String(error);
});
