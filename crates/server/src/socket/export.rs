//! `emit_multiplayer_metrics`: a participant's data, acked once it is stored.

use serde_json::Value;
use sha2::{Digest, Sha256};
use stillhere_core::ids::{ExportId, GameId, ParticipantId};
use stillhere_core::wire::{EmitMetrics, ExportAnswer, Refusal, is_finished};

use super::incoming::Reply;
use super::peer::Task;
use crate::exports::{check_id, played_game};
use crate::random::hex;
use crate::store::{Document, Done, Job, NewExport, StatusColumns};

/// `metrics` is the whole of which the event holds a part.
pub(super) async fn store(
    task: &Task,
    event: EmitMetrics<&Value>,
    metrics: Option<String>,
    reply: Reply,
) {
    let export = match new_export(task, event, metrics).await {
        Ok(export) => export,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    let export_id = export.export.clone();
    let after = move |result: Result<&Done, Refusal>| {
        reply.send(result.map(|done| ExportAnswer {
            export_id,
            duplicate: done.committed().is_none(),
        }));
        Ok(())
    };
    let job = Job::Export(Box::new(export));
    let _ = task.state.lifecycle.run(job, after).await;
}

async fn new_export(
    task: &Task,
    event: EmitMetrics<&Value>,
    metrics: Option<String>,
) -> Result<NewExport, Refusal> {
    let participant = task.peer.bound()?.participant.clone();
    if let Some(export) = &event.export_id {
        check_id(export)?;
    }
    let game = played_game(&task.state, &participant, event.metrics).await?;
    Ok(NewExport {
        export: event
            .export_id
            .unwrap_or_else(|| stable_id(&game, &participant)),
        game,
        scene: event.scene_id,
        status: StatusColumns::of(event.metrics),
        metrics: metrics.unwrap_or_else(|| event.metrics.to_string()),
        document: Document::Inline,
        finished: is_finished(&event.metrics),
        participant,
    })
}

/// A page that gives its export no id sends one per game, and repeats are recognised all the same.
fn stable_id(game: &GameId, participant: &ParticipantId) -> ExportId {
    let mut hash = Sha256::new();
    hash.update(game.as_str());
    hash.update([0]);
    hash.update(participant.as_str());
    let digest = hash.finalize();
    ExportId::try_from(format!("game-{}", hex(&digest[..16])))
        .unwrap_or_else(|_| unreachable!("hex digits make an id"))
}
