//! The events that change a game: each becomes one input, is committed, and is answered after that.

use serde_json::Value;
use stillhere_core::exclusion::Side;
use stillhere_core::ids::{Frame, GameId, ParticipantId};
use stillhere_core::session::{GameInput, GameReply, Outcome, Seat, Verdict};
use stillhere_core::wire::{
    Accepted, ClientEvent, ErrorCode, ExclusionAnswer, ExclusionOutcome, GameComplete,
    MidGameExclusion, Redirect, Refusal, TerminalState,
};

use super::binding::Binding;
use super::incoming::{Incoming, Reply};
use super::peer::Task;
use super::{export, game_room, join};
use crate::redirect;
use crate::store::Committed;

/// More evidence than this is dropped; its size is kept in its place.
const MAX_EVIDENCE_BYTES: usize = 64 * 1024;

/// Reads, checks and answers one event.
pub(super) async fn handle(task: &Task, name: &'static str, incoming: &Incoming, reply: Reply) {
    let payload = &incoming.payload;
    let event = match incoming
        .check_size(name)
        .and_then(|()| parse(name, &payload))
    {
        Ok(event) => event,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    match event {
        ClientEvent::JoinGame(event) => join::join(task, event, reply).await,
        ClientEvent::MidGameExclusion(event) => exclude(task, event, reply).await,
        ClientEvent::EmitMetrics(event) => export::store(task, event, reply).await,
        ClientEvent::GameComplete(event) => complete(task, event, reply).await,
        ClientEvent::LeaveGame(_) => leave(task, reply).await,
        ClientEvent::RequestRedirect(_) => request_redirect(task, reply).await,
        ClientEvent::TerminalState(event) => terminal_state(task, event, reply).await,
        // These never queue.
        ClientEvent::PlayerAction(_) | ClientEvent::Ping(_) | ClientEvent::ExecuteCallback(_) => {}
    }
}

pub(super) fn parse<'a>(
    name: &str,
    payload: &&'a Value,
) -> Result<ClientEvent<&'a Value>, Refusal> {
    ClientEvent::parse(name, payload)
        .ok_or_else(|| Refusal::new(ErrorCode::InvalidPayload, "there is no such event"))?
        .map_err(Refusal::from)
}

async fn exclude(task: &Task, event: MidGameExclusion<&Value>, reply: Reply) {
    let binding = match task.peer.bound() {
        Ok(binding) => binding,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    note_frame(&binding, &event.game_id, event.frame_number);
    let input = GameInput::Verdict {
        participant: binding.participant.clone(),
        claimed: Some(event.player_id),
        verdict: Verdict {
            reason: event.reason,
            frame: event.frame_number,
            decided_by: Side::Client,
            message: None,
            evidence: event.evidence.map(kept_evidence),
        },
    };
    commit(task, &event.game_id, input, reply, |committed| {
        exclusion_answer(committed, &binding.participant)
    })
    .await;
}

fn exclusion_answer(committed: &Committed, participant: &ParticipantId) -> ExclusionAnswer {
    match committed.reply {
        GameReply::Accepted => ExclusionAnswer {
            outcome: ExclusionOutcome::Accepted,
            termination_reason: None,
        },
        GameReply::AlreadyEnded => ExclusionAnswer {
            outcome: ExclusionOutcome::AlreadyEnded,
            termination_reason: committed
                .game
                .seat(participant)
                .and_then(Seat::outcome)
                .and_then(Outcome::termination)
                .map(|(reason, _)| reason),
        },
    }
}

async fn complete(task: &Task, event: GameComplete, reply: Reply) {
    let binding = match task.peer.bound() {
        Ok(binding) => binding,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    let input = GameInput::Completed {
        participant: binding.participant.clone(),
        claimed: event.player_id,
        frame: seen_frame(&binding, &event.game_id),
    };
    commit(task, &event.game_id, input, reply, |_| Accepted {}).await;
}

async fn terminal_state(task: &Task, event: TerminalState, reply: Reply) {
    let binding = match task.peer.bound() {
        Ok(binding) => binding,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    note_frame(&binding, &event.game_id, event.frame_number);
    let input = GameInput::TerminalState {
        participant: binding.participant.clone(),
        reason: event.reason,
        frame: event.frame_number,
    };
    commit(task, &event.game_id, input, reply, |_| Accepted {}).await;
}

async fn leave(task: &Task, reply: Reply) {
    let bound = task.peer.bound().and_then(|binding| {
        let seat = binding.seat().ok_or_else(|| {
            Refusal::new(ErrorCode::UnknownGame, "this participant is in no game")
        })?;
        Ok((binding, seat))
    });
    let (binding, seat) = match bound {
        Ok(bound) => bound,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    let turn = task.state.lifecycle.turn().await;
    let input = GameInput::Leave {
        participant: binding.participant.clone(),
        frame: seat.frame(),
    };
    match turn.handle(&seat.game, input).await {
        Ok(committed) => {
            if committed.game.seat(&binding.participant).is_none() {
                binding.leave_seat();
                task.socket.leave(game_room(&seat.game));
            }
            reply.send(Ok(Accepted {}));
            turn.publish(committed);
        }
        Err(refusal) => reply.send::<()>(Err(refusal)),
    }
}

async fn request_redirect(task: &Task, reply: Reply) {
    let answer = match task.peer.bound() {
        Ok(binding) => redirect::answer(&task.state, &binding.participant).await,
        Err(refusal) => Err(refusal),
    };
    // A client that waits for no answer listens to the event, as MUG's pages do.
    if let (false, Ok(answer)) = (reply.is_asked_for(), &answer) {
        let event = Redirect {
            redirect_url: answer.redirect_url.clone(),
            redirect_timeout: answer.redirect_timeout,
            completion_code: answer.completion_code.clone(),
        };
        let _ = task.socket.emit("end_game_request_redirect", &event);
    }
    reply.send(answer);
}

/// Commits one input and answers with what `body` makes of the game's reply.
async fn commit<T: serde::Serialize>(
    task: &Task,
    game: &GameId,
    input: GameInput,
    reply: Reply,
    body: impl FnOnce(&Committed) -> T,
) {
    let turn = task.state.lifecycle.turn().await;
    match turn.handle(game, input).await {
        Ok(committed) => {
            reply.send(Ok(body(&committed)));
            turn.publish(committed);
        }
        Err(refusal) => reply.send::<()>(Err(refusal)),
    }
}

fn kept_evidence(evidence: &Value) -> String {
    let text = evidence.to_string();
    if text.len() <= MAX_EVIDENCE_BYTES {
        return text;
    }
    serde_json::json!({"dropped_bytes": text.len()}).to_string()
}

fn note_frame(binding: &Binding, game: &GameId, frame: Frame) {
    if let Some(seat) = binding.seat().filter(|seat| seat.game == *game) {
        seat.reached(frame);
    }
}

fn seen_frame(binding: &Binding, game: &GameId) -> Frame {
    binding
        .seat()
        .filter(|seat| seat.game == *game)
        .map(|seat| seat.frame())
        .unwrap_or_default()
}
