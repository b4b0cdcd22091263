//! Refusals over HTTP, and what is refused before anybody looks at the contents.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stillhere_core::ids::ParticipantId;
use stillhere_core::wire::{Answer, ErrorCode, Refusal};

use crate::lifecycle::unavailable;
use crate::state::State;

/// A slow line gets a chunk through in this time; what stands still gives its place to others.
const BODY_PATIENCE: Duration = Duration::from_secs(60);

/// An answer that is no success.
pub(super) struct Fault(pub(super) Refusal);

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl Fault {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self(Refusal::new(ErrorCode::InvalidPayload, message))
    }

    /// The answer, which is counted.
    pub(super) fn answer(self, state: &State) -> Response {
        state.counters.refused(self.0.code);
        tracing::debug!(code = self.0.code.as_str(), "a request was refused");
        json(self.status(), &Answer::<()>::from(Err(self.0)))
    }

    fn status(&self) -> StatusCode {
        match self.0.code {
            ErrorCode::InvalidPayload => StatusCode::BAD_REQUEST,
            ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
            ErrorCode::UnknownGame | ErrorCode::NotYourSeat => StatusCode::NOT_FOUND,
            ErrorCode::AlreadyEnded => StatusCode::CONFLICT,
            ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::StorageUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(text) = serde_json::to_string(body) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The participant whose token stands in the `Authorization` header.
pub(super) fn bearer(state: &State, headers: &HeaderMap) -> Result<ParticipantId, Fault> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    holder(state, token)
}

pub(super) fn holder(state: &State, token: Option<&str>) -> Result<ParticipantId, Fault> {
    token
        .and_then(|token| state.tokens.holder(token, state.clock.now()))
        .ok_or_else(|| {
            let message = "this needs the token that join_game answered with";
            Fault(Refusal::new(ErrorCode::Unauthorized, message))
        })
}

/// Reads a body up to the limit of its route.
pub(super) async fn body(request: Request, limit: usize) -> Result<Bytes, Fault> {
    let reading = Bytes::from_request(request, &());
    match tokio::time::timeout(BODY_PATIENCE, reading).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("allowed are {limit} bytes");
            Err(Fault(Refusal::new(ErrorCode::TooLarge, message)))
        }
        // The line broke, or was too slow: the same may arrive another time.
        Ok(Err(_)) | Err(_) => Err(Fault(unavailable())),
    }
}
