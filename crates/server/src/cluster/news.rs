//! What commits on other servers have to tell the participants whose sockets are here.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use stillhere_core::session::{GameOutput, GameReply, GameSession, Phase, Seat};
use tokio::time::{sleep, timeout};

use crate::deliveries::send;
use crate::socket;
use crate::state::State;
use crate::store::{Committed, StoreError};

/// So often it is looked for even if nobody rang.
const FLOOR: Duration = Duration::from_secs(1);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Rings when the database says so, and now and then.
pub(super) async fn listen(state: Arc<State>) {
    let Some(shared) = state.store.shared() else {
        return;
    };
    while !state.has_left() {
        if let Ok(Err(error)) = timeout(FLOOR, shared.heard()).await {
            tracing::warn!(%error, "other servers cannot be heard");
            sleep(PAUSE_AFTER_FAILURE).await;
        }
        state.bell.ring();
    }
}

/// Tells what there is. `told` keeps what could not be taken out of the books yet.
pub(crate) async fn tell(state: &Arc<State>, told: &mut BTreeSet<i64>) -> Result<(), StoreError> {
    let Some(shared) = state.store.shared() else {
        return Ok(());
    };
    loop {
        let messages = shared.messages().await?;
        let ids: Vec<i64> = messages.iter().map(|message| message.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        for message in messages {
            if !told.insert(message.id) {
                continue;
            }
            for (participant, connection) in &message.news.replaced {
                socket::replaced_elsewhere(state, participant, connection);
            }
            let game = message.game;
            let outputs = message.news.outputs.into_iter();
            let committed = Committed {
                outputs: outputs
                    .filter(|output| still_holds(&game, output))
                    .collect(),
                game,
                reply: GameReply::Accepted,
            };
            send(state, committed).await;
        }
        shared.told(&ids).await?;
        for id in ids {
            told.remove(&id);
        }
    }
}

/// The game may have gone on since, and this server may have told of that already.
fn still_holds(game: &GameSession, output: &GameOutput) -> bool {
    let is_played = matches!(game.phase(), Phase::Playing { .. });
    let plays = |seat: &&Seat| seat.is_playing();
    match output {
        GameOutput::WaitingRoom { to, .. } => {
            matches!(game.phase(), Phase::Waiting) && game.seat(to).is_some()
        }
        GameOutput::Ready { to } => is_played && game.seat(to).is_some_and(Seat::is_playing),
        GameOutput::Pause { event, .. } => {
            let away = |seat: &Seat| {
                Some(&seat.player) == event.detecting_player.as_ref() && !seat.is_connected()
            };
            is_played && game.seats().iter().filter(plays).any(away)
        }
        GameOutput::Resume { .. } => {
            is_played && game.seats().iter().filter(plays).all(Seat::is_connected)
        }
        GameOutput::Deliver { to, delivery, .. } => game.seat(to).is_some_and(|seat| {
            let owed = seat.deliveries.iter().find(|owed| owed.id == *delivery);
            owed.is_some_and(|owed| owed.acked_at.is_none())
        }),
        GameOutput::Assign { .. }
        | GameOutput::WaitingOver { .. }
        | GameOutput::Outcome { .. }
        | GameOutput::RecordPartial { .. }
        | GameOutput::Ended => true,
    }
}
