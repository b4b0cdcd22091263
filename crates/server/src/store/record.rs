//! The record that the server writes for a participant whose page never sent its data.

use serde_json::{Value, json};
use stillhere_core::ids::{ExportId, PlayerId};
use stillhere_core::metrics::SessionStatus;
use stillhere_core::session::{GameSession, Outcome, Seat, Standing};
use stillhere_core::time::Millis;

/// The id of the server's record of a game. A page never chooses it: ids are compared per participant,
/// and a repeated deadline must find the first record.
pub(super) fn export_id(game: &GameSession) -> ExportId {
    ExportId::try_from(format!("server-{}", game.id()))
        .unwrap_or_else(|_| unreachable!("game ids leave room for a prefix"))
}

/// What the server knows of a participant's session.
pub(super) fn partial_metrics(game: &GameSession, seat: &Seat, now: Millis) -> Value {
    json!({
        "gameId": game.id(),
        "playerId": seat.player,
        "numPlayers": game.settings().players,
        "exportTimestamp": now,
        "sessionStatus": session_status(game, seat),
        "verdict": seat.verdict,
        "alsoExcluded": seat.also_excluded,
        "lastStatus": seat.last_status,
    })
}

fn session_status(game: &GameSession, seat: &Seat) -> Option<Value> {
    let Standing::Out { outcome, frame, at } = seat.standing else {
        return None;
    };
    let (termination_reason, terminated_by) = seat.termination()?;
    let status = SessionStatus {
        // Of whatever was played, the page's own data is missing.
        is_partial: true,
        termination_reason,
        terminated_by,
        termination_frame: frame,
        terminated_at_timestamp: Some(at),
        completed_episodes: seat.last_status.map_or(0, |last| last.completed_episodes),
        disconnected_player_id: lost_player(game, seat, outcome),
    };
    let mut status = serde_json::to_value(status).ok()?;
    if seat.last_status.is_none() {
        // Only the page counts episodes; a 0 would claim to know.
        status["completedEpisodes"] = Value::Null;
    }
    Some(status)
}

fn lost_player(game: &GameSession, seat: &Seat, outcome: Outcome) -> Option<PlayerId> {
    let lost = match outcome {
        Outcome::Disconnected | Outcome::FocusLoss => return Some(seat.player.clone()),
        Outcome::PartnerDisconnected => Outcome::Disconnected,
        Outcome::PartnerFocusLoss => Outcome::FocusLoss,
        _ => return None,
    };
    // Others may have been lost before, in a game that went on.
    game.seats()
        .iter()
        .filter_map(|seat| match seat.standing {
            Standing::Out { outcome, at, .. } if outcome == lost => Some((at, &seat.player)),
            _ => None,
        })
        .max_by(|(one, _), (other, _)| one.cmp(other))
        .map(|(_, player)| player.clone())
}
