//! Where games, seats and exports are kept. Correctness rests on it alone: whatever has to survive
//! the server is committed here before anybody hears of it.

mod job;
mod postgres;
mod record;
mod shared;
mod sql;
mod sqlite;
mod status;
mod upload;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use stillhere_core::ids::{ExportId, GameId, ParticipantId, PlayerId, SceneId};
use stillhere_core::session::{GameSession, Outcome};
use stillhere_core::time::Millis;
use stillhere_core::wire::Refusal;

pub use job::{Committed, Document, Done, Job, JoinRequest, NewExport};
pub use postgres::{ConnectError, PostgresStore, PostgresUrl};
pub use shared::{Message, News, Nodes, Shared};
pub use sqlite::{OpenError, SqliteStore};
pub use status::StatusColumns;
pub use upload::{NewChunk, Progress, UploadLimits};

/// Why a change came to nothing. In either case nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// Does jobs in one transaction, in their order: a game that two of them concern sees the first
    /// one's change in the second. A job that is refused changes nothing and spoils no other.
    ///
    /// # Errors
    /// If the transaction failed: then nothing was changed by any of them.
    async fn commit(
        &self,
        now: Millis,
        jobs: Vec<Job>,
    ) -> Result<Vec<Result<Done, StoreError>>, StoreError>;

    /// The chunk of an upload that begins at an offset; `None` behind the last one.
    async fn chunk(
        &self,
        participant: &ParticipantId,
        export: &ExportId,
        offset: u64,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// A participant's seat in a game, or the one that they took last.
    async fn seat(
        &self,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError>;

    /// The earliest moment at which a game needs a look.
    async fn next_deadline(&self) -> Result<Option<Millis>, StoreError>;

    /// The games that need a look now, the most urgent first. Where several servers share the store, each
    /// game is handed to one of them; to another one if nothing is heard of it for a few seconds.
    async fn due(&self, now: Millis) -> Result<Vec<GameId>, StoreError>;

    /// The games that have not ended, or owe somebody something.
    async fn unsettled(&self) -> Result<Vec<GameSession>, StoreError>;

    /// How many games are live.
    async fn live_games(&self) -> Result<LiveGames, StoreError>;

    /// What several servers on this store need; `None` where there can be one only.
    fn shared(&self) -> Option<&dyn Shared> {
        None
    }

    /// Finishes what is being written and lets go of the storage.
    async fn close(&self);
}
