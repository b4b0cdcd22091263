//! The sockets: who is bound to which, and what each event of a client does.
//!
//! Pings and actions are answered at once, from memory. Everything else queues for its socket's own
//! task, so that one client's events are handled in the order in which they came, and its disconnect
//! last.

mod actions;
mod binding;
mod callback;
mod elsewhere;
mod export;
mod incoming;
mod inputs;
mod join;
mod leaving;
mod peer;
mod presence;
mod pulse;
mod registry;
mod watching;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socketioxide::extract::{AckSender, SocketRef, TryData};
use socketioxide::{SocketIo, SocketIoBuilder};
use stillhere_core::ids::{GameId, ParticipantId};
use stillhere_core::wire::ClientEvent;

use crate::settings::MAX_EXPORT_BYTES;
use crate::state::State;
use incoming::{Incoming, Reply};
use peer::Peer;

pub(crate) use elsewhere::{reclaim_seats, replaced_elsewhere};
pub(crate) use pulse::Pulse;
pub(crate) use registry::Registry;

/// Above the largest payload that is accepted, so that one that is too large is refused by name
/// instead of by closing the socket.
const MAX_FRAME_BYTES: usize = 2 * MAX_EXPORT_BYTES;

/// A partner's actions wait here while a line stalls: minutes of play at 30 frames per second.
const SEND_BUFFER: usize = 8_192;

/// A lost connection shows within the sum of the two.
const HEARTBEAT: Duration = Duration::from_secs(10);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// How sockets are served.
pub(crate) fn builder() -> SocketIoBuilder {
    SocketIo::builder()
        .ping_interval(HEARTBEAT)
        .ping_timeout(HEARTBEAT_TIMEOUT)
        .max_buffer_size(SEND_BUFFER)
        // Each limits another transport.
        .max_payload(MAX_FRAME_BYTES as u64)
        .ws_max_message_size(MAX_FRAME_BYTES)
        .ws_max_frame_size(MAX_FRAME_BYTES)
}

/// The room of the sockets that speak for a participant.
pub(crate) fn participant_room(participant: &ParticipantId) -> String {
    format!("participant:{participant}")
}

/// The room of the sockets that play a game.
pub(crate) fn game_room(game: &GameId) -> String {
    format!("game:{game}")
}

/// Takes sockets in from now on.
pub(crate) fn register(state: &Arc<State>) {
    pulse::start(state);
    let state = Arc::clone(state);
    state
        .io
        .clone()
        .ns("/", move |socket: SocketRef, auth: TryData<Value>| {
            connected(&state, &socket, auth.0.ok().as_ref());
            ready(())
        });
}

fn connected(state: &Arc<State>, socket: &SocketRef, auth: Option<&Value>) {
    let peer = peer::start(Arc::clone(state), socket.clone());
    if let Some(token) = auth.and_then(|auth| auth["participant_token"].as_str())
        && let Some(participant) = state.tokens.holder(token, state.clock.now())
    {
        peer.resume(participant);
    }
    for name in ClientEvent::<&Value>::NAMES.iter().copied() {
        listen(state, &peer, socket, name);
    }
    let leaving = Arc::clone(&peer);
    socket.on_disconnect(move || async move { leaving.gone().await });
    // A socket that was lost before this line will never call the handler above.
    if !socket.connected() {
        tokio::spawn(async move { peer.gone().await });
    }
}

fn listen(state: &Arc<State>, peer: &Arc<Peer>, socket: &SocketRef, name: &'static str) {
    let state = Arc::clone(state);
    let peer = Arc::clone(peer);
    // What stands before `ready` runs in the order of arrival; an async block would not.
    match name {
        "ping" => socket.on(
            name,
            move |socket: SocketRef, incoming: Incoming, ack: AckSender| {
                peer.hear(state.clock.now());
                let reply = Reply::new(ack, &incoming, &state.counters);
                presence::ping(&state, &peer, &socket, &incoming, reply);
                ready(())
            },
        ),
        "pyodide_player_action" => socket.on(
            name,
            move |socket: SocketRef, incoming: Incoming, ack: AckSender| {
                peer.hear(state.clock.now());
                let reply = Reply::new(ack, &incoming, &state.counters);
                actions::relay(&state, &peer, &socket, &incoming, reply);
                ready(())
            },
        ),
        "execute_continuous_callback" => socket.on(
            name,
            move |socket: SocketRef, incoming: Incoming, ack: AckSender| {
                peer.hear(state.clock.now());
                let reply = Reply::new(ack, &incoming, &state.counters);
                callback::ask(&state, &peer, socket, &incoming, reply);
                ready(())
            },
        ),
        _ => socket.on(name, move |incoming: Incoming, ack: AckSender| {
            peer.hear(state.clock.now());
            let reply = Reply::new(ack, &incoming, &state.counters);
            peer.queue(name, incoming, reply);
            ready(())
        }),
    }
}
