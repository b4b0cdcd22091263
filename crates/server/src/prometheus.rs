//! `/metrics`: what the server counts about itself, for Prometheus. It names nobody, but how many were excluded is
//! no participant's business: it is for programs on this machine, or for whoever knows the token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{self, ConnectInfo};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::counters::Moment;
use crate::state::State;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// With any of these a request has come through another program, from wherever.
const FORWARDED: &[&str] = &["forwarded", "x-forwarded-for", "x-real-ip", "via"];

pub(crate) async fn answer(
    extract::State(state): extract::State<Arc<State>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    let allowed = match &state.settings.metrics_token {
        Some(token) => is_told(&headers, token),
        None => is_from_here(&headers, &extensions),
    };
    if !allowed {
        // As if there was no such page.
        return StatusCode::NOT_FOUND.into_response();
    }
    let text = state.counters.text(&moment(&state).await);
    let headers = [
        (header::CONTENT_TYPE, OPEN_METRICS),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}

async fn moment(state: &State) -> Moment {
    let now = state.clock.now();
    let deadline = state.store.next_deadline().await.ok().flatten();
    let late = deadline.filter(|deadline| *deadline < now);
    Moment {
        games: state.store.live_games().await.ok(),
        writes_waiting: state.waiting_writes(),
        late: late.map(|deadline| Duration::from_millis((now - deadline).ceil())),
        rule_failures: state.callback_failures(),
    }
}

/// Digests are compared, so that the time it takes says nothing of the token.
fn is_told(headers: &HeaderMap, token: &str) -> bool {
    let said = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, said)| said.trim());
    said.is_some_and(|said| Sha256::digest(said) == Sha256::digest(token))
}

fn is_from_here(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    !forwarded && peer.is_some_and(|ConnectInfo(address)| address.ip().is_loopback())
}
