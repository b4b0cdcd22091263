//! The events that change a game: each becomes one input, is committed, and is answered after that.

use std::sync::Arc;

use serde_json::Value;
use stillhere_core::exclusion::Side;
use stillhere_core::ids::{Frame, GameId};
use stillhere_core::session::{GameInput, Verdict};
use stillhere_core::wire::{
    Accepted, ClientEvent, ErrorCode, GameComplete, MidGameExclusion, Redirect, Refusal,
    TerminalState,
};

use super::binding::Binding;
use super::incoming::{Incoming, Reply};
use super::peer::Task;
use super::{export, game_room, join, leaving};
use crate::redirect;
use crate::store::Committed;

/// More evidence than this is dropped; its size is kept in its place.
const MAX_EVIDENCE_BYTES: usize = 64 * 1024;

/// Reads, checks and answers one event.
pub(super) async fn handle(task: &Task, name: &'static str, mut incoming: Incoming, reply: Reply) {
    let metrics = incoming.metrics.take();
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
        ClientEvent::EmitMetrics(event) => export::store(task, event, metrics, reply).await,
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
    let verdict = Verdict {
        reason: event.reason,
        frame: event.frame_number,
        decided_by: Side::Client,
        message: None,
        evidence: event.evidence.map(kept_evidence),
    };
    let participant = binding.participant.clone();
    let input = |seen| GameInput::Verdict {
        participant: participant.clone(),
        claimed: Some(event.player_id),
        verdict,
        seen,
    };
    let who = participant.clone();
    let answer =
        move |committed: &Committed| committed.game.exclusion_answer(&who, committed.reply);
    let after = answered(reply, answer);
    let _ = leaving::commit(&task.state, &binding, &event.game_id, input, after).await;
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
    let after = answered(reply, |_| Accepted {});
    let _ = task
        .state
        .lifecycle
        .input(&event.game_id, input, after)
        .await;
}

async fn terminal_state(task: &Task, event: TerminalState, reply: Reply) {
    let binding = match task.peer.bound() {
        Ok(binding) => binding,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    note_frame(&binding, &event.game_id, event.frame_number);
    // The page names the frame, which has been noted above.
    let input = |_| GameInput::TerminalState {
        participant: binding.participant.clone(),
        reason: event.reason,
        frame: event.frame_number,
    };
    let after = answered(reply, |_| Accepted {});
    let _ = leaving::commit(&task.state, &binding, &event.game_id, input, after).await;
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
    let game = seat.game.clone();
    let input = |frame| GameInput::Leave {
        participant: binding.participant.clone(),
        frame,
    };
    let socket = task.socket.clone();
    let left = Arc::clone(&binding);
    let after = answered(reply, move |committed| {
        if committed.game.seat(&left.participant).is_none() {
            left.leave_seat();
            socket.leave(game_room(committed.game.id()));
        }
        Accepted {}
    });
    let _ = leaving::commit(&task.state, &binding, &game, input, after).await;
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

/// What follows a commit: the answer, made of the game's reply.
fn answered<T: serde::Serialize>(
    reply: Reply,
    body: impl FnOnce(&Committed) -> T,
) -> impl FnOnce(Result<&Committed, Refusal>) -> Result<(), Refusal> {
    move |result| {
        reply.send(result.map(body));
        Ok(())
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
