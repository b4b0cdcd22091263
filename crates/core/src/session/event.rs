//! What goes into a game and what comes out.

use serde::{Deserialize, Serialize};

use crate::exclusion::{ExclusionReason, Side};
use crate::ids::{ConnectionId, DeliveryId, ExportId, Frame, ParticipantId, PlayerId};
use crate::time::Millis;
use crate::wire::{PauseGame, PlayerAssigned, ResumeGame, TerminalStateReason, WaitingRoom};

use super::outcome::Outcome;
use super::seat::DeliveryEvent;

/// A verdict on one participant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The broken rule.
    pub reason: ExclusionReason,
    /// The frame that the game had reached.
    pub frame: Frame,
    /// Who decided.
    pub decided_by: Side,
    /// What the participant is told, if the server decided.
    pub message: Option<String>,
    /// What it rests on, as JSON text; kept as it is.
    pub evidence: Option<String>,
}

/// What a page says of itself in its last moment, before it is closed or reloaded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastStatus {
    /// The frame that the game had reached.
    pub frame: Frame,
    /// Finished episodes.
    pub completed_episodes: u64,
    /// For how long the tab had been hidden.
    pub hidden_ms: Millis,
    /// When the server heard it.
    pub at: Millis,
}

/// Something that happened to a game.
#[derive(Clone, Debug, PartialEq)]
pub enum GameInput {
    /// A participant takes a seat, or comes back to it.
    Join {
        /// Who.
        participant: ParticipantId,
        /// On which socket. The one before it, if it is still there, has no say any more.
        connection: ConnectionId,
    },
    /// A participant leaves of their own accord.
    Leave {
        /// Who.
        participant: ParticipantId,
        /// The last frame that the server saw of them.
        frame: Frame,
    },
    /// A socket is lost. It matters if it was the participant's current one.
    Disconnected {
        /// Who.
        participant: ParticipantId,
        /// Which socket.
        connection: ConnectionId,
        /// The last frame that the server saw of them.
        frame: Frame,
    },
    /// A verdict on a participant, by their own page or by the server.
    Verdict {
        /// On whom: the participant that the reporting socket is bound to.
        participant: ParticipantId,
        /// Whom the page says it is. Checked, never trusted. `None` if the server decided.
        claimed: Option<PlayerId>,
        /// The verdict.
        verdict: Verdict,
        /// The last frame that the server saw of them.
        seen: Frame,
    },
    /// A participant has played the game to its end.
    Completed {
        /// Who.
        participant: ParticipantId,
        /// Whom the page says it is.
        claimed: PlayerId,
        /// The last frame that the server saw of them.
        frame: Frame,
    },
    /// A page says that its session ended on its own.
    TerminalState {
        /// Whose.
        participant: ParticipantId,
        /// Why.
        reason: TerminalStateReason,
        /// The frame that the game had reached.
        frame: Frame,
    },
    /// A participant acked a delivery.
    Delivered {
        /// Who.
        participant: ParticipantId,
        /// What.
        delivery: DeliveryId,
    },
    /// A participant's data is being stored, in the same transaction.
    Exported {
        /// Whose.
        participant: ParticipantId,
        /// The page's id of it.
        export: ExportId,
        /// Whether it is the whole session. Otherwise it is the part before a reload, and the rest is still
        /// waited for.
        finished: bool,
    },
    /// A page is closed or reloaded and says where it stood.
    LastStatus {
        /// Whose.
        participant: ParticipantId,
        /// What it says.
        status: LastStatus,
    },
    /// A participant was told where to go after the game.
    Redirected {
        /// Who.
        participant: ParticipantId,
    },
    /// The server stops.
    Shutdown,
    /// The server is back after a stop or a crash, which no socket has survived.
    Restarted,
    /// One of several servers is gone, and these sockets with it.
    SocketsLost {
        /// All of that server's; those that are no participant's current one do not matter.
        connections: Vec<ConnectionId>,
    },
    /// Time passed: look at the deadlines.
    Deadline,
}

/// The answer to an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GameReply {
    /// It was taken in.
    Accepted,
    /// The game had ended for this participant before; a verdict is written down all the same.
    AlreadyEnded,
}

/// What is to be done, after the game was stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GameOutput {
    /// Tell a participant how the waiting room fills. May be lost.
    WaitingRoom {
        /// Whom.
        to: ParticipantId,
        /// What.
        event: WaitingRoom,
    },
    /// Give a participant their seat. Repeated when they come back.
    Assign {
        /// Whom.
        to: ParticipantId,
        /// The seat.
        event: PlayerAssigned,
    },
    /// Tell a participant that the game begins. Repeated when they come back.
    Ready {
        /// Whom.
        to: ParticipantId,
    },
    /// Tell a participant that the game waits for a partner. May be lost.
    Pause {
        /// Whom.
        to: ParticipantId,
        /// What.
        event: PauseGame,
    },
    /// Tell a participant that the partner is back. May be lost.
    Resume {
        /// Whom.
        to: ParticipantId,
        /// What.
        event: ResumeGame,
    },
    /// Send a message that is owed, and hand its ack back as [`GameInput::Delivered`].
    Deliver {
        /// Whom.
        to: ParticipantId,
        /// The delivery.
        delivery: DeliveryId,
        /// The message.
        event: DeliveryEvent,
    },
    /// Tell a participant that the waiting is over without a game.
    WaitingOver {
        /// Whom.
        to: ParticipantId,
    },
    /// A participant is done; write it down with a completion code.
    Outcome {
        /// Who.
        participant: ParticipantId,
        /// What it came to.
        outcome: Outcome,
    },
    /// Write a partial record of a participant whose page never sent its data, in this transaction.
    RecordPartial {
        /// Who.
        participant: ParticipantId,
    },
    /// The game is over for everybody and all data is stored.
    Ended,
}
