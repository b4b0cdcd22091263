//! Signs of life: the client's pings, answered at once, the server's own probes, and what the
//! server concludes from both.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socketioxide::AckError;
use socketioxide::extract::SocketRef;
use stillhere_core::ids::{Frame, GameId, ParticipantId};
use stillhere_core::metrics::TerminationReason;
use stillhere_core::session::{GameInput, GameReply, Verdict};
use stillhere_core::time::Millis;
use stillhere_core::watch::{WatchInput, WatchOutput};
use stillhere_core::wire::{
    ClientEvent, Pong, PresenceProbe, ProbeAnswer, Refusal, SeqAnswer, TerminalStateReason,
};

use super::binding::Binding;
use super::incoming::{Incoming, Reply};
use super::inputs::parse;
use super::leaving;
use super::peer::{Peer, Task};
use crate::state::State;
use crate::store::Committed;

/// An answer that comes later than this says nothing any more.
const PROBE_PATIENCE: Duration = Duration::from_secs(20);
/// How long to leave a failing storage alone.
const PAUSE_AFTER_FAILURE: Millis = Millis::new(1_000.0);

/// Answers a ping, whoever sends it, and keeps what it says of a participant's page.
pub(super) fn ping(
    state: &State,
    peer: &Peer,
    socket: &SocketRef,
    incoming: &Incoming,
    reply: Reply,
) {
    let payload = &incoming.payload;
    let event = incoming
        .check_size("ping")
        .and_then(|()| parse("ping", &payload));
    let ping = match event {
        Ok(ClientEvent::Ping(ping)) => ping,
        Ok(_) => return,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    reply.send(Ok(SeqAnswer { seq: ping.seq }));
    let pong = Pong {
        max_latency: None,
        min_ping_measurements: 0,
        seq: ping.seq,
    };
    let _ = socket.emit("pong", &pong);
    let Some(binding) = peer.binding() else {
        return;
    };
    if let (Some(seat), Some(frame)) = (binding.seat(), ping.frame_number) {
        seat.reached(frame);
    }
    // What the page says of its round trips is its own business: the server measures by itself.
    let report = WatchInput::Reported {
        hidden: ping.hidden_ms,
        paused: ping.paused.unwrap_or(false),
        frame: ping.frame_number,
    };
    binding.watching.reported(state.clock.now(), report);
}

/// Time passed: does what the watch on the participant asks for.
pub(super) fn tick(task: &Task) {
    let Some(binding) = task.peer.binding() else {
        return;
    };
    let now = task.state.clock.now();
    let due = binding
        .watching
        .tick(now, task.peer.heard_at(), &task.state.pulse);
    let Some((game, outputs)) = due else {
        return;
    };
    for output in outputs {
        let conclusion = match output {
            WatchOutput::Probe { seq } => {
                probe(task, &binding, &game, seq);
                continue;
            }
            WatchOutput::Verdict(verdict) => Conclusion::Excluded(verdict),
            WatchOutput::FocusLost { .. } => Conclusion::FocusLost,
        };
        let (task, binding, game) = (task.clone(), Arc::clone(&binding), game.clone());
        tokio::spawn(async move { conclude(&task, &binding, &game, &conclusion).await });
    }
}

/// Asks a player's page for a sign of life.
fn probe(task: &Task, binding: &Arc<Binding>, game: &GameId, seq: u64) {
    let sent = task
        .socket
        .timeout(PROBE_PATIENCE)
        .emit_with_ack::<_, Value>("presence_probe", &PresenceProbe { seq });
    let Ok(answer) = sent else {
        return;
    };
    let (state, peer) = (Arc::clone(&task.state), Arc::clone(&task.peer));
    let (binding, game) = (Arc::clone(binding), game.clone());
    tokio::spawn(async move {
        let answer = match answer.await {
            Ok(answer) => ProbeAnswer::parse(&&answer).ok(),
            Err(AckError::Decode(_)) => None,
            Err(_) => return,
        };
        let now = state.clock.now();
        peer.hear(now);
        if let (Some(seat), Some(answer)) = (binding.seat(), &answer) {
            seat.reached(answer.frame_number);
        }
        let answered = WatchInput::ProbeAnswered { seq, answer };
        binding.watching.answered(now, &game, answered);
    });
}

/// What the watch came to.
enum Conclusion {
    Excluded(Verdict),
    FocusLost,
}

impl Conclusion {
    fn reason(&self) -> &'static str {
        let reason = match self {
            Self::Excluded(verdict) => verdict.reason.into(),
            Self::FocusLost => TerminationReason::FocusLossTimeout,
        };
        reason.as_str()
    }

    /// `seen` is the last frame that the server saw of the participant.
    fn input(&self, participant: &ParticipantId, seen: Frame) -> GameInput {
        let participant = participant.clone();
        match self {
            Self::Excluded(verdict) => GameInput::Verdict {
                participant,
                claimed: None,
                verdict: Verdict {
                    frame: verdict.frame.max(seen),
                    ..verdict.clone()
                },
                seen,
            },
            Self::FocusLost => GameInput::TerminalState {
                participant,
                reason: TerminalStateReason::FocusLossTimeout,
                frame: seen,
            },
        }
    }
}

/// Commits what the watch came to, for as long as the participant plays over this socket: the
/// storage may fail for a while.
async fn conclude(task: &Task, binding: &Arc<Binding>, game: &GameId, conclusion: &Conclusion) {
    let clock = &task.state.clock;
    let reason = conclusion.reason();
    while task.peer.speaks_by(binding) && binding.watching.is_watching(game) {
        let input = |seen| conclusion.input(&binding.participant, seen);
        let reply = |result: Result<&Committed, Refusal>| result.map(|done| done.reply);
        match leaving::commit(&task.state, binding, game, input, reply).await {
            Ok(GameReply::Accepted) => {
                tracing::info!(%game, reason, "the server came to a verdict by itself");
                return;
            }
            Err(refusal) if refusal.code.is_passing() => {}
            _ => return,
        }
        clock.sleep_until(clock.now() + PAUSE_AFTER_FAILURE).await;
    }
}
