//! What a game came to for one participant: exactly one outcome each.

use serde::{Deserialize, Serialize};

use crate::exclusion::ExclusionReason;
use crate::metrics::{TerminatedBy, TerminationReason};

/// What the game came to for one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Played to its end.
    Completed,
    /// Excluded by a rule.
    Excluded(ExclusionReason),
    /// A partner was excluded.
    PartnerExcluded,
    /// A partner's connection did not come back, or the partner left.
    PartnerDisconnected,
    /// The own connection did not come back, or the participant left.
    Disconnected,
    /// The own tab was hidden longer than `focus_loss_timeout_ms`.
    FocusLoss,
    /// A partner's tab was hidden longer than `focus_loss_timeout_ms`.
    PartnerFocusLoss,
    /// The server stopped.
    ServerShutdown,
    /// Nobody came to play with.
    WaitingRoomTimeout,
}

impl Outcome {
    /// The outcome's name in settings and data. An exclusion's reason is told apart by
    /// [`Outcome::termination`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Excluded(_) => "excluded",
            Self::PartnerExcluded => "partner_excluded",
            Self::PartnerDisconnected | Self::PartnerFocusLoss => "partner_disconnected",
            Self::Disconnected => "disconnected",
            Self::FocusLoss => "focus_loss",
            Self::ServerShutdown => "server_shutdown",
            Self::WaitingRoomTimeout => "waiting_room_timeout",
        }
    }

    /// Every name that [`Outcome::as_str`] gives.
    pub const NAMES: &'static [&'static str] = &[
        "completed",
        "excluded",
        "partner_excluded",
        "partner_disconnected",
        "disconnected",
        "focus_loss",
        "server_shutdown",
        "waiting_room_timeout",
    ];

    /// How the participant's session status says it; `None` if no game was played.
    #[must_use]
    pub fn termination(self) -> Option<(TerminationReason, Option<TerminatedBy>)> {
        let (reason, by) = match self {
            Self::Completed => (TerminationReason::Normal, None),
            Self::Excluded(reason) => (reason.into(), Some(TerminatedBy::Own)),
            Self::PartnerExcluded => (
                TerminationReason::PartnerExclusion,
                Some(TerminatedBy::Partner),
            ),
            Self::PartnerDisconnected => (
                TerminationReason::PartnerDisconnected,
                Some(TerminatedBy::Partner),
            ),
            Self::Disconnected => (
                TerminationReason::PartnerDisconnected,
                Some(TerminatedBy::Own),
            ),
            Self::FocusLoss => (TerminationReason::FocusLossTimeout, Some(TerminatedBy::Own)),
            Self::PartnerFocusLoss => (
                TerminationReason::FocusLossTimeout,
                Some(TerminatedBy::Partner),
            ),
            Self::ServerShutdown => (
                TerminationReason::ServerShutdown,
                Some(TerminatedBy::Server),
            ),
            Self::WaitingRoomTimeout => return None,
        };
        Some((reason, by))
    }
}
