//! Who a socket speaks for: by joining, or by a token from an earlier join.

use std::sync::Arc;

use stillhere_core::ids::ParticipantId;
use stillhere_core::session::{GameInput, GameSession, Phase, Seat};
use stillhere_core::time::Millis;
use stillhere_core::wire::{EndGame, ErrorCode, JoinAnswer, JoinGame, JoinStatus, Refusal};

use super::binding::{Binding, BoundSeat};
use super::incoming::Reply;
use super::peer::{Peer, Task};
use super::{game_room, participant_room};
use crate::lifecycle::{Turn, refusal};
use crate::random;
use crate::state::State;
use crate::store::{Committed, JoinRequest};

const TAKEN_OVER_MESSAGE: &str =
    "You went on in another tab or window. Nothing more happens here; you can close this page.";

/// How long to leave a failing storage alone.
const PAUSE_AFTER_FAILURE: Millis = Millis::new(1_000.0);

/// `join_game`
pub(super) async fn join(task: &Task, event: JoinGame, reply: Reply) {
    let turn = task.state.lifecycle.turn().await;
    match take_seat(task, &turn, event).await {
        Ok((answer, committed)) => {
            reply.send(Ok(answer));
            turn.publish(committed);
        }
        Err(refusal) => reply.send::<()>(Err(refusal)),
    }
}

async fn take_seat(
    task: &Task,
    turn: &Turn<'_>,
    event: JoinGame,
) -> Result<(JoinAnswer, Committed), Refusal> {
    let state = &task.state;
    if state.is_draining() {
        let message = "the server is about to stop; join again in a few minutes";
        return Err(Refusal::new(ErrorCode::StorageUnavailable, message));
    }
    let (scene, settings) = state
        .settings
        .scene(event.scene_id.as_ref())
        .ok_or_else(|| Refusal::new(ErrorCode::UnknownGame, "there is no such scene"))?;
    let (participant, proven) = identify(task, &event).await?;
    let request = JoinRequest {
        participant: participant.clone(),
        proven,
        fresh: GameSession::new(
            random::game_id(),
            random::seed(),
            settings.game_settings(scene),
        ),
    };
    let committed = turn.join(request).await?;
    bind(state, task, &participant, Some(&committed.game));
    let answer = JoinAnswer {
        participant_token: state.tokens.issue(&participant, state.clock.now()),
        participant_id: participant,
        status: match committed.game.phase() {
            Phase::Waiting => JoinStatus::Waiting,
            _ => JoinStatus::Playing,
        },
    };
    Ok((answer, committed))
}

/// Who asks, and whether they have proved it.
async fn identify(task: &Task, event: &JoinGame) -> Result<(ParticipantId, bool), Refusal> {
    let state = &task.state;
    let by_token = event
        .participant_token
        .as_deref()
        .and_then(|token| state.tokens.holder(token, state.clock.now()));
    let bound = task
        .peer
        .binding()
        .map(|binding| binding.participant.clone());
    let Some(asked) = event.participant_id.clone() else {
        let known = bound.or(by_token);
        return Ok(known.map_or_else(
            || (random::participant_id(), false),
            |participant| (participant, true),
        ));
    };
    let proven = by_token.as_ref() == Some(&asked);
    match bound {
        Some(bound) if bound == asked => Ok((asked, true)),
        Some(bound) if is_seated(state, &bound).await? => Err(Refusal::new(
            ErrorCode::Unauthorized,
            "this socket speaks for another participant, who is in a game",
        )),
        _ => Ok((asked, proven)),
    }
}

async fn is_seated(state: &State, participant: &ParticipantId) -> Result<bool, Refusal> {
    let record = state.store.seat(participant, None).await.map_err(refusal)?;
    Ok(record.is_some_and(|record| {
        record.game.is_live() && record.game.seat(participant).is_some_and(Seat::is_playing)
    }))
}

/// A socket showed a participant's token: it gets their seat back, and what they are owed. It never
/// gets a new seat this way.
pub(super) async fn resume(task: &Task, participant: ParticipantId) {
    while task.socket.connected() {
        let turn = task.state.lifecycle.turn().await;
        match try_resume(task, &turn, &participant).await {
            Ok(()) => return,
            Err(refusal) if !refusal.code.is_passing() => return,
            Err(_) => {}
        }
        drop(turn);
        let clock = &task.state.clock;
        clock.sleep_until(clock.now() + PAUSE_AFTER_FAILURE).await;
    }
}

async fn try_resume(
    task: &Task,
    turn: &Turn<'_>,
    participant: &ParticipantId,
) -> Result<(), Refusal> {
    let record = task
        .state
        .store
        .seat(participant, None)
        .await
        .map_err(refusal)?;
    let game = record
        .map(|record| record.game)
        .filter(|game| has_business(game, participant));
    let committed = match game {
        Some(game) => {
            let input = GameInput::Join {
                participant: participant.clone(),
            };
            Some(turn.handle(game.id(), input).await?)
        }
        None => None,
    };
    let game = committed.as_ref().map(|committed| &committed.game);
    bind(&task.state, task, participant, game);
    if let Some(committed) = committed {
        turn.publish(committed);
    }
    Ok(())
}

/// Whether a game still concerns a participant: it runs, or they are owed something.
fn has_business(game: &GameSession, participant: &ParticipantId) -> bool {
    game.seat(participant).is_some_and(|seat| {
        game.is_live() || seat.deliveries.iter().any(|owed| owed.acked_at.is_none())
    })
}

/// Binds the socket; whichever socket spoke for the participant until now does so no longer. Called
/// within a turn, after the commit and before anything is sent.
fn bind(state: &State, task: &Task, participant: &ParticipantId, game: Option<&GameSession>) {
    let binding = match task.peer.binding() {
        Some(binding) if binding.participant == *participant => binding,
        other => {
            if let Some(other) = other {
                state.registry.release(&other.participant, &task.peer);
                task.socket.leave_all();
            }
            let binding = Arc::new(Binding::new(participant.clone()));
            task.peer.bind(Some(Arc::clone(&binding)));
            binding
        }
    };
    if let Some(old) = state.registry.bind(participant, &task.peer) {
        take_over(state, &old);
    }
    task.socket.join(participant_room(participant));
    let seat = game.and_then(|game| Some((game, game.seat(participant)?)));
    if let Some((game, seat)) = seat {
        let left = binding.seat().filter(|left| left.game != *game.id());
        if let Some(left) = left {
            task.socket.leave(game_room(&left.game));
        }
        let scene = game.settings().scene.clone();
        binding.take_seat(BoundSeat::new(
            game.id().clone(),
            seat.player.clone(),
            scene,
        ));
        task.socket.join(game_room(game.id()));
    }
}

fn take_over(state: &State, old: &Peer) {
    old.bind(None);
    let Some(socket) = state.io.get_socket(old.id()) else {
        return;
    };
    socket.leave_all();
    let event = EndGame {
        message: Some(TAKEN_OVER_MESSAGE.to_owned()),
    };
    let _ = socket.emit("end_game", &event);
}
