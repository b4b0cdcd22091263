//! The relay of actions between partners: from memory, at once, in order.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use socketioxide::extract::SocketRef;
use stillhere_core::wire::{
    Accepted, ClientEvent, ErrorCode, PlayerAction, PlayersAction, Refusal,
};

use super::game_room;
use super::incoming::{Incoming, Reply};
use super::inputs::parse;
use super::peer::Peer;
use crate::state::State;

const NAME: &str = "pyodide_player_action";

/// Passes an action on to the partners. Clients wait for no answer; one that does gets it.
pub(super) fn relay(
    state: &State,
    peer: &Peer,
    socket: &SocketRef,
    incoming: &Incoming,
    reply: Reply,
) {
    let relayed = try_relay(state, peer, socket, incoming);
    if relayed.is_ok() {
        state.counters.action_relayed();
    }
    reply.send(relayed);
}

fn try_relay(
    state: &State,
    peer: &Peer,
    socket: &SocketRef,
    incoming: &Incoming,
) -> Result<Accepted, Refusal> {
    incoming.check_size(NAME)?;
    let payload = &incoming.payload;
    let ClientEvent::PlayerAction(action) = parse(NAME, &payload)? else {
        return Err(Refusal::new(ErrorCode::InvalidPayload, "this is no action"));
    };
    let binding = peer.bound()?;
    let seat = binding
        .seat()
        .ok_or_else(|| Refusal::new(ErrorCode::UnknownGame, "this participant is in no game"))?;
    if action.game_id != seat.game {
        return Err(Refusal::new(
            ErrorCode::UnknownGame,
            "game_id is not the game of this socket",
        ));
    }
    if action.player_id != seat.player {
        return Err(Refusal::new(
            ErrorCode::NotYourSeat,
            "player_id is not the seat of this socket",
        ));
    }
    let PlayerAction {
        player_id,
        action,
        frame_number,
        timestamp,
        ..
    } = action;
    let event: PlayersAction<&Value> = PlayersAction {
        player_id,
        action,
        frame_number,
        timestamp,
    };
    let relayed = seat.relay(frame_number, || {
        let room = socket.to(game_room(&seat.game));
        finish_now(room.emit("pyodide_other_player_action", &event));
        let elsewhere = seat.elsewhere();
        if !elsewhere.is_empty() {
            let from = &binding.participant;
            state.relay.send(&elsewhere, &seat.game, from, &event);
        }
    });
    if relayed {
        Ok(Accepted {})
    } else {
        let message = "the game has ended for this participant";
        Err(Refusal::new(ErrorCode::AlreadyEnded, message))
    }
}

/// Sockets of this server are written to at the first poll, which keeps the order of actions; a task
/// of its own would not.
fn finish_now<E: std::fmt::Display>(sending: impl Future<Output = Result<(), E>> + Send) {
    let mut sending = pin!(sending);
    match sending
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(Ok(())) => {}
        Poll::Ready(Err(error)) => tracing::debug!(%error, "an action did not reach every partner"),
        Poll::Pending => tracing::error!("the socket adapter did not send an action at once"),
    }
}
