import { io } from 'socket.io-client';
import init, {
  type ErrorCode,
  type ExclusionReason,
  type init as named,
  type PageEvent,
  ParticipantSession,
  type PlayerId,
  type SessionError,
  type SessionEvents,
  type SessionState,
  sendLeftOvers,
  type TerminationReason,
} from 'stillhere';
import { type Equal, holds } from './equal.js';

// A real Socket.IO client is a socket, and so is whatever emits and listens like one.
const session = ParticipantSession.attach(io());
ParticipantSession.attach({ emit() {}, on() {}, off() {} }, null);
// @ts-expect-error: it cannot listen.
ParticipantSession.attach({ emit() {} });
// @ts-expect-error: sessions are attached, not made.
new ParticipantSession();

// Each event has its own payload.
session.on('excluded', (event) => {
  holds<Equal<typeof event, PageEvent.Excluded>>();
  holds<Equal<typeof event.reason, ExclusionReason>>();
  // @ts-expect-error: nobody is excluded for that.
  if (event.reason === 'tab_hiden') return;
});
session.on('ready', ({ players, sceneMetadata }) => {
  holds<Equal<typeof players, PlayerId[]>>();
  const { grid }: Record<string, unknown> = sceneMetadata;
  return grid;
});
session.on('paused', ({ reason }) => {
  holds<Equal<typeof reason, 'partner' | 'connection'>>();
  // @ts-expect-error: play is not paused for that.
  if (reason === 'network') return;
});
session.on('warning', ({ kind }) => holds<Equal<typeof kind, 'ping' | 'tab' | 'callback'>>());
session.on('error', ({ code }) => holds<Equal<typeof code, ErrorCode>>());
// @ts-expect-error: there is no such event.
session.on('exclude', () => {});
// @ts-expect-error: a payload of another event.
session.on('exported', ({ reason }: PageEvent.Excluded) => reason);
const unsubscribe = session.on('resumed', () => {});
holds<Equal<typeof unsubscribe, () => void>>();
holds<Equal<SessionEvents['joined'], PageEvent.Joined>>();

// Reasons are words that are known.
holds<
  Equal<
    TerminationReason,
    'normal' | ExclusionReason | 'partner_exclusion' | 'partner_disconnected' | 'focus_loss_timeout' | 'server_shutdown'
  >
>();
// @ts-expect-error: no session ends for that.
const wrong: TerminationReason = 'bored';
ParticipantSession.attach(io(), {
  onStop({ reason, terminatedBy }) {
    holds<Equal<typeof reason, TerminationReason | 'taken_over'>>();
    holds<Equal<typeof terminatedBy, 'self' | 'partner' | 'server' | null>>();
    // @ts-expect-error: no session ends for that.
    if (reason === 'timeout') return;
  },
  direction: 'rtl',
  messages: { saved: 'Gespeichert.' },
});
// @ts-expect-error: a text that there is not.
ParticipantSession.attach(io(), { messages: { savd: 'Gespeichert.' } });
// @ts-expect-error: a direction that there is not.
ParticipantSession.attach(io(), { direction: 'up' });

// What is asked and told.
const joined = await session.join({ participantId: 'P1' });
holds<Equal<typeof joined, PageEvent.Joined>>();
holds<Equal<typeof joined.status, 'waiting' | 'playing'>>();
// @ts-expect-error: ids are text.
session.join({ participantId: 1 });
const { state, ping, playerId } = session.status();
holds<Equal<typeof state, SessionState>>();
holds<Equal<typeof ping, number | null>>();
holds<Equal<typeof playerId, PlayerId | null>>();
const metrics = session.exportMetrics();
holds<Equal<typeof metrics.sessionStatus.isPartial, boolean>>();
const evidence = metrics.monitor.exclusion?.evidence;
if (evidence?.rule === 'sustained_ping') evidence.samples[0]?.rttMs;
// @ts-expect-error: that is evidence of another rule.
if (evidence?.rule === 'tab_hidden') evidence.samples;
session.setMetricsSource(() => ({ score: 3 }));
session.setMetricsSource(null);
// @ts-expect-error: it is needed at once.
session.setMetricsSource(async () => ({ score: 3 }));
// @ts-expect-error: frames are counted.
session.frame('1');
// @ts-expect-error: what the memory is given back by is not the page's affair.
session.free;

{
  using shortly = ParticipantSession.attach(io());
  shortly.frame(0);
}

// The package itself.
holds<Equal<typeof init, typeof named>>();
await init();
await init('/assets/stillhere.wasm');
await init(new URL('https://lab.example/stillhere.wasm'));
await init(fetch('/assets/stillhere.wasm'));
const { sent, left } = await sendLeftOvers();
holds<Equal<[typeof sent, typeof left], [number, number]>>();
const failure = new Error() as SessionError;
const code: ErrorCode = failure.code;

export { code, wrong };
