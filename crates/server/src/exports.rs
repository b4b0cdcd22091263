//! Of which game an export is, however it arrives.

use serde_json::Value;
use stillhere_core::ids::{ExportId, GameId, ParticipantId};
use stillhere_core::wire::{ErrorCode, Refusal};

use crate::lifecycle::refusal;
use crate::state::State;

/// Ids that begin so are the server's own.
const SERVERS_OWN: &str = "server-";

/// Refuses an id by which a page's data would stand in the place of the server's own record.
pub(crate) fn check_id(export: &ExportId) -> Result<(), Refusal> {
    if export.as_str().starts_with(SERVERS_OWN) {
        let message = format!(
            "export_id is \"{export}\", allowed is an id that does not begin with {SERVERS_OWN}"
        );
        return Err(Refusal::new(ErrorCode::InvalidPayload, message));
    }
    Ok(())
}

/// The game that the data is of: the one that it names, if the participant sat there; else their last
/// one. Data of an earlier game may come long after the next one has begun.
pub(crate) async fn played_game(
    state: &State,
    participant: &ParticipantId,
    metrics: &Value,
) -> Result<GameId, Refusal> {
    let named = metrics["gameId"]
        .as_str()
        .and_then(|id| GameId::try_from(id).ok());
    let mut record = None;
    if let Some(named) = &named {
        let seat = state.store.seat(participant, Some(named)).await;
        record = seat.map_err(refusal)?;
    }
    if record.is_none() {
        record = state.store.seat(participant, None).await.map_err(refusal)?;
    }
    record
        .map(|record| record.game.id().clone())
        .ok_or_else(|| Refusal::new(ErrorCode::UnknownGame, "this participant has not played"))
}
