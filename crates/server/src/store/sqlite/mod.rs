//! The store in one SQLite file.
//!
//! SQLite has one writer at a time, so what is to be written queues for one connection, and whatever
//! has queued meanwhile shares a commit; readers go on beside it (WAL). `synchronous = FULL`: what is committed survives
//! a power cut, and only then is it acked.

mod jobs;
mod read;
mod rows;
mod uploads;

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection, SqlSafeStr, Transaction, raw_sql};
use stillhere_core::ids::{ExportId, GameId, ParticipantId};
use stillhere_core::session::{GameSession, Phase};
use stillhere_core::time::Millis;

use self::jobs::Work;
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

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unavailable(format!("a stored game cannot be read: {error}"))
    }
}

// Built here, because the macro that would embed the folder brings a second copy of the whole driver.
fn migrator() -> Migrator {
    let migration = |version, description, sql: &'static str| {
        Migration::new(
            version,
            Cow::Borrowed(description),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(vec![
        migration(
            1,
            "games seats exports",
            include_str!("../../../migrations/sqlite/0001_games_seats_exports.sql"),
        ),
        migration(
            2,
            "uploads",
            include_str!("../../../migrations/sqlite/0002_uploads.sql"),
        ),
    ])
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
        migrator()
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

    /// Each job in a savepoint of its own.
    async fn all(
        &self,
        mut transaction: Transaction<'_, Sqlite>,
        now: Millis,
        jobs: Vec<Job>,
    ) -> Result<Vec<Result<Done, StoreError>>, StoreError> {
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            raw_sql("SAVEPOINT job").execute(&mut *transaction).await?;
            let work = Work {
                connection: &mut transaction,
                study: &self.study,
                now,
            };
            let result = AssertUnwindSafe(work.run(job)).catch_unwind().await;
            let result = result
                .unwrap_or_else(|_| Err(StoreError::Unavailable("a game panicked".to_owned())));
            if let Err(reason) = &result {
                let undone = raw_sql("ROLLBACK TO job").execute(&mut *transaction).await;
                // Without a savepoint to go back to, there is no transaction any more.
                undone.map_err(|_| reason.clone())?;
            }
            raw_sql("RELEASE job").execute(&mut *transaction).await?;
            results.push(result);
        }
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
        let results = self.all(transaction, now, jobs).await;
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
        read::chunk(&mut reader, participant, export, offset).await
    }

    async fn seat(
        &self,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        read::seat(&mut reader, &self.study, participant, game).await
    }

    async fn next_deadline(&self) -> Result<Option<Millis>, StoreError> {
        let earliest: Option<i64> =
            sqlx::query_scalar(
                "SELECT MIN(deadline_ms) FROM games WHERE experiment_id = $1 AND deadline_ms IS NOT NULL",
            )
                .bind(&self.study.experiment_id)
                .fetch_one(&self.readers)
                .await?;
        Ok(earliest.map(|ms| Millis::from(u64::try_from(ms).unwrap_or_default())))
    }

    async fn due(&self, now: Millis) -> Result<Vec<GameId>, StoreError> {
        let due: Vec<String> = sqlx::query_scalar(
            "SELECT game_id FROM games WHERE experiment_id = $1 AND deadline_ms <= $2
              ORDER BY deadline_ms LIMIT $3",
        )
        .bind(&self.study.experiment_id)
        .bind(now.as_f64() as i64)
        .bind(DUE_AT_A_TIME)
        .fetch_all(&self.readers)
        .await?;
        Ok(due
            .into_iter()
            .filter_map(|id| GameId::try_from(id).ok())
            .collect())
    }

    async fn unsettled(&self) -> Result<Vec<GameSession>, StoreError> {
        let states: Vec<String> = sqlx::query_scalar(
            "SELECT state FROM games
              WHERE experiment_id = $1 AND (phase <> 'ended' OR deadline_ms IS NOT NULL)
              ORDER BY created_at_ms, rowid",
        )
        .bind(&self.study.experiment_id)
        .fetch_all(&self.readers)
        .await?;
        // One game that cannot be read must not keep the others from going on.
        let readable = states
            .iter()
            .filter_map(|state| match serde_json::from_str(state) {
                Ok(game) => Some(game),
                Err(error) => {
                    tracing::error!(%error, "a stored game cannot be read; it is left as it is");
                    None
                }
            });
        Ok(readable.collect())
    }

    async fn live_games(&self) -> Result<LiveGames, StoreError> {
        let counts: Vec<(String, i64)> = sqlx::query_as(
            "SELECT phase, COUNT(*) FROM games
              WHERE experiment_id = $1 AND phase <> 'ended'
                AND (phase <> 'waiting' OR EXISTS (
                  SELECT 1 FROM seats WHERE seats.game_id = games.game_id AND seats.outcome IS NULL))
              GROUP BY phase",
        )
        .bind(&self.study.experiment_id)
        .fetch_all(&self.readers)
        .await?;
        let count = |phase: Phase| {
            counts
                .iter()
                .find(|(name, _)| name == phase.as_str())
                .map_or(0, |(_, count)| *count)
        };
        let since = Millis::ZERO;
        Ok(LiveGames {
            waiting: count(Phase::Waiting),
            playing: count(Phase::Playing { since }),
            ending: count(Phase::Ending { since }),
        })
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
