//! `PATCH /api/exports/{export_id}?scene_id=…`: one chunk of an export. Each is committed before it is
//! answered, so that an upload goes on where it was, over another line, page or server.

use std::sync::Arc;

use axum::extract::{self, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use stillhere_core::ids::{ExportId, ParticipantId, SceneId};
use stillhere_core::wire::{
    Answer, ErrorCode, Refusal, UPLOAD_COMPLETE, UPLOAD_OFFSET, UploadAnswer, is_finished,
};
use tokio::task::spawn_blocking;

use super::MAX_CHUNK_BYTES;
use super::chunks::Chunks;
use super::document::{self, Flaw};
use super::fault::{Fault, bearer, body, json};
use super::members::Members;
use crate::exports::{check_id, played_game};
use crate::lifecycle::{refusal, unavailable};
use crate::state::State;
use crate::store::{Document, Done, Job, NewChunk, NewExport, Progress, StatusColumns};

/// What a request says before its body.
struct Head {
    participant: ParticipantId,
    export: ExportId,
    scene: SceneId,
    offset: u64,
    complete: bool,
}

#[derive(Deserialize)]
struct SceneQuery {
    scene_id: SceneId,
}

pub(super) async fn answer(
    extract::State(state): extract::State<Arc<State>>,
    request: Request,
) -> Response {
    match take_in(&state, request).await {
        Ok(answer) => json(StatusCode::OK, &Answer::from(Ok(answer))),
        Err(fault) => fault.answer(&state),
    }
}

async fn take_in(state: &Arc<State>, request: Request) -> Result<UploadAnswer, Fault> {
    let (mut parts, contents) = request.into_parts();
    let head = read_head(state, &mut parts).await?;
    let progress = {
        let room = state.uploads.chunks.acquire().await;
        let _room = room.map_err(|_| unavailable())?;
        let request = Request::from_parts(parts, contents);
        let bytes = body(request, MAX_CHUNK_BYTES).await?;
        add(state, &head, bytes.into()).await?
    };
    if progress.stored || !(progress.taken && head.complete) {
        return Ok(UploadAnswer {
            export_id: head.export,
            received: progress.received,
            stored: progress.stored,
            duplicate: progress.stored,
        });
    }
    match check(state, &head, progress.received).await? {
        Ok(members) => store(state, head, progress.received, &members).await,
        Err(fault) => {
            drop_upload(state, &head, progress.received).await?;
            Err(fault)
        }
    }
}

async fn read_head(state: &State, parts: &mut Parts) -> Result<Head, Fault> {
    let participant = bearer(state, &parts.headers)?;
    let path = Path::<ExportId>::from_request_parts(parts, &()).await;
    let Path(export) = path.map_err(|_| Fault::invalid("the export's id in the path is no id"))?;
    check_id(&export).map_err(Fault::from)?;
    let query = Query::<SceneQuery>::try_from_uri(&parts.uri);
    let Query(query) = query.map_err(|_| Fault::invalid("`scene_id` is missing, or no id"))?;
    let offset = text(&parts.headers, UPLOAD_OFFSET).and_then(|text| text.parse().ok());
    let complete = match text(&parts.headers, UPLOAD_COMPLETE) {
        Some("?1") => Some(true),
        Some("?0") => Some(false),
        _ => None,
    };
    Ok(Head {
        participant,
        export,
        scene: query.scene_id,
        offset: offset.ok_or_else(|| Fault::invalid("`Upload-Offset` is missing, or no number"))?,
        complete: complete
            .ok_or_else(|| Fault::invalid("`Upload-Complete` is missing, or not ?0 or ?1"))?,
    })
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

async fn add(state: &State, head: &Head, bytes: Vec<u8>) -> Result<Progress, Fault> {
    let chunk = NewChunk {
        participant: head.participant.clone(),
        export: head.export.clone(),
        offset: head.offset,
        bytes,
    };
    let job = Job::Chunk(chunk, state.uploads.limits);
    let added = state.lifecycle.run(job, |result| match result? {
        Done::Progress(progress) => Ok(*progress),
        _ => Err(unavailable()),
    });
    match added.await {
        Ok(progress) => Ok(progress),
        Err(refusal) => {
            if refusal.code == ErrorCode::TooLarge {
                drop_upload(state, head, head.offset).await?;
            }
            Err(Fault(refusal))
        }
    }
}

/// The document's own faults are the inner error: it is refused for good.
async fn check(state: &State, head: &Head, length: u64) -> Result<Result<Members, Fault>, Fault> {
    let turn = state.uploads.checks.acquire().await;
    let _turn = turn.map_err(|_| unavailable())?;
    let store = Arc::clone(&state.store);
    let chunks = Chunks::new(store, head.participant.clone(), head.export.clone(), length);
    let limit = state.uploads.limits.decompressed;
    let checked = spawn_blocking(move || document::check(chunks, limit)).await;
    match checked.map_err(|_| unavailable())? {
        Ok(members) => Ok(Ok(members)),
        Err(Flaw::Invalid(message)) => Ok(Err(Fault::invalid(message))),
        Err(Flaw::TooLarge) => {
            let message = format!("decompressed, allowed are {limit} bytes");
            Ok(Err(Fault(Refusal::new(ErrorCode::TooLarge, message))))
        }
        // Whoever dropped it was told why; whoever asks again learns how far it is.
        Err(Flaw::Gone) => Err(Fault(unavailable())),
        Err(Flaw::Storage(error)) => Err(Fault(refusal(error))),
    }
}

async fn store(
    state: &State,
    head: Head,
    length: u64,
    members: &Members,
) -> Result<UploadAnswer, Fault> {
    let status = members.status();
    let export = NewExport {
        game: played_game(state, &head.participant, &status).await?,
        participant: head.participant,
        scene: head.scene,
        export: head.export.clone(),
        metrics: members.to_json(),
        document: Document::Uploaded(length),
        status: StatusColumns::of(&status),
        finished: is_finished(&&status),
    };
    let job = Job::Export(Box::new(export));
    let stored = state
        .lifecycle
        .run(job, |result| Ok(result?.committed().is_none()));
    Ok(UploadAnswer {
        export_id: head.export,
        received: length,
        stored: true,
        duplicate: stored.await?,
    })
}

async fn drop_upload(state: &State, head: &Head, length: u64) -> Result<(), Fault> {
    let job = Job::DropUpload(head.participant.clone(), head.export.clone(), length);
    let dropped = state.lifecycle.run(job, |result| result.map(|_| ()));
    Ok(dropped.await?)
}
