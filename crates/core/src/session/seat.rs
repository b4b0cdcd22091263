//! A participant's place in a game.

use serde::{Deserialize, Serialize};

use crate::exclusion::Side;
use crate::ids::{ConnectionId, DeliveryId, ExportId, Frame, ParticipantId, PlayerId};
use crate::metrics::{TerminatedBy, TerminationReason};
use crate::outbox::Owed;
use crate::time::Millis;
use crate::wire::{
    GameEnded, ParticipantExcluded, PartnerExcluded, PartnerLeft, ServerEvent, TriggerDataExport,
};

use super::outcome::Outcome;

/// Whether a participant's socket is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Presence {
    /// It is.
    Connected {
        /// Which one.
        connection: ConnectionId,
    },
    /// It is not.
    Away {
        /// Since when.
        since: Millis,
        /// Whether it was the server that went away, not the participant.
        #[serde(default)]
        by_restart: bool,
    },
}

/// What a participant is doing in the game.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// Waiting or playing.
    Playing,
    /// Done with it, one way or another.
    Out {
        /// What it came to.
        outcome: Outcome,
        /// The frame at which it ended.
        frame: Frame,
        /// When it ended.
        at: Millis,
    },
}

/// A message that a participant is owed until it is acked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id; the event carries it too.
    pub id: DeliveryId,
    /// The message.
    pub event: DeliveryEvent,
    /// When to send it again.
    pub owed: Owed,
    /// When it was acked; `None` while it is owed.
    pub acked_at: Option<Millis>,
}

/// The messages that are owed. All others may be lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "payload", rename_all = "snake_case")]
pub enum DeliveryEvent {
    /// A partner was excluded.
    PartnerExcluded(PartnerExcluded),
    /// Export your data now.
    TriggerDataExport(TriggerDataExport),
    /// The server excluded the receiver.
    ParticipantExcluded(ParticipantExcluded),
    /// A player is gone and the game goes on.
    PartnerLeft(PartnerLeft),
    /// The game ended without a verdict.
    P2pGameEnded(GameEnded),
}

impl DeliveryEvent {
    /// The event as it goes over the wire.
    #[must_use]
    pub fn to_server_event<V>(&self) -> ServerEvent<V> {
        match self.clone() {
            Self::PartnerExcluded(payload) => ServerEvent::PartnerExcluded(payload),
            Self::TriggerDataExport(payload) => ServerEvent::TriggerDataExport(payload),
            Self::ParticipantExcluded(payload) => ServerEvent::ParticipantExcluded(payload),
            Self::PartnerLeft(payload) => ServerEvent::PartnerLeft(payload),
            Self::P2pGameEnded(payload) => ServerEvent::GameEnded(payload),
        }
    }
}

/// Who wrote an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportOrigin {
    /// The participant's page.
    Client,
    /// The server, from what it knows, because the page never sent one.
    Server,
}

/// An export that is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Its id; `None` for the server's own record.
    pub id: Option<ExportId>,
    /// Who wrote it.
    pub origin: ExportOrigin,
    /// When it was stored.
    pub at: Millis,
}

/// A participant's place in a game.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seat {
    /// Who sits there.
    pub participant: ParticipantId,
    /// Who they are in the game.
    pub player: PlayerId,
    /// When they took the seat.
    pub joined_at: Millis,
    /// Whether their socket is there.
    pub presence: Presence,
    /// What they are doing.
    pub standing: Standing,
    /// The last frame that the server knows of.
    pub frame: Frame,
    /// What they are owed, and what they have acked.
    pub deliveries: Vec<Delivery>,
    /// Their stored data, the page's own replacing the server's.
    pub export: Option<Export>,
    /// The verdict that excluded them.
    pub verdict: Option<super::event::Verdict>,
    /// A verdict on them that came after the game had ended; it changed nothing.
    pub also_excluded: Option<super::event::Verdict>,
    /// What their page said last, before it was closed or reloaded.
    pub last_status: Option<super::event::LastStatus>,
    /// Whether they were told where to go after the game.
    #[serde(default)]
    pub redirected: bool,
}

impl Seat {
    pub(super) const fn new(
        participant: ParticipantId,
        connection: ConnectionId,
        player: PlayerId,
        now: Millis,
    ) -> Self {
        Self {
            participant,
            player,
            joined_at: now,
            presence: Presence::Connected { connection },
            standing: Standing::Playing,
            frame: Frame(0),
            deliveries: Vec::new(),
            export: None,
            verdict: None,
            also_excluded: None,
            last_status: None,
            redirected: false,
        }
    }

    /// Whether the participant still waits or plays.
    #[must_use]
    pub const fn is_playing(&self) -> bool {
        matches!(self.standing, Standing::Playing)
    }

    /// Whether the participant's socket is there.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self.presence, Presence::Connected { .. })
    }

    /// The participant's current socket.
    #[must_use]
    pub const fn connection(&self) -> Option<&ConnectionId> {
        match &self.presence {
            Presence::Connected { connection } => Some(connection),
            Presence::Away { .. } => None,
        }
    }

    /// Whether this is the participant's current socket.
    #[must_use]
    pub fn is_connected_by(&self, socket: &ConnectionId) -> bool {
        matches!(&self.presence, Presence::Connected { connection } if connection == socket)
    }

    /// Whether the participant has not acked everything yet.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        self.deliveries
            .iter()
            .any(|delivery| delivery.acked_at.is_none())
    }

    /// What the game came to for the participant; `None` while they play.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self.standing {
            Standing::Playing => None,
            Standing::Out { outcome, .. } => Some(outcome),
        }
    }

    /// Whether the participant has played to some end.
    #[must_use]
    pub fn has_played(&self) -> bool {
        match self.outcome() {
            None | Some(Outcome::WaitingRoomTimeout) => false,
            // In the waiting room nobody is owed a message of the end.
            Some(Outcome::ServerShutdown) => !self.deliveries.is_empty(),
            Some(_) => true,
        }
    }

    /// Whether the participant has played to some end and was never told where to go from there.
    #[must_use]
    pub fn awaits_redirect(&self) -> bool {
        self.has_played() && !self.redirected
    }

    /// How the participant's session status says it; `None` while they play, or if no game was played.
    #[must_use]
    pub fn termination(&self) -> Option<(TerminationReason, Option<TerminatedBy>)> {
        let outcome = self.outcome()?;
        let (reason, by) = outcome.termination()?;
        let by_server = matches!(outcome, Outcome::Excluded(_))
            && self
                .verdict
                .as_ref()
                .is_some_and(|verdict| verdict.decided_by == Side::Server);
        Some((
            reason,
            if by_server {
                Some(TerminatedBy::Server)
            } else {
                by
            },
        ))
    }

    /// The game has reached a frame for this participant.
    pub(super) fn reached(&mut self, frame: Frame) {
        self.frame = self.frame.max(frame);
    }

    pub(super) fn leave_with(&mut self, outcome: Outcome, frame: Frame, now: Millis) {
        self.standing = Standing::Out {
            outcome,
            frame,
            at: now,
        };
    }
}
