//! What is read, in a transaction or beside one.

use stillhere_core::ids::{ExportId, GameId, ParticipantId};
use stillhere_core::session::{GameSession, Phase};
use stillhere_core::time::Millis;

use super::super::{LiveGames, SeatRecord, StoreError, Study};
use super::connection::{Columns, Connection, Value};

/// A participant's seat in a game, or the one that they took last.
pub(in crate::store) async fn seat<C: Connection>(
    connection: &mut C,
    study: &Study,
    participant: &ParticipantId,
    game: Option<&GameId>,
) -> Result<Option<SeatRecord>, StoreError> {
    let row = connection
        .row(
            "SELECT games.state, seats.player_id, seats.outcome, seats.completion_code
               FROM seats JOIN games ON games.game_id = seats.game_id
              WHERE seats.participant_id = $1 AND games.experiment_id = $2
                AND ($3 IS NULL OR seats.game_id = $3)
              ORDER BY seats.joined_at_ms DESC, seats.rowid DESC LIMIT 1",
            &[
                Value::Text(participant.as_str()),
                Value::Text(&study.experiment_id),
                Value::MaybeText(game.map(GameId::as_str)),
            ],
        )
        .await?;
    row.as_ref().map(seat_record).transpose()
}

fn seat_record(row: &impl Columns) -> Result<SeatRecord, StoreError> {
    Ok(SeatRecord {
        game: serde_json::from_str(row.text(0)?)?,
        player: serde_json::from_str(row.text(1)?)?,
        outcome: row.maybe_text(2)?,
        completion_code: row.maybe_text(3)?,
    })
}

/// The size of an export, if it is stored.
pub(super) async fn stored_bytes<C: Connection>(
    connection: &mut C,
    participant: &ParticipantId,
    export: &ExportId,
) -> Result<Option<u64>, StoreError> {
    let row = connection
        .row(
            "SELECT bytes FROM exports WHERE participant_id = $1 AND export_id = $2",
            &[
                Value::Text(participant.as_str()),
                Value::Text(export.as_str()),
            ],
        )
        .await?;
    row.map(|row| Ok(row.int(0)?.unsigned_abs())).transpose()
}

/// The chunk of an upload that begins at an offset.
pub(in crate::store) async fn chunk<C: Connection>(
    connection: &mut C,
    participant: &ParticipantId,
    export: &ExportId,
    offset: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = connection
        .row(
            "SELECT bytes FROM export_chunks WHERE participant_id = $1 AND export_id = $2 AND \"offset\" = $3",
            &[
                Value::Text(participant.as_str()),
                Value::Text(export.as_str()),
                Value::Int(i64::try_from(offset).unwrap_or(i64::MAX)),
            ],
        )
        .await?;
    row.map(|row| row.bytes(0)).transpose()
}

/// The earliest moment at which a game needs a look.
pub(in crate::store) async fn next_deadline<C: Connection>(
    connection: &mut C,
    study: &Study,
) -> Result<Option<Millis>, StoreError> {
    let row = connection
        .row(
            "SELECT MIN(deadline_ms) FROM games WHERE experiment_id = $1 AND deadline_ms IS NOT NULL",
            &[Value::Text(&study.experiment_id)],
        )
        .await?;
    let earliest = row.map(|row| row.maybe_int(0)).transpose()?.flatten();
    Ok(earliest.map(|ms| Millis::from(u64::try_from(ms).unwrap_or_default())))
}

/// The games that have not ended, or owe somebody something.
pub(in crate::store) async fn unsettled<C: Connection>(
    connection: &mut C,
    study: &Study,
) -> Result<Vec<GameSession>, StoreError> {
    let rows = connection
        .rows(
            "SELECT state FROM games
              WHERE experiment_id = $1 AND (phase <> 'ended' OR deadline_ms IS NOT NULL)
              ORDER BY created_at_ms, rowid",
            &[Value::Text(&study.experiment_id)],
        )
        .await?;
    // One game that cannot be read must not keep the others from going on.
    let readable = rows.iter().filter_map(|row| {
        let game = row
            .text(0)
            .and_then(|state| Ok(serde_json::from_str(state)?));
        game.inspect_err(|error| tracing::error!(%error, "a game is left as it is"))
            .ok()
    });
    Ok(readable.collect())
}

/// How many games are live.
pub(in crate::store) async fn live_games<C: Connection>(
    connection: &mut C,
    study: &Study,
) -> Result<LiveGames, StoreError> {
    let rows = connection
        .rows(
            "SELECT phase, COUNT(*) FROM games
              WHERE experiment_id = $1 AND phase <> 'ended'
                AND (phase <> 'waiting' OR EXISTS (
                  SELECT 1 FROM seats WHERE seats.game_id = games.game_id AND seats.outcome IS NULL))
              GROUP BY phase",
            &[Value::Text(&study.experiment_id)],
        )
        .await?;
    let since = Millis::ZERO;
    let mut counts = LiveGames::default();
    for row in rows {
        let count = row.int(1)?;
        match row.text(0)? {
            name if name == Phase::Waiting.as_str() => counts.waiting = count,
            name if name == Phase::Playing { since }.as_str() => counts.playing = count,
            _ => counts.ending = count,
        }
    }
    Ok(counts)
}
