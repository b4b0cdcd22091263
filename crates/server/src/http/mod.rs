//! What pages send beside their socket: their last status, and exports that are too large for it.

mod chunks;
mod document;
mod fault;
mod last_status;
mod members;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{patch, post};
use tokio::sync::Semaphore;

pub(crate) use fault::json;

use crate::state::State;
use crate::store::UploadLimits;

/// The largest chunk of an upload.
pub const MAX_CHUNK_BYTES: usize = 1 << 20;
/// The largest last status.
pub const MAX_STATUS_BYTES: usize = 16 << 10;

/// So many chunks are in memory at once, on their way from the network to the storage.
const CHUNKS_IN_MEMORY: usize = 128;
/// So many documents are checked at once; each takes a core.
const CHECKS_AT_ONCE: usize = 2;

/// What all uploads share.
pub(crate) struct Uploads {
    pub(crate) limits: UploadLimits,
    pub(crate) chunks: Semaphore,
    pub(crate) checks: Semaphore,
}

impl Uploads {
    pub(crate) fn new(limits: UploadLimits) -> Self {
        Self {
            limits,
            chunks: Semaphore::new(CHUNKS_IN_MEMORY),
            checks: Semaphore::new(CHECKS_AT_ONCE),
        }
    }
}

pub(crate) fn routes() -> Router<Arc<State>> {
    let status = post(last_status::answer).layer(DefaultBodyLimit::max(MAX_STATUS_BYTES));
    let upload = patch(upload::answer).layer(DefaultBodyLimit::max(MAX_CHUNK_BYTES));
    Router::new()
        .route("/api/last-status", status)
        .route("/api/exports/{export_id}", upload)
        .route_layer(map_response(private))
}

/// What is answered here concerns one participant at one moment.
async fn private(mut response: Response) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
