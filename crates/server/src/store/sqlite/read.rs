//! What is read in a transaction as well as beside one.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use stillhere_core::ids::{ExportId, GameId, ParticipantId};

use super::super::{SeatRecord, StoreError, Study};

/// A participant's seat in a game, or the one that they took last.
pub(super) async fn seat(
    connection: &mut SqliteConnection,
    study: &Study,
    participant: &ParticipantId,
    game: Option<&GameId>,
) -> Result<Option<SeatRecord>, StoreError> {
    let row = sqlx::query(
        "SELECT games.state, seats.player_id, seats.outcome, seats.completion_code
           FROM seats JOIN games ON games.game_id = seats.game_id
          WHERE seats.participant_id = $1 AND games.experiment_id = $2
            AND ($3 IS NULL OR seats.game_id = $3)
          ORDER BY seats.joined_at_ms DESC, seats.rowid DESC LIMIT 1",
    )
    .bind(participant.as_str())
    .bind(&study.experiment_id)
    .bind(game.map(GameId::as_str))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(seat_record).transpose()
}

fn seat_record(row: &SqliteRow) -> Result<SeatRecord, StoreError> {
    Ok(SeatRecord {
        game: serde_json::from_str(row.try_get("state")?)?,
        player: serde_json::from_str(row.try_get("player_id")?)?,
        outcome: row.try_get("outcome")?,
        completion_code: row.try_get("completion_code")?,
    })
}

/// The size of an export, if it is stored.
pub(super) async fn stored_bytes(
    connection: &mut SqliteConnection,
    participant: &ParticipantId,
    export: &ExportId,
) -> Result<Option<u64>, StoreError> {
    let bytes: Option<i64> = sqlx::query_scalar(
        "SELECT bytes FROM exports WHERE participant_id = $1 AND export_id = $2",
    )
    .bind(participant.as_str())
    .bind(export.as_str())
    .fetch_optional(connection)
    .await?;
    Ok(bytes.map(i64::unsigned_abs))
}

/// The chunk of an upload that begins at an offset.
pub(super) async fn chunk(
    connection: &mut SqliteConnection,
    participant: &ParticipantId,
    export: &ExportId,
    offset: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT bytes FROM export_chunks WHERE participant_id = $1 AND export_id = $2 AND \"offset\" = $3",
    )
    .bind(participant.as_str())
    .bind(export.as_str())
    .bind(i64::try_from(offset).unwrap_or(i64::MAX))
    .fetch_optional(connection)
    .await?)
}
