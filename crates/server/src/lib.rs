//! The stillhere server as a library: `app(state)` is the whole server but for the listening socket.
//!
//! Where to look:
//! - [`store`]: what is kept, and the one operation that changes games.
//! - `lifecycle`, `writer`: the way that every input takes: commit, answer, send.
//! - `socket`: one module per thing that a client can ask.
//! - `http`: what pages send beside their socket.
//! - [`origins`]: whose pages may use sockets and uploads.
//! - `deliveries`, `deadlines`: what is sent after a commit, and what happens by itself in time.
//! - `counters`, `prometheus`: what the server counts about itself, and `/metrics`.
//! - [`backup`]: `stillhere backup`.
//! - `cluster`: several servers on one database.
//! - [`settings`]: the configuration file.

pub mod backup;
pub mod callback;
pub mod cli;
pub mod clock;
mod cluster;
mod counters;
mod deadlines;
mod deliveries;
mod exports;
mod handshake;
mod health;
mod http;
mod lifecycle;
pub mod node;
pub mod origins;
mod prometheus;
mod random;
mod redirect;
pub mod settings;
pub mod shutdown;
mod site;
mod socket;
pub mod state;
pub mod store;
pub mod token;
mod writer;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

pub use state::{State, StateBuilder};

/// The server: pages, bundle, sockets, uploads, `/healthz` and `/metrics` on one router. Starts the tasks behind it, so it
/// has to be called on a Tokio runtime, once for each state.
pub fn app(state: Arc<State>) -> Router {
    socket::register(&state);
    deliveries::start(&state);
    cluster::start(&state);
    deadlines::start(&state);
    let sockets = state.socket_layer.clone();
    let allowed: Arc<[_]> = state.settings.allowed_origins.as_slice().into();
    Router::new()
        .route("/healthz", get(health::answer))
        .route("/metrics", get(prometheus::answer))
        .merge(http::routes())
        .fallback(site::answer)
        .with_state(state)
        .layer(sockets)
        .layer(from_fn(handshake::lighten))
        .layer(origins::cors(&allowed))
        .layer(from_fn_with_state(allowed, origins::guard))
}
