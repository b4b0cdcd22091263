//! Signs of life: the client's pings, answered at once, and the server's own probes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socketioxide::extract::SocketRef;
use stillhere_core::time::Millis;
use stillhere_core::wire::{ClientEvent, Pong, PresenceProbe, ProbeAnswer, SeqAnswer};
use tokio::time::Instant;

use super::binding::{Binding, ProbeRecord};
use super::incoming::{Incoming, Reply};
use super::inputs::parse;
use super::peer::{Peer, Task};

const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers a ping, whoever sends it, and keeps what it says of a participant's page.
pub(super) fn ping(peer: &Peer, socket: &SocketRef, incoming: &Incoming, reply: Reply) {
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
    if let Some(binding) = peer.binding() {
        if let (Some(seat), Some(frame)) = (binding.seat(), ping.frame_number) {
            seat.reached(frame);
        }
        binding.presence(|log| log.last_ping = Some(ping));
    }
}

/// Asks a player's page for a sign of life, and takes the time.
pub(super) fn probe(task: &Task) {
    let Some(binding) = task
        .peer
        .binding()
        .filter(|binding| binding.seat().is_some())
    else {
        return;
    };
    let seq = binding.next_probe();
    let sent_at = task.state.clock.now();
    let sent = task
        .socket
        .timeout(PROBE_TIMEOUT)
        .emit_with_ack::<_, Value>("presence_probe", &PresenceProbe { seq });
    let Ok(answer) = sent else {
        return;
    };
    tokio::spawn(async move {
        let asked = Instant::now();
        let answer = answer.await.ok();
        let rtt = Millis::new(asked.elapsed().as_secs_f64() * 1000.0);
        note(&binding, seq, sent_at, rtt, answer.as_ref());
    });
}

fn note(binding: &Arc<Binding>, seq: u64, sent_at: Millis, rtt: Millis, answer: Option<&Value>) {
    let parsed = answer
        .and_then(|answer| ProbeAnswer::parse(&answer).ok())
        .filter(|answer| answer.seq == seq);
    if let (Some(seat), Some(answer)) = (binding.seat(), &parsed) {
        seat.reached(answer.frame_number);
    }
    let record = ProbeRecord {
        seq,
        sent_at,
        rtt: answer.is_some().then_some(rtt),
        hidden: parsed.is_some_and(|answer| answer.hidden),
        hidden_for: parsed.map_or(Millis::ZERO, |answer| answer.hidden_ms),
        stalled: parsed.map_or(Millis::ZERO, |answer| answer.stalled_ms),
    };
    tracing::trace!(?record, "presence");
    binding.presence(|log| log.note_probe(record));
}
