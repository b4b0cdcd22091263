//! What a page's own handlers are told.

use serde::Serialize;

use crate::exclusion::{ExclusionReason, WarningKind};
use crate::ids::{ExportId, Frame, GameId, PlayerId};
use crate::wire::JoinStatus;

/// An event for the page's own handlers. Serializes to its payload.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[cfg_attr(
    feature = "typescript",
    derive(tsify::Tsify),
    tsify(missing_as_null, namespace)
)]
pub enum PageEvent {
    /// `joined`: the server knows the participant.
    Joined {
        /// Who the participant is; `None` if neither the page nor the server says.
        participant_id: Option<String>,
        /// Proof of it; `None` if the server has none (MUG).
        participant_token: Option<String>,
        /// Where the participant stands.
        status: JoinStatus,
    },
    /// `assigned`: the participant has a seat.
    Assigned {
        /// Who the participant is in the game.
        player_id: PlayerId,
        /// The game.
        game_id: GameId,
        /// The seed that all players share.
        game_seed: u64,
        /// How many play.
        num_players: u64,
    },
    /// `warning`: the participant was warned.
    Warning {
        /// What about.
        kind: WarningKind,
        /// What the participant reads.
        message: String,
    },
    /// `excluded`: the participant was excluded.
    Excluded {
        /// The broken rule.
        reason: ExclusionReason,
        /// What the participant reads.
        message: String,
        /// The frame at which the game ended.
        frame: Frame,
    },
    /// `partnerExcluded`: a partner was excluded.
    PartnerExcluded {
        /// What the participant reads.
        message: String,
        /// The frame at which the game ended.
        frame: Frame,
    },
    /// `partnerDisconnected`: a partner's connection did not come back.
    PartnerDisconnected {
        /// Whose; `None` if the server does not say.
        player_id: Option<PlayerId>,
        /// What the participant reads.
        message: String,
    },
    /// `partnerLeft`: a partner is gone, and the game goes on without them.
    PartnerLeft {
        /// Who is gone.
        player_id: PlayerId,
        /// How many still play.
        num_players: u64,
        /// The last frame for which the leaver's actions count.
        frame: Frame,
        /// What the participant reads.
        message: String,
    },
    /// `takenOver`: the session goes on in another tab or window.
    TakenOver {},
    /// `paused`: play is to wait.
    Paused {
        /// Whose connection was lost: a `partner`'s, or (`connection`) the page's own.
        #[cfg_attr(feature = "typescript", tsify(type = "\"partner\" | \"connection\""))]
        reason: &'static str,
        /// Who is away, if the server says.
        player_id: Option<PlayerId>,
    },
    /// `resumed`: play goes on.
    Resumed {},
    /// `exported`: the server has stored the data.
    Exported {
        /// The export.
        export_id: ExportId,
        /// Whether it had been stored before.
        duplicate: bool,
    },
    /// `leftOvers`: every export that earlier pages had left in this browser has been tried.
    LeftOvers {
        /// How many the server has now.
        sent: usize,
        /// How many will be tried again.
        left: usize,
    },
    /// `redirect`: the server said where to go.
    Redirect {
        /// Where to; `None`: the page may be closed.
        url: Option<String>,
        /// After how many milliseconds.
        delay_ms: u64,
        /// What the participant shows to be paid.
        completion_code: Option<String>,
    },
    /// `error`: something went wrong that the page's developer should know of.
    Error {
        /// What, for code.
        #[cfg_attr(feature = "typescript", tsify(type = "ErrorCode"))]
        code: &'static str,
        /// What, for people.
        message: String,
    },
}

impl PageEvent {
    /// The name under which the page listens.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "joined",
            Self::Assigned { .. } => "assigned",
            Self::Warning { .. } => "warning",
            Self::Excluded { .. } => "excluded",
            Self::PartnerExcluded { .. } => "partnerExcluded",
            Self::PartnerDisconnected { .. } => "partnerDisconnected",
            Self::PartnerLeft { .. } => "partnerLeft",
            Self::TakenOver {} => "takenOver",
            Self::Paused { .. } => "paused",
            Self::Resumed {} => "resumed",
            Self::Exported { .. } => "exported",
            Self::LeftOvers { .. } => "leftOvers",
            Self::Redirect { .. } => "redirect",
            Self::Error { .. } => "error",
        }
    }

    /// Every name under which a page may listen; `ready` is sent by the adapter itself.
    pub const NAMES: &'static [&'static str] = &[
        "joined",
        "assigned",
        "ready",
        "warning",
        "excluded",
        "partnerExcluded",
        "partnerDisconnected",
        "partnerLeft",
        "takenOver",
        "paused",
        "resumed",
        "exported",
        "leftOvers",
        "redirect",
        "error",
    ];
}
