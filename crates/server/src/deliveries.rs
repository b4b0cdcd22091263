//! Sends what was committed, in the order in which it was committed. What is owed is sent with an
//! ack, and the ack goes back into the game as an input.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socketioxide::AckError;
use stillhere_core::ids::{DeliveryId, GameId, ParticipantId};
use stillhere_core::session::{DeliveryEvent, GameInput, GameOutput, GameSession, Outcome, Phase};
use stillhere_core::wire::{EndGame, GameReady, ServerEvent};

use crate::cluster;
use crate::socket::{game_room, participant_room};
use crate::state::State;
use crate::store::Committed;

/// Longer than the longest pause between two attempts: a late ack is still heard.
const ACK_TIMEOUT: Duration = Duration::from_secs(15);

const SHUTDOWN_MESSAGE: &str =
    "The server is being restarted, so no game can begin now. Please try again in a few minutes.";

type Event = ServerEvent<Value>;

pub(crate) fn start(state: &Arc<State>) {
    let Some(mut to_send) = state.take_to_send() else {
        return;
    };
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let mut told = BTreeSet::new();
        loop {
            tokio::select! {
                committed = to_send.recv() => match committed {
                    Some(committed) => send(&state, committed).await,
                    None => break,
                },
                () = state.bell.rung() => {
                    if let Err(error) = cluster::tell(&state, &mut told).await {
                        tracing::warn!(%error, "what other servers have to tell is told later");
                    }
                }
            }
        }
    });
}

pub(crate) async fn send(state: &Arc<State>, committed: Committed) {
    let Committed { game, outputs, .. } = committed;
    for seat in game.seats() {
        if let Some(peer) = state.registry.current(&seat.participant) {
            peer.observe(state, &game);
        }
    }
    let mut outcomes: BTreeMap<ParticipantId, Outcome> = BTreeMap::new();
    for output in outputs {
        match output {
            GameOutput::WaitingRoom { to, event } => {
                emit(state, &to, Event::WaitingRoom(event)).await;
            }
            GameOutput::Assign { to, event } => {
                emit(state, &to, Event::PlayerAssigned(event)).await;
            }
            GameOutput::Ready { to } => {
                emit(state, &to, Event::GameReady(game_ready(state, &game))).await;
            }
            GameOutput::Pause { to, event } => emit(state, &to, Event::PauseGame(event)).await,
            GameOutput::Resume { to, event } => emit(state, &to, Event::ResumeGame(event)).await,
            GameOutput::Deliver {
                to,
                delivery,
                event,
            } => deliver(state, game.id(), to, delivery, &event).await,
            GameOutput::WaitingOver { to } => {
                let message = waiting_over_message(state, &game, outcomes.get(&to).copied());
                let event = EndGame {
                    message,
                    reason: None,
                };
                emit(state, &to, Event::EndGame(event)).await;
            }
            GameOutput::Outcome {
                participant,
                outcome,
            } => {
                tracing::info!(game = %game.id(), outcome = outcome.as_str(), "a participant is done");
                if let Phase::Playing { .. } = game.phase()
                    && outcome != Outcome::Completed
                {
                    part_from_game(state, &participant, game.id()).await;
                }
                outcomes.insert(participant, outcome);
            }
            GameOutput::RecordPartial { .. } => {
                tracing::warn!(game = %game.id(), "a participant's data never came; the server wrote a record");
            }
            GameOutput::Ended => {
                tracing::info!(game = %game.id(), "the game is over");
                let room = game_room(game.id());
                let _ = state.io.within(room.clone()).leave(room).await;
            }
        }
    }
}

/// The others play on without a participant: nothing is relayed between them any more.
async fn part_from_game(state: &State, participant: &ParticipantId, game: &GameId) {
    if let Some(peer) = state.registry.current(participant) {
        peer.close_seat(game);
    }
    let sockets = state.io.within(participant_room(participant));
    let _ = sockets.leave(game_room(game)).await;
}

async fn emit(state: &State, to: &ParticipantId, event: Event) {
    let sent = state
        .io
        .to(participant_room(to))
        .emit(event.name(), &event)
        .await;
    if let Err(error) = sent {
        tracing::debug!(%error, event = event.name(), "an event was not sent");
    }
}

async fn deliver(
    state: &Arc<State>,
    game: &GameId,
    to: ParticipantId,
    delivery: DeliveryId,
    event: &DeliveryEvent,
) {
    let event: Event = event.to_server_event();
    let sent = state
        .io
        .to(participant_room(&to))
        .timeout(ACK_TIMEOUT)
        .emit_with_ack::<_, Value>(event.name(), &event)
        .await;
    let acks = match sent {
        Ok(acks) => acks,
        Err(error) => {
            tracing::debug!(%error, event = event.name(), "a delivery was not sent");
            return;
        }
    };
    state.counters.delivery_sent();
    let state = Arc::clone(state);
    let game = game.clone();
    tokio::spawn(async move {
        // Any ack will do, one without content too, which does not decode.
        let (Ok(_) | Err(AckError::Decode(_))) = acks.await else {
            return;
        };
        state.counters.delivery_acked();
        if let Some(peer) = state.registry.current(&to) {
            peer.hear(state.clock.now());
        }
        let input = GameInput::Delivered {
            participant: to,
            delivery,
        };
        // If this cannot be stored, the delivery is sent and acked once more.
        let _ = state.lifecycle.handle(&game, input).await;
    });
}

fn game_ready(state: &State, game: &GameSession) -> GameReady<Value> {
    let scene = &game.settings().scene;
    let mut metadata = state
        .settings
        .scenes
        .get(scene)
        .map(|settings| settings.metadata.clone())
        .unwrap_or_default();
    metadata.insert("scene_id".to_owned(), scene.as_str().into());
    metadata.insert(
        "experiment_id".to_owned(),
        state.settings.experiment_id.as_str().into(),
    );
    GameReady {
        game_id: game.id().clone(),
        players: game
            .seats()
            .iter()
            .map(|seat| seat.player.clone())
            .collect(),
        player_subjects: game
            .seats()
            .iter()
            .map(|seat| (seat.player.clone(), seat.participant.clone()))
            .collect(),
        scene_metadata: Value::Object(metadata),
    }
}

fn waiting_over_message(
    state: &State,
    game: &GameSession,
    outcome: Option<Outcome>,
) -> Option<String> {
    if outcome == Some(Outcome::ServerShutdown) {
        return Some(SHUTDOWN_MESSAGE.to_owned());
    }
    let scene = state.settings.scenes.get(&game.settings().scene)?;
    Some(scene.waiting_room_timeout_message.clone())
}
