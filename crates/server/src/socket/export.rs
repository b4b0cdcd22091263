//! `emit_multiplayer_metrics`: a participant's data, acked once it is stored.

use serde_json::Value;
use sha2::{Digest, Sha256};
use stillhere_core::ids::{ExportId, GameId, ParticipantId};
use stillhere_core::session::GameSession;
use stillhere_core::wire::{EmitMetrics, ErrorCode, ExportAnswer, Refusal};

use super::incoming::Reply;
use super::peer::Task;
use crate::lifecycle::refusal;
use crate::random::hex;
use crate::state::State;
use crate::store::{NewExport, StatusColumns};

pub(super) async fn store(task: &Task, event: EmitMetrics<&Value>, reply: Reply) {
    let export = match new_export(task, event).await {
        Ok(export) => export,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    let export_id = export.export.clone();
    let turn = task.state.lifecycle.turn().await;
    match turn.export(export).await {
        Ok(committed) => {
            reply.send(Ok(ExportAnswer {
                export_id,
                duplicate: committed.is_none(),
            }));
            if let Some(committed) = committed {
                turn.publish(committed);
            }
        }
        Err(refusal) => reply.send::<()>(Err(refusal)),
    }
}

async fn new_export(task: &Task, event: EmitMetrics<&Value>) -> Result<NewExport, Refusal> {
    let participant = task.peer.bound()?.participant.clone();
    let game = played_game(&task.state, &participant, event.metrics).await?;
    Ok(NewExport {
        export: event
            .export_id
            .unwrap_or_else(|| stable_id(game.id(), &participant)),
        game: game.id().clone(),
        scene: event.scene_id,
        status: StatusColumns::of(event.metrics),
        metrics: event.metrics.to_string(),
        participant,
    })
}

/// The game that the data is of: the one that it names, if the participant sat there; else their last
/// one. Data of an earlier game may come long after the next one has begun.
async fn played_game(
    state: &State,
    participant: &ParticipantId,
    metrics: &Value,
) -> Result<GameSession, Refusal> {
    let named = metrics["gameId"]
        .as_str()
        .and_then(|id| GameId::try_from(id).ok());
    let mut record = None;
    if let Some(named) = &named {
        record = state
            .store
            .seat(participant, Some(named))
            .await
            .map_err(refusal)?;
    }
    if record.is_none() {
        record = state.store.seat(participant, None).await.map_err(refusal)?;
    }
    record
        .map(|record| record.game)
        .ok_or_else(|| Refusal::new(ErrorCode::UnknownGame, "this participant has not played"))
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
