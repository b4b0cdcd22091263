//! What a store is asked to change, and what it says of it.

use stillhere_core::ids::{ConnectionId, ExportId, GameId, ParticipantId, SceneId};
use stillhere_core::session::{Applicant, GameInput, GameOutput, GameReply, GameSession};

use super::StatusColumns;
use super::upload::{NewChunk, Progress, UploadLimits};

/// One change. Whatever it decides by, it reads in the same transaction.
#[derive(Clone, Debug)]
pub enum Job {
    /// One input to one game: load, [`GameSession::handle`], store. Done: [`Done::Committed`].
    Input(GameId, GameInput),
    /// Gives a participant their seat back, or one in the oldest waiting game of the scene that has
    /// room, or one in a fresh game. Done: [`Done::Committed`].
    Join(Box<JoinRequest>),
    /// Gives a participant their seat back if their last game still concerns them. Done:
    /// [`Done::Committed`], or [`Done::Nothing`] if it does not.
    Resume(ParticipantId, ConnectionId),
    /// As [`Job::Resume`], over a socket that was taken for lost while it was there: only if no other one has the
    /// seat by now, and refused as `unknown_game` if there is no seat any more.
    Reclaim(ParticipantId, ConnectionId),
    /// Stores a participant's data. Done: [`Done::Committed`], or [`Done::Nothing`] if this export is
    /// stored already.
    Export(Box<NewExport>),
    /// Adds a chunk to an upload. Done: [`Done::Progress`].
    Chunk(NewChunk, UploadLimits),
    /// Drops what has arrived of an upload, if it is still of this length. Done: [`Done::Nothing`].
    DropUpload(ParticipantId, ExportId, u64),
}

impl Job {
    /// About how many bytes it writes, for the size of a transaction.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Export(export) => export.metrics.len(),
            Self::Chunk(chunk, _) => chunk.bytes.len(),
            _ => 0,
        }
    }
}

/// What became of a job.
#[derive(Clone, Debug)]
pub enum Done {
    /// A game took an input in.
    Committed(Box<Committed>),
    /// There was nothing to do.
    Nothing,
    /// How far an upload is.
    Progress(Progress),
}

impl Done {
    /// The game, if one took an input in.
    #[must_use]
    pub fn committed(&self) -> Option<&Committed> {
        match self {
            Self::Committed(committed) => Some(committed),
            _ => None,
        }
    }
}

/// A game after an input, as it was committed, and what is to be sent now.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The game as it is stored.
    pub game: GameSession,
    /// The answer to the input.
    pub reply: GameReply,
    /// What is to be sent.
    pub outputs: Vec<GameOutput>,
}

/// A participant who wants a seat.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    /// Who.
    pub participant: ParticipantId,
    /// On which socket.
    pub connection: ConnectionId,
    /// What is known of them.
    pub applicant: Applicant,
    /// For whom else the socket has spoken until now: refused while that one is in a game.
    pub instead_of: Option<ParticipantId>,
    /// The game that is begun if no waiting one of its scene has room.
    pub fresh: GameSession,
}

/// A participant's data that is to be stored.
#[derive(Clone, Debug)]
pub struct NewExport {
    /// Whose.
    pub participant: ParticipantId,
    /// Of which game.
    pub game: GameId,
    /// Of which scene, by the page's account.
    pub scene: SceneId,
    /// The page's id of it.
    pub export: ExportId,
    /// The metrics as JSON text, whole or in part.
    pub metrics: String,
    /// Where the whole is.
    pub document: Document,
    /// What the metrics say of how the session ended.
    pub status: StatusColumns,
    /// Whether it is the whole session, and not the part before a reload.
    pub finished: bool,
}

/// Where an export's whole document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The metrics are all of it.
    Inline,
    /// In the chunks of an upload of this length, compressed. If the upload has another length by now,
    /// the export is refused.
    Uploaded(u64),
}
