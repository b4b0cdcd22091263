//! Exports that arrive in chunks: what is there of them, and their end.

use stillhere_core::ids::{ExportId, ParticipantId};
use stillhere_core::time::Millis;
use stillhere_core::wire::{ErrorCode, Refusal};

use super::super::{NewChunk, Progress, StoreError, Study, UploadLimits};
use super::connection::{Columns, Connection, Value};
use super::read;
use super::rows::whole_ms;

/// An upload that nobody has touched for so long is dropped: the token that could go on with it is
/// no longer valid.
const ABANDONED_AFTER: Millis = Millis::new(crate::token::VALID_FOR_MS as f64);

/// Adds a chunk if it begins where the upload ends.
pub(super) async fn add<C: Connection>(
    connection: &mut C,
    study: &Study,
    now: Millis,
    chunk: &NewChunk,
    limits: UploadLimits,
) -> Result<Progress, StoreError> {
    let stored = read::stored_bytes(connection, &chunk.participant, &chunk.export).await?;
    if let Some(received) = stored {
        return Ok(Progress {
            received,
            stored: true,
            taken: false,
        });
    }
    let upload = upload(connection, &chunk.participant, &chunk.export).await?;
    if upload.is_none() {
        let seat = read::seat(connection, study, &chunk.participant, None).await?;
        if seat.is_none() {
            let message = "this participant has not played";
            return Err(Refusal::new(ErrorCode::UnknownGame, message).into());
        }
    }
    let (received, chunks) = upload.unwrap_or_default();
    if chunk.offset != received || chunk.bytes.is_empty() {
        return Ok(Progress {
            received,
            stored: false,
            taken: chunk.offset == received,
        });
    }
    let more = chunk.bytes.len() as u64;
    if received + more > limits.export || chunks >= limits.chunks {
        return Err(too_large("this export is too large, or in too many chunks"));
    }
    if upload.is_none() {
        drop_abandoned(connection, now).await?;
    }
    let (bytes, unfinished) = everything_of(connection, &chunk.participant).await?;
    if bytes + more > limits.participant || (upload.is_none() && unfinished >= limits.unfinished) {
        return Err(too_large(
            "this participant's exports are too large, or too many",
        ));
    }
    connection
        .execute(
            "INSERT INTO uploads (participant_id, export_id, received, chunks, updated_at_ms) VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (participant_id, export_id) DO UPDATE SET
               received = uploads.received + excluded.received, chunks = uploads.chunks + 1,
               updated_at_ms = excluded.updated_at_ms",
            &[
                Value::Text(chunk.participant.as_str()),
                Value::Text(chunk.export.as_str()),
                Value::Int(signed(more)),
                Value::Int(whole_ms(now)),
            ],
        )
        .await?;
    connection
        .execute(
            "INSERT INTO export_chunks (participant_id, export_id, \"offset\", bytes) VALUES ($1, $2, $3, $4)",
            &[
                Value::Text(chunk.participant.as_str()),
                Value::Text(chunk.export.as_str()),
                Value::Int(signed(chunk.offset)),
                Value::Bytes(&chunk.bytes),
            ],
        )
        .await?;
    Ok(Progress {
        received: received + more,
        stored: false,
        taken: true,
    })
}

/// Ends an upload whose document is stored from now on: its chunks stay.
pub(super) async fn settle<C: Connection>(
    connection: &mut C,
    participant: &ParticipantId,
    export: &ExportId,
    length: u64,
) -> Result<(), StoreError> {
    if delete(connection, participant, export, Some(length)).await? {
        return Ok(());
    }
    let message = "more has arrived while the data was checked; ask again how far it is";
    Err(Refusal::new(ErrorCode::StorageUnavailable, message).into())
}

/// Drops an upload with its chunks, if there is one (of this length, if that is given).
pub(super) async fn remove<C: Connection>(
    connection: &mut C,
    participant: &ParticipantId,
    export: &ExportId,
    length: Option<u64>,
) -> Result<(), StoreError> {
    if delete(connection, participant, export, length).await? {
        connection
            .execute(
                "DELETE FROM export_chunks WHERE participant_id = $1 AND export_id = $2",
                &[
                    Value::Text(participant.as_str()),
                    Value::Text(export.as_str()),
                ],
            )
            .await?;
    }
    Ok(())
}

async fn delete<C: Connection>(
    connection: &mut C,
    participant: &ParticipantId,
    export: &ExportId,
    length: Option<u64>,
) -> Result<bool, StoreError> {
    let deleted = connection
        .execute(
            "DELETE FROM uploads WHERE participant_id = $1 AND export_id = $2 AND ($3 IS NULL OR received = $3)",
            &[
                Value::Text(participant.as_str()),
                Value::Text(export.as_str()),
                Value::MaybeInt(length.map(signed)),
            ],
        )
        .await?;
    Ok(deleted > 0)
}

/// Bytes and chunks of an upload.
async fn upload<C: Connection>(
    connection: &mut C,
    participant: &ParticipantId,
    export: &ExportId,
) -> Result<Option<(u64, u64)>, StoreError> {
    let row = connection
        .row(
            "SELECT received, chunks FROM uploads WHERE participant_id = $1 AND export_id = $2",
            &[
                Value::Text(participant.as_str()),
                Value::Text(export.as_str()),
            ],
        )
        .await?;
    row.as_ref().map(two_counts).transpose()
}

/// The bytes of all exports of a participant that came in chunks, and how many are not finished.
async fn everything_of<C: Connection>(
    connection: &mut C,
    participant: &ParticipantId,
) -> Result<(u64, u64), StoreError> {
    let row = connection
        .row(
            "SELECT CAST(COALESCE(SUM(received), 0)
                  + (SELECT COALESCE(SUM(bytes), 0) FROM exports WHERE participant_id = $1 AND encoding = 'gzip')
                    AS BIGINT),
                    COUNT(*)
               FROM uploads WHERE participant_id = $1",
            &[Value::Text(participant.as_str())],
        )
        .await?;
    Ok(row
        .as_ref()
        .map(two_counts)
        .transpose()?
        .unwrap_or_default())
}

fn two_counts(row: &impl Columns) -> Result<(u64, u64), StoreError> {
    Ok((row.int(0)?.unsigned_abs(), row.int(1)?.unsigned_abs()))
}

async fn drop_abandoned<C: Connection>(connection: &mut C, now: Millis) -> Result<(), StoreError> {
    let before = whole_ms(now - ABANDONED_AFTER);
    connection
        .execute(
            "DELETE FROM export_chunks WHERE (participant_id, export_id) IN
               (SELECT participant_id, export_id FROM uploads WHERE updated_at_ms < $1)",
            &[Value::Int(before)],
        )
        .await?;
    connection
        .execute(
            "DELETE FROM uploads WHERE updated_at_ms < $1",
            &[Value::Int(before)],
        )
        .await?;
    Ok(())
}

fn too_large(message: &str) -> StoreError {
    Refusal::new(ErrorCode::TooLarge, message).into()
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
