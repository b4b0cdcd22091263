//! The store in one SQLite file.
//!
//! SQLite has one writer at a time, so what is to be written queues for one connection, and whatever
//! has queued meanwhile shares a commit; readers go on beside it (WAL). `synchronous = FULL`: what is committed survives
//! a power cut, and only then is it acked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Connection as _, Transaction};
use stillhere_core::ids::{ConnectionId, ExportId, GameId, ParticipantId};
use stillhere_core::session::{GameOutput, GameSession};
use stillhere_core::time::Millis;

use super::sql::{
    self, Columns as _, Connection as _, InTransaction, Value, read, sqlx_connection,
};
use super::{Done, Job, LiveGames, SeatRecord, Store, StoreError, Study};

/// Somebody else's lock on the file is waited for no longer; then the client is told to try again.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// So many due games are handed out at a time.
const DUE_AT_A_TIME: i64 = 256;

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the database {} cannot be opened: {reason}", path.display())]
pub struct OpenError {
    path: PathBuf,
    reason: String,
}

/// The store in one SQLite file: one writer, whose commits survive a power cut, and readers beside it.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    study: Study,
}

const MIGRATIONS: &[(&str, &str)] = &[
    (
        "games seats exports",
        include_str!("../../../migrations/sqlite/0001_games_seats_exports.sql"),
    ),
    (
        "uploads",
        include_str!("../../../migrations/sqlite/0002_uploads.sql"),
    ),
];

sqlx_connection!(Sqlite, SqliteConnection, SqliteRow);

impl InTransaction for SqliteConnection {
    /// There is one writer.
    fn before_change(&mut self, _game: &GameId) -> Result<(), StoreError> {
        Ok(())
    }

    fn begun(&mut self, _game: &GameId) {}

    /// There is one server.
    async fn tell_others(
        &mut self,
        _before: &[(ParticipantId, ConnectionId)],
        _game: &GameSession,
        _outputs: &[GameOutput],
    ) -> Result<(), StoreError> {
        Ok(())
    }

    fn is_spoilt(&self) -> bool {
        false
    }
}

impl SqliteStore {
    /// Opens the database, creating the file and bringing its tables up to date.
    ///
    /// # Errors
    /// [`OpenError`] if the file is not writable or no database of ours.
    pub async fn open(path: &Path, study: Study) -> Result<Self, OpenError> {
        let failed = |error: &dyn std::fmt::Display| OpenError {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| failed(&error))?;
        sql::migrator(MIGRATIONS)
            .run(&writer)
            .await
            .map_err(|error| failed(&error))?;
        let readers = pool(READERS).connect_lazy_with(options);
        Ok(Self {
            writer,
            readers,
            study,
        })
    }

    async fn all(
        &self,
        mut transaction: Transaction<'_, Sqlite>,
        now: Millis,
        jobs: &[Job],
    ) -> Result<Vec<Result<Done, StoreError>>, StoreError> {
        let results = sql::all(&mut *transaction, &self.study, now, jobs).await?;
        transaction.commit().await?;
        Ok(results)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(
        &self,
        now: Millis,
        jobs: Vec<Job>,
    ) -> Result<Vec<Result<Done, StoreError>>, StoreError> {
        let mut connection = self.writer.acquire().await?;
        let transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let results = self.all(transaction, now, &jobs).await;
        if results.is_err() {
            // A full disk makes SQLite end the transaction by itself, of which the driver learns
            // nothing: only a new connection is in a state that is known.
            let _ = connection.close().await;
        }
        results
    }

    async fn chunk(
        &self,
        participant: &ParticipantId,
        export: &ExportId,
        offset: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        read::chunk(&mut *reader, participant, export, offset).await
    }

    async fn seat(
        &self,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        read::seat(&mut *reader, &self.study, participant, game).await
    }

    async fn next_deadline(&self) -> Result<Option<Millis>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        read::next_deadline(&mut *reader, &self.study).await
    }

    async fn due(&self, now: Millis) -> Result<Vec<GameId>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        let due = reader
            .rows(
                "SELECT game_id FROM games WHERE experiment_id = $1 AND deadline_ms <= $2
                  ORDER BY deadline_ms LIMIT $3",
                &[
                    Value::Text(&self.study.experiment_id),
                    Value::Int(now.as_f64() as i64),
                    Value::Int(DUE_AT_A_TIME),
                ],
            )
            .await?;
        Ok(due
            .iter()
            .filter_map(|row| GameId::try_from(row.text(0).ok()?).ok())
            .collect())
    }

    async fn unsettled(&self) -> Result<Vec<GameSession>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        read::unsettled(&mut *reader, &self.study).await
    }

    async fn live_games(&self) -> Result<LiveGames, StoreError> {
        let mut reader = self.readers.acquire().await?;
        read::live_games(&mut *reader, &self.study).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use stillhere_core::ids::{ConnectionId, SceneId};
    use stillhere_core::session::{Applicant, GameSettings, OnExclusion};

    use sqlx::raw_sql;

    use super::*;
    use crate::store::{JoinRequest, NewChunk, UploadLimits};

    async fn store(directory: &Path) -> SqliteStore {
        let study = Study {
            experiment_id: "study".to_owned(),
            completion_code: Arc::new(|_, _| String::new()),
        };
        SqliteStore::open(&directory.join("test.sqlite3"), study)
            .await
            .unwrap()
    }

    fn join(name: &str) -> Job {
        let minute = Millis::new(60_000.0);
        let settings = GameSettings {
            scene: SceneId::try_from("grid").unwrap(),
            players: 2,
            waiting_room_timeout: minute,
            reconnect_grace: minute,
            export_ack_timeout: minute,
            on_exclusion: OnExclusion::End,
            min_players: 2,
        };
        Job::Join(Box::new(JoinRequest {
            participant: ParticipantId::try_from(name).unwrap(),
            connection: ConnectionId::try_from(name).unwrap(),
            applicant: Applicant {
                proven: false,
                reopened: false,
            },
            instead_of: None,
            fresh: GameSession::new(GameId::try_from(name).unwrap(), 7, settings),
        }))
    }

    fn large_chunk(name: &str) -> Job {
        let chunk = NewChunk {
            participant: ParticipantId::try_from(name).unwrap(),
            export: ExportId::try_from("e").unwrap(),
            offset: 0,
            bytes: vec![7; 1 << 20],
        };
        Job::Chunk(chunk, UploadLimits::default())
    }

    #[tokio::test]
    async fn a_full_disk_fails_the_commit_and_the_next_one_works() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path()).await;
        let now = Millis::new(1_000.0);
        for result in store.commit(now, vec![join("a")]).await.unwrap() {
            result.unwrap();
        }
        // As full as a disk gets without filling one.
        raw_sql("PRAGMA max_page_count = 60")
            .execute(&store.writer)
            .await
            .unwrap();
        let jobs = vec![join("b"), large_chunk("a"), join("c")];
        let failed = store.commit(now, jobs).await;
        assert!(
            matches!(&failed, Err(StoreError::Unavailable(reason)) if reason.contains("full")),
            "{failed:?}"
        );
        let waiting = store.live_games().await.unwrap().waiting;
        assert_eq!(waiting, 1, "none of them changed anything");
        // The limit was the connection's own, and both are gone.
        let jobs = vec![large_chunk("a"), join("d")];
        for result in store.commit(now, jobs).await.unwrap() {
            result.unwrap();
        }
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_has_ended_by_itself_costs_one_commit() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path()).await;
        // What a full disk or a failing one may do in the middle of a statement.
        raw_sql(
            "CREATE TEMP TRIGGER ending BEFORE INSERT ON games
             BEGIN SELECT RAISE(ROLLBACK, 'ended'); END",
        )
        .execute(&store.writer)
        .await
        .unwrap();
        let now = Millis::new(1_000.0);
        let failed = store.commit(now, vec![join("a"), join("b")]).await;
        assert!(
            matches!(failed, Err(StoreError::Unavailable(_))),
            "{failed:?}"
        );
        assert_eq!(store.live_games().await.unwrap(), LiveGames::default());
        // The trigger was the connection's own, and both are gone.
        for result in store.commit(now, vec![join("a"), join("b")]).await.unwrap() {
            result.unwrap();
        }
    }

    #[tokio::test]
    async fn a_locked_database_fails_the_commit_and_the_next_one_works() {
        let directory = tempfile::tempdir().unwrap();
        let other = store(directory.path()).await;
        let store = store(directory.path()).await;
        raw_sql("PRAGMA busy_timeout = 0")
            .execute(&store.writer)
            .await
            .unwrap();
        let lock = other.writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let now = Millis::new(1_000.0);
        let failed = store.commit(now, vec![join("a")]).await;
        assert!(
            matches!(&failed, Err(StoreError::Unavailable(reason)) if reason.contains("locked")),
            "{failed:?}"
        );
        lock.rollback().await.unwrap();
        for result in store.commit(now, vec![join("a")]).await.unwrap() {
            result.unwrap();
        }
    }
}
