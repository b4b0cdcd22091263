//! Hears all events of a socket.

use std::sync::Arc;

use serde_json::Value;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::{AckSender, SocketRef};
use socketioxide::handler::{FromMessageParts, MessageHandler, Value as Packet};
use socketioxide::socket::Socket;
use stillhere_core::wire::ClientEvent;

use super::incoming::{Incoming, Reply};
use super::peer::Peer;
use super::{actions, callback, presence};
use crate::state::State;

/// One for all events: a closure for each, in a map for each socket, takes more memory than the rest of what
/// the server knows of a socket. It is called in the order in which the events arrive, and at once; a closure
/// would bring a task for each event.
struct Listener {
    state: Arc<State>,
    peer: Arc<Peer>,
}

pub(super) fn listen(state: &Arc<State>, peer: &Arc<Peer>, socket: &SocketRef) {
    let listener = Listener {
        state: Arc::clone(state),
        peer: Arc::clone(peer),
    };
    socket.on_fallback::<Listener, Listener>(listener);
}

impl MessageHandler<LocalAdapter, Self> for Listener {
    fn call(&self, socket: Arc<Socket>, mut packet: Packet, ack: Option<i64>) {
        let Some(name) = name_of(&packet) else {
            return;
        };
        let Ok(reply) = AckSender::from_message_parts(&socket, &mut packet, &ack);
        let Ok(socket) = SocketRef::from_message_parts(&socket, &mut packet, &ack);
        let incoming = Incoming::read(name, &packet, ack.is_some());
        let (state, peer) = (&self.state, &self.peer);
        let reply = Reply::new(reply, &incoming, &state.counters);
        peer.hear(state.clock.now());
        match name {
            "ping" => presence::ping(state, peer, &socket, &incoming, reply),
            "pyodide_player_action" => actions::relay(state, peer, &socket, &incoming, reply),
            "execute_continuous_callback" => callback::ask(state, peer, socket, &incoming, reply),
            _ => peer.queue(name, incoming, reply),
        }
    }
}

/// The event's name, if it is one of ours.
fn name_of(packet: &Packet) -> Option<&'static str> {
    let text = packet.as_str()?.as_str();
    let (name, _) = text
        .trim_start()
        .strip_prefix('[')?
        .trim_start()
        .strip_prefix('"')?
        .split_once('"')?;
    let mut names = ClientEvent::<&Value>::NAMES.iter().copied();
    names.find(|known| *known == name)
}
