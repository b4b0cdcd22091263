//! Who a socket speaks for: by joining, or by a token from an earlier join.

use std::sync::Arc;

use stillhere_core::ids::ParticipantId;
use stillhere_core::session::{Applicant, GameSession, Phase, Seat};
use stillhere_core::time::Millis;
use stillhere_core::wire::{
    EndGame, EndGameReason, ErrorCode, JoinAnswer, JoinGame, JoinStatus, Refusal,
};

use super::binding::{Binding, BoundSeat};
use super::incoming::Reply;
use super::peer::{Peer, Task};
use super::{game_room, participant_room};
use crate::lifecycle::unavailable;
use crate::random;
use crate::state::State;
use crate::store::{Done, Job, JoinRequest};

const TAKEN_OVER_MESSAGE: &str =
    "You went on in another tab or window. Nothing more happens here; you can close this page.";

/// How long to leave a failing storage alone.
const PAUSE_AFTER_FAILURE: Millis = Millis::new(1_000.0);

/// `join_game`
pub(super) async fn join(task: &Task, event: JoinGame, reply: Reply) {
    let request = match request(task, &event) {
        Ok(request) => request,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    let participant = request.participant.clone();
    let proven = request.applicant.proven;
    let bound = task.clone();
    let after = move |result: Result<&Done, Refusal>| {
        let game = result.and_then(|done| done.committed().ok_or_else(unavailable));
        if proven && matches!(&game, Err(refusal) if refusal.code == ErrorCode::AlreadyEnded) {
            // No seat any more, but still a question to ask: where to go.
            bind(&bound, &participant, None);
        }
        reply.send(game.map(|committed| {
            bind(&bound, &participant, Some(&committed.game));
            answer(&bound.state, participant, &committed.game)
        }));
        Ok(())
    };
    let job = Job::Join(Box::new(request));
    let _ = task.state.lifecycle.run(job, after).await;
}

fn answer(state: &State, participant: ParticipantId, game: &GameSession) -> JoinAnswer {
    JoinAnswer {
        participant_token: state.tokens.issue(&participant, state.clock.now()),
        participant_id: participant,
        status: match game.phase() {
            Phase::Waiting => JoinStatus::Waiting,
            _ => JoinStatus::Playing,
        },
    }
}

fn request(task: &Task, event: &JoinGame) -> Result<JoinRequest, Refusal> {
    let state = &task.state;
    if state.is_draining() {
        let message = "the server is about to stop; join again in a few minutes";
        return Err(Refusal::new(ErrorCode::StorageUnavailable, message));
    }
    let (scene, settings) = state
        .settings
        .scene(event.scene_id.as_ref())
        .ok_or_else(|| Refusal::new(ErrorCode::UnknownGame, "there is no such scene"))?;
    let bound = task
        .peer
        .binding()
        .map(|binding| binding.participant.clone());
    let (participant, proven) = identify(state, event, bound.as_ref());
    let game_settings = settings.game_settings(scene);
    Ok(JoinRequest {
        applicant: Applicant {
            proven,
            reopened: proven && bound.is_none(),
        },
        instead_of: bound.filter(|bound| *bound != participant),
        participant,
        connection: task.peer.connection().clone(),
        fresh: GameSession::new(random::game_id(), random::seed(), game_settings),
    })
}

/// Who asks, and whether they have proved it.
fn identify(
    state: &State,
    event: &JoinGame,
    bound: Option<&ParticipantId>,
) -> (ParticipantId, bool) {
    let by_token = event
        .participant_token
        .as_deref()
        .and_then(|token| state.tokens.holder(token, state.clock.now()));
    match &event.participant_id {
        Some(asked) => {
            let proven = bound == Some(asked) || by_token.as_ref() == Some(asked);
            (asked.clone(), proven)
        }
        None => match bound.cloned().or(by_token) {
            Some(known) => (known, true),
            None => (random::participant_id(), false),
        },
    }
}

/// A socket showed a participant's token: it gets their seat back, and what they are owed. It never
/// gets a new seat this way.
pub(super) async fn resume(task: &Task, participant: ParticipantId) {
    while task.socket.connected() {
        let bound = task.clone();
        let who = participant.clone();
        let after = move |result: Result<&Done, Refusal>| {
            let game = result?.committed().map(|committed| &committed.game);
            bind(&bound, &who, game);
            Ok(())
        };
        let job = Job::Resume(participant.clone(), task.peer.connection().clone());
        match task.state.lifecycle.run(job, after).await {
            Err(refusal) if refusal.code.is_passing() => {}
            _ => return,
        }
        let clock = &task.state.clock;
        clock.sleep_until(clock.now() + PAUSE_AFTER_FAILURE).await;
    }
}

/// Binds the socket; whichever socket spoke for the participant until now does so no longer. Called
/// after the commit, in the order of the commits, and before anything is sent.
fn bind(task: &Task, participant: &ParticipantId, game: Option<&GameSession>) {
    let state = &task.state;
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
    let older = state.registry.bind(participant, &task.peer);
    task.socket.join(participant_room(participant));
    if let Some((game, seat)) = game.and_then(|game| Some((game, game.seat(participant)?))) {
        take_seat(task, &binding, game, seat);
    }
    if let Some(older) = older {
        if let Some(older) = older.binding() {
            binding.inherit(&older);
        }
        take_over(state, &older);
    }
}

fn take_seat(task: &Task, binding: &Binding, game: &GameSession, seat: &Seat) {
    let left = binding.seat().filter(|left| left.game != *game.id());
    if let Some(left) = left {
        task.socket.leave(game_room(&left.game));
    }
    let scene = game.settings().scene.clone();
    let bound = BoundSeat::new(game.id().clone(), seat.player.clone(), scene);
    if seat.is_playing() {
        task.socket.join(game_room(game.id()));
    } else {
        // The others may play on: they get nothing from here any more, and nothing of theirs comes here.
        bound.close();
    }
    binding.take_seat(bound, task.peer.connection());
    if let Some(seat) = binding.seat() {
        seat.know(game, &task.state.node);
    }
}

pub(super) fn take_over(state: &State, older: &Peer) {
    older.bind(None);
    let Some(socket) = state.io.get_socket(older.id()) else {
        return;
    };
    socket.leave_all();
    let event = EndGame {
        message: Some(TAKEN_OVER_MESSAGE.to_owned()),
        reason: Some(EndGameReason::TakenOver),
    };
    let _ = socket.emit("end_game", &event);
}
