//! Where games, seats and exports are kept. Correctness rests on it alone: whatever has to survive
//! the server is committed here before anybody hears of it.

mod record;
mod sqlite;
mod status;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use stillhere_core::ids::{ExportId, GameId, ParticipantId, PlayerId, SceneId};
use stillhere_core::session::{GameInput, GameOutput, GameReply, GameSession, Outcome};
use stillhere_core::time::Millis;
use stillhere_core::wire::Refusal;

pub use sqlite::{OpenError, SqliteStore};
pub use status::StatusColumns;

/// Why a transaction came to nothing. In either case nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The game refused the input.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The storage failed; the same may succeed later.
    #[error("{0}")]
    Unavailable(String),
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
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
    /// Whether they have proved to be the one who joined before under this id.
    pub proven: bool,
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
    /// The metrics as JSON text.
    pub metrics: String,
    /// What the metrics say of how the session ended.
    pub status: StatusColumns,
}

/// A participant's seat as it is stored.
#[derive(Clone, Debug)]
pub struct SeatRecord {
    /// The game.
    pub game: GameSession,
    /// Who the participant is or was in it.
    pub player: PlayerId,
    /// What it came to, under its name; `None` while it goes on.
    pub outcome: Option<String>,
    /// The code that the participant shows to be paid.
    pub completion_code: Option<String>,
}

/// How many games are live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiveGames {
    /// In the waiting room.
    pub waiting: i64,
    /// Being played.
    pub playing: i64,
    /// Ended, with data on its way.
    pub ending: i64,
}

impl LiveGames {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> i64 {
        self.waiting + self.playing + self.ending
    }
}

/// Gives the completion code of an outcome in a scene.
pub type CompletionCode = dyn Fn(&SceneId, Outcome) -> String + Send + Sync;

/// What a store needs to know of the study that it keeps.
#[derive(Clone)]
pub struct Study {
    /// Which experiment's games to look at.
    pub experiment_id: String,
    /// Gives a participant's completion code.
    pub completion_code: Arc<CompletionCode>,
}

impl fmt::Debug for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Study")
            .field("experiment_id", &self.experiment_id)
            .finish_non_exhaustive()
    }
}

/// A place where games are kept.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// One input to one game: load, [`GameSession::handle`], store, commit.
    async fn transact(
        &self,
        now: Millis,
        game: &GameId,
        input: GameInput,
    ) -> Result<Committed, StoreError>;

    /// Gives a participant their seat back, or one in the oldest waiting game of the scene that has
    /// room, or one in a fresh game.
    async fn join(&self, now: Millis, request: JoinRequest) -> Result<Committed, StoreError>;

    /// Stores a participant's data. `None` if this export is stored already.
    async fn export(&self, now: Millis, export: NewExport)
    -> Result<Option<Committed>, StoreError>;

    /// A participant's seat in a game, or the one that they took last.
    async fn seat(
        &self,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError>;

    /// The earliest moment at which a game needs a look.
    async fn next_deadline(&self) -> Result<Option<Millis>, StoreError>;

    /// The games that need a look now, the most urgent first.
    async fn due(&self, now: Millis) -> Result<Vec<GameId>, StoreError>;

    /// The games that have not ended, or owe somebody something.
    async fn unsettled(&self) -> Result<Vec<GameSession>, StoreError>;

    /// How many games are live.
    async fn live_games(&self) -> Result<LiveGames, StoreError>;

    /// Finishes what is being written and lets go of the storage.
    async fn close(&self);
}
