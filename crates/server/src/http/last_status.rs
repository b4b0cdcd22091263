//! `POST /api/last-status`: where a page stood when it was closed. Sent by `navigator.sendBeacon`,
//! which can set no headers, so the token is in the body.

use std::sync::Arc;

use axum::extract::{self, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use stillhere_core::session::{GameInput, LastStatus};
use stillhere_core::wire::{ErrorCode, LastWords, Refusal};

use super::MAX_STATUS_BYTES;
use super::fault::{Fault, body, holder};
use crate::state::State;

pub(super) async fn answer(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
) -> Response {
    match keep(&state, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(fault) => fault.answer(&state),
    }
}

async fn keep(state: &State, request: Request) -> Result<(), Fault> {
    let body = body(request, MAX_STATUS_BYTES).await?;
    let payload: Value =
        serde_json::from_slice(&body).map_err(|_| Fault::invalid("the body is no JSON"))?;
    let participant = holder(state, payload["participant_token"].as_str())?;
    let words = LastWords::parse(&&payload).map_err(|errors| Fault(errors.into()))?;
    let status = LastStatus {
        frame: words.frame_number,
        completed_episodes: words.completed_episodes,
        hidden_ms: words.hidden_ms,
        at: state.clock.now(),
    };
    let input = GameInput::LastStatus {
        participant,
        status,
    };
    let kept = state.lifecycle.handle(&words.game_id, input).await;
    kept.map_err(|refusal| match refusal.code {
        // A game of others is none of theirs to know of.
        ErrorCode::NotYourSeat => Fault(Refusal::new(
            ErrorCode::UnknownGame,
            "there is no such game",
        )),
        _ => Fault(refusal),
    })
}
