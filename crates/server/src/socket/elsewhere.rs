//! What another server did to a participant whose socket is here.

use std::sync::Arc;

use stillhere_core::ids::{ConnectionId, Frame, ParticipantId};
use stillhere_core::session::GameInput;
use stillhere_core::wire::{EndGame, ErrorCode, Refusal};

use super::join::take_over;
use crate::state::State;
use crate::store::{Done, Job};

const LOST_PLACE_MESSAGE: &str = "The connection to the server was lost, and with it your place in the waiting room. Please load this page again.";

/// A participant went on over a socket of another server.
pub(crate) fn replaced_elsewhere(
    state: &Arc<State>,
    participant: &ParticipantId,
    connection: &ConnectionId,
) {
    let current = state.registry.current(participant);
    let Some(peer) = current.filter(|peer| peer.connection() == connection) else {
        return;
    };
    state.registry.release(participant, &peer);
    let binding = peer.binding();
    take_over(state, &peer);
    let Some(binding) = binding else {
        return;
    };
    if let Some(seat) = binding.seat() {
        seat.close();
    }
    // Games that the newer socket knows nothing of lose this one; for the others it is not theirs any more.
    for (game, connection) in binding.games() {
        let input = GameInput::Disconnected {
            participant: participant.clone(),
            connection,
            frame: Frame::default(),
        };
        tokio::spawn(state.lifecycle.handle(&game, input));
    }
}

/// Others took this server for dead, and its sockets for lost. Those that are there get their seats back, unless
/// the participant has gone on over a newer one.
pub(crate) fn reclaim_seats(state: &Arc<State>) {
    for (participant, peer) in state.registry.all() {
        let has_seat = peer
            .binding()
            .is_some_and(|binding| binding.seat().is_some());
        if !has_seat {
            continue;
        }
        let job = Job::Reclaim(participant, peer.connection().clone());
        let io = state.io.clone();
        let after = move |result: Result<&Done, Refusal>| {
            if let Err(refusal) = &result
                && refusal.code == ErrorCode::UnknownGame
                && let (Some(socket), Some(binding)) = (io.get_socket(peer.id()), peer.binding())
            {
                binding.leave_seat();
                let event = EndGame {
                    message: Some(LOST_PLACE_MESSAGE.to_owned()),
                    reason: None,
                };
                let _ = socket.emit("end_game", &event);
            }
            Ok(())
        };
        tokio::spawn(state.lifecycle.run(job, after));
    }
}
