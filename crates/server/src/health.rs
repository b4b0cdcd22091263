//! `/healthz`: whether the storage answers, and how many games are live.

use std::sync::Arc;

use axum::extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::state::State;

pub(crate) async fn answer(extract::State(state): extract::State<Arc<State>>) -> Response {
    let (status, body) = match state.store.live_games().await {
        Ok(games) => (StatusCode::OK, json!({"status": "ok", "games": games})),
        Err(error) => {
            tracing::error!(%error, "the storage failed");
            let body = json!({"status": "storage_unavailable"});
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.to_string()).into_response()
}
