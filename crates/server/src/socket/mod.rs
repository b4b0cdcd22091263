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
mod listener;
mod peer;
mod presence;
mod pulse;
mod registry;
mod sketch;
mod watching;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socketioxide::extract::{SocketRef, TryData};
use socketioxide::{SocketIo, SocketIoBuilder};
use stillhere_core::ids::{GameId, ParticipantId};

use crate::settings::MAX_EXPORT_BYTES;
use crate::state::State;

pub(crate) use elsewhere::{reclaim_seats, replaced_elsewhere};
pub(crate) use pulse::Pulse;
pub(crate) use registry::Registry;

/// Above the largest payload that is accepted, so that one that is too large is refused by name
/// instead of by closing the socket.
const MAX_FRAME_BYTES: usize = 2 * MAX_EXPORT_BYTES;

/// A partner's actions wait here while a line stalls: minutes of play at 30 frames per second.
const SEND_BUFFER: usize = 8_192;

/// Held by each socket for as long as it lives. Larger messages are read in so many steps more.
const READ_BUFFER: usize = 1_024;

/// A lost connection shows within the sum of the two.
const HEARTBEAT: Duration = Duration::from_secs(10);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// How sockets are served.
pub(crate) fn builder() -> SocketIoBuilder {
    SocketIo::builder()
        .ping_interval(HEARTBEAT)
        .ping_timeout(HEARTBEAT_TIMEOUT)
        .max_buffer_size(SEND_BUFFER)
        .ws_read_buffer_size(READ_BUFFER)
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
    listener::listen(state, &peer, socket);
    let leaving = Arc::clone(&peer);
    socket.on_disconnect(move || async move { leaving.gone().await });
    // A socket that was lost before this line will never call the handler above.
    if !socket.connected() {
        tokio::spawn(async move { peer.gone().await });
    }
}
