//! Inputs by which a participant may be out while the others play on.

use std::sync::Arc;

use stillhere_core::ids::{Frame, GameId};
use stillhere_core::session::{GameInput, Seat};
use stillhere_core::wire::Refusal;

use super::binding::Binding;
use crate::state::State;
use crate::store::Committed;

/// Commits such an input. It is made from the last frame that the server saw of the participant.
///
/// The partners are told up to which frame the leaver's actions count, so nothing more is relayed from
/// before that frame is read. If the participant still plays after all, the relay opens again.
pub(super) async fn commit<T: Send + 'static>(
    state: &State,
    binding: &Arc<Binding>,
    game: &GameId,
    input: impl FnOnce(Frame) -> GameInput,
    after: impl FnOnce(Result<&Committed, Refusal>) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let seat = binding.seat().filter(|seat| seat.game == *game);
    let seen = seat.as_ref().map(|seat| seat.close()).unwrap_or_default();
    let participant = binding.participant.clone();
    let committed = state.lifecycle.input(game, input(seen), move |result| {
        let plays = result.as_ref().map_or(true, |committed| {
            let seat = committed.game.seat(&participant);
            seat.is_some_and(Seat::is_playing)
        });
        if let Some(seat) = seat.filter(|_| plays) {
            seat.reopen();
        }
        after(result)
    });
    committed.await
}
