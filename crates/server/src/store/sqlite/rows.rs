//! Writes one game's rows after an input.

use sqlx::sqlite::SqliteConnection;
use stillhere_core::ids::ParticipantId;
use stillhere_core::session::{ExportOrigin, GameOutput, GameSession, Outcome, Standing};
use stillhere_core::time::Millis;

use super::super::record;
use super::super::{Document, NewExport, StatusColumns, StoreError, Study};

/// Writes the game and what its outputs say of seats and data.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    study: &Study,
    now: Millis,
    game: &GameSession,
    seated_before: &[ParticipantId],
    outputs: &[GameOutput],
) -> Result<(), StoreError> {
    save_game(connection, &study.experiment_id, now, game).await?;
    save_seats(connection, now, game, seated_before, outputs).await?;
    for output in outputs {
        match output {
            GameOutput::Outcome {
                participant,
                outcome,
            } => save_outcome(connection, study, now, game, participant, *outcome).await?,
            GameOutput::RecordPartial { participant } => {
                save_partial_record(connection, now, game, participant).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn save_game(
    connection: &mut SqliteConnection,
    experiment_id: &str,
    now: Millis,
    game: &GameSession,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO games (game_id, experiment_id, scene_id, phase, state, deadline_ms, created_at_ms, updated_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         ON CONFLICT (game_id) DO UPDATE SET
           phase = excluded.phase, state = excluded.state,
           deadline_ms = excluded.deadline_ms, updated_at_ms = excluded.updated_at_ms",
    )
    .bind(game.id().as_str())
    .bind(experiment_id)
    .bind(game.settings().scene.as_str())
    .bind(game.phase().as_str())
    .bind(serde_json::to_string(game)?)
    .bind(game.next_deadline().map(whole_ms))
    .bind(whole_ms(now))
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_seats(
    connection: &mut SqliteConnection,
    now: Millis,
    game: &GameSession,
    before: &[ParticipantId],
    outputs: &[GameOutput],
) -> Result<(), StoreError> {
    for seat in game.seats() {
        if before.contains(&seat.participant) {
            continue;
        }
        sqlx::query(
            "INSERT INTO seats (game_id, participant_id, player_id, joined_at_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (game_id, participant_id) DO UPDATE SET
               player_id = excluded.player_id, joined_at_ms = excluded.joined_at_ms,
               outcome = NULL, completion_code = NULL, left_at_ms = NULL, left_frame = NULL",
        )
        .bind(game.id().as_str())
        .bind(seat.participant.as_str())
        .bind(serde_json::to_string(&seat.player)?)
        .bind(whole_ms(now))
        .execute(&mut *connection)
        .await?;
    }
    for gone in before {
        let has_outcome = outputs.iter().any(
            |output| matches!(output, GameOutput::Outcome { participant, .. } if participant == gone),
        );
        if game.seat(gone).is_none() && !has_outcome {
            sqlx::query("DELETE FROM seats WHERE game_id = $1 AND participant_id = $2")
                .bind(game.id().as_str())
                .bind(gone.as_str())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

async fn save_outcome(
    connection: &mut SqliteConnection,
    study: &Study,
    now: Millis,
    game: &GameSession,
    participant: &ParticipantId,
    outcome: Outcome,
) -> Result<(), StoreError> {
    // Who gave up waiting has no seat any more, and never saw a frame.
    let standing = game.seat(participant).map(|seat| seat.standing);
    let (left_at, left_frame) = match standing {
        Some(Standing::Out { frame, at, .. }) if outcome != Outcome::WaitingRoomTimeout => {
            (at, i64::try_from(frame.0).ok())
        }
        _ => (now, None),
    };
    sqlx::query(
        "UPDATE seats SET outcome = $1, completion_code = COALESCE(completion_code, $2),
                          left_at_ms = $5, left_frame = $6
         WHERE game_id = $3 AND participant_id = $4",
    )
    .bind(outcome.as_str())
    .bind((study.completion_code)(&game.settings().scene, outcome))
    .bind(game.id().as_str())
    .bind(participant.as_str())
    .bind(whole_ms(left_at))
    .bind(left_frame)
    .execute(connection)
    .await?;
    Ok(())
}

async fn save_partial_record(
    connection: &mut SqliteConnection,
    now: Millis,
    game: &GameSession,
    participant: &ParticipantId,
) -> Result<(), StoreError> {
    let Some(seat) = game.seat(participant) else {
        return Ok(());
    };
    let metrics = record::partial_metrics(game, seat, now);
    let export = NewExport {
        participant: participant.clone(),
        game: game.id().clone(),
        scene: game.settings().scene.clone(),
        export: record::export_id(game),
        status: StatusColumns::of(&metrics),
        metrics: metrics.to_string(),
        document: Document::Inline,
        finished: true,
    };
    save_export(connection, now, &export, ExportOrigin::Server).await
}

pub(super) async fn save_export(
    connection: &mut SqliteConnection,
    now: Millis,
    export: &NewExport,
    origin: ExportOrigin,
) -> Result<(), StoreError> {
    let (encoding, bytes) = match export.document {
        Document::Inline => ("json", export.metrics.len() as u64),
        Document::Uploaded(bytes) => ("gzip", bytes),
    };
    sqlx::query(
        "INSERT INTO exports (participant_id, export_id, game_id, scene_id, source, received_at_ms,
                              is_partial, termination_reason, termination_frame, completed_episodes, metrics,
                              encoding, bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (participant_id, export_id) DO NOTHING",
    )
    .bind(export.participant.as_str())
    .bind(export.export.as_str())
    .bind(export.game.as_str())
    .bind(export.scene.as_str())
    .bind(match origin {
        ExportOrigin::Client => "client",
        ExportOrigin::Server => "server",
    })
    .bind(whole_ms(now))
    .bind(export.status.is_partial)
    .bind(&export.status.termination_reason)
    .bind(export.status.termination_frame)
    .bind(export.status.completed_episodes)
    .bind(&export.metrics)
    .bind(encoding)
    .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

/// Rounded up, so that no deadline is looked at before its time.
pub(super) fn whole_ms(moment: Millis) -> i64 {
    i64::try_from(moment.ceil()).unwrap_or(i64::MAX)
}
