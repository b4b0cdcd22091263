//! Writes one game's rows after an input.

use stillhere_core::ids::ParticipantId;
use stillhere_core::session::{ExportOrigin, GameOutput, GameSession, Outcome, Standing};
use stillhere_core::time::Millis;

use super::super::record;
use super::super::{Document, NewExport, StatusColumns, StoreError, Study};
use super::connection::{Connection, Value};

/// Writes the game and what its outputs say of seats and data.
pub(super) async fn write<C: Connection>(
    connection: &mut C,
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

async fn save_game<C: Connection>(
    connection: &mut C,
    experiment_id: &str,
    now: Millis,
    game: &GameSession,
) -> Result<(), StoreError> {
    let state = serde_json::to_string(game)?;
    connection
        .execute(
            "INSERT INTO games (game_id, experiment_id, scene_id, phase, state, deadline_ms, created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
             ON CONFLICT (game_id) DO UPDATE SET
               phase = excluded.phase, state = excluded.state,
               deadline_ms = excluded.deadline_ms, updated_at_ms = excluded.updated_at_ms",
            &[
                Value::Text(game.id().as_str()),
                Value::Text(experiment_id),
                Value::Text(game.settings().scene.as_str()),
                Value::Text(game.phase().as_str()),
                Value::Text(&state),
                Value::MaybeInt(game.next_deadline().map(whole_ms)),
                Value::Int(whole_ms(now)),
            ],
        )
        .await?;
    Ok(())
}

async fn save_seats<C: Connection>(
    connection: &mut C,
    now: Millis,
    game: &GameSession,
    before: &[ParticipantId],
    outputs: &[GameOutput],
) -> Result<(), StoreError> {
    for seat in game.seats() {
        if before.contains(&seat.participant) {
            continue;
        }
        let player = serde_json::to_string(&seat.player)?;
        connection
            .execute(
                "INSERT INTO seats (game_id, participant_id, player_id, joined_at_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (game_id, participant_id) DO UPDATE SET
                   player_id = excluded.player_id, joined_at_ms = excluded.joined_at_ms,
                   outcome = NULL, completion_code = NULL, left_at_ms = NULL, left_frame = NULL",
                &[
                    Value::Text(game.id().as_str()),
                    Value::Text(seat.participant.as_str()),
                    Value::Text(&player),
                    Value::Int(whole_ms(now)),
                ],
            )
            .await?;
    }
    for gone in before {
        let has_outcome = outputs.iter().any(
            |output| matches!(output, GameOutput::Outcome { participant, .. } if participant == gone),
        );
        if game.seat(gone).is_none() && !has_outcome {
            connection
                .execute(
                    "DELETE FROM seats WHERE game_id = $1 AND participant_id = $2",
                    &[Value::Text(game.id().as_str()), Value::Text(gone.as_str())],
                )
                .await?;
        }
    }
    Ok(())
}

async fn save_outcome<C: Connection>(
    connection: &mut C,
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
    let code = (study.completion_code)(&game.settings().scene, outcome);
    connection
        .execute(
            "UPDATE seats SET outcome = $1, completion_code = COALESCE(completion_code, $2),
                              left_at_ms = $5, left_frame = $6
             WHERE game_id = $3 AND participant_id = $4",
            &[
                Value::Text(outcome.as_str()),
                Value::Text(&code),
                Value::Text(game.id().as_str()),
                Value::Text(participant.as_str()),
                Value::Int(whole_ms(left_at)),
                Value::MaybeInt(left_frame),
            ],
        )
        .await?;
    Ok(())
}

async fn save_partial_record<C: Connection>(
    connection: &mut C,
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

pub(super) async fn save_export<C: Connection>(
    connection: &mut C,
    now: Millis,
    export: &NewExport,
    origin: ExportOrigin,
) -> Result<(), StoreError> {
    let (encoding, bytes) = match export.document {
        Document::Inline => ("json", export.metrics.len() as u64),
        Document::Uploaded(bytes) => ("gzip", bytes),
    };
    let source = match origin {
        ExportOrigin::Client => "client",
        ExportOrigin::Server => "server",
    };
    connection
        .execute(
            "INSERT INTO exports (participant_id, export_id, game_id, scene_id, source, received_at_ms,
                                  is_partial, termination_reason, termination_frame, completed_episodes, metrics,
                                  encoding, bytes)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             ON CONFLICT (participant_id, export_id) DO NOTHING",
            &[
                Value::Text(export.participant.as_str()),
                Value::Text(export.export.as_str()),
                Value::Text(export.game.as_str()),
                Value::Text(export.scene.as_str()),
                Value::Text(source),
                Value::Int(whole_ms(now)),
                Value::MaybeBool(export.status.is_partial),
                Value::MaybeText(export.status.termination_reason.as_deref()),
                Value::MaybeInt(export.status.termination_frame),
                Value::MaybeInt(export.status.completed_episodes),
                Value::Text(&export.metrics),
                Value::Text(encoding),
                Value::Int(i64::try_from(bytes).unwrap_or(i64::MAX)),
            ],
        )
        .await?;
    Ok(())
}

/// Rounded up, so that no deadline is looked at before its time.
pub(in crate::store) fn whole_ms(moment: Millis) -> i64 {
    i64::try_from(moment.ceil()).unwrap_or(i64::MAX)
}
