//! Whether one who asks for a game goes back to the last one, or on to another.

use crate::ids::ParticipantId;
use crate::wire::{ErrorCode, Refusal};

use super::game::GameSession;

/// Who asks for a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applicant {
    /// Whether they have proved to be the one who joined before under this id.
    pub proven: bool,
    /// Whether it is a page that was opened anew, and not one that goes on to its next game.
    pub reopened: bool,
}

/// Where one who asks for a game is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Into this game, where their seat is.
    Back,
    /// Into another one: this one is nothing to them any more.
    Elsewhere,
}

impl GameSession {
    /// Where a participant whose last game this is goes now.
    ///
    /// # Errors
    /// `unauthorized` for one who uses the id of somebody who plays or has played: seat, way out and completion code are
    /// nobody else's. `already_ended` while the ending is not over for them.
    pub fn admission(
        &self,
        participant: &ParticipantId,
        applicant: Applicant,
    ) -> Result<Admission, Refusal> {
        let Some(seat) = self.seat(participant) else {
            return Ok(Admission::Elsewhere);
        };
        if !(self.is_live() || seat.is_owed() || seat.has_played()) {
            return Ok(Admission::Elsewhere);
        }
        if !applicant.proven {
            return Err(Refusal::new(
                ErrorCode::Unauthorized,
                "this participant is or was in a game already; only the browser that joined it can go on under this id",
            ));
        }
        if seat.is_playing() || seat.is_owed() {
            return Ok(Admission::Back);
        }
        if applicant.reopened && seat.awaits_redirect() {
            return Err(Refusal::new(
                ErrorCode::AlreadyEnded,
                "this participant's game has ended; end_game_request_redirect answers where to go",
            ));
        }
        if self.is_live() && seat.export.is_none() {
            return Err(Refusal::new(
                ErrorCode::AlreadyEnded,
                "this participant's game is ending and its data is not stored yet; join again in a moment",
            ));
        }
        Ok(Admission::Elsewhere)
    }
}
