//! The store in a PostgreSQL database, which several servers may share.
//!
//! Each server has one writer, as with SQLite, and what has queued shares a commit. Between servers the
//! database decides: see [`locks`] for the order in which it is asked.

mod connect;
mod locks;
mod nodes;
mod transaction;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgListener, PgPool, PgRow, Postgres};
use stillhere_core::ids::{ExportId, GameId, ParticipantId};
use stillhere_core::session::GameSession;
use stillhere_core::time::Millis;
use tokio::sync::Mutex;

use super::sql::{read, sqlx_connection, whole_ms};
use super::{Done, Job, LiveGames, SeatRecord, Shared, Store, StoreError, Study};
use crate::node::NodeId;
use transaction::Attempt;

pub use connect::{ConnectError, PostgresUrl};

/// So many due games are handed out at a time.
const DUE_AT_A_TIME: i64 = 256;
/// Who has been handed a due game has so long to look at it; then another server gets it.
const CLAIM: Millis = Millis::new(5_000.0);
/// A transaction that others keep in the way is tried so often.
const ATTEMPTS: usize = 10;

/// The store in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    writer: PgPool,
    readers: PgPool,
    study: Study,
    node: NodeId,
    listener: Mutex<Option<PgListener>>,
}

sqlx_connection!(Postgres, PgConnection, PgRow);

impl PostgresStore {
    /// The key of a name that all servers on this database share: the given one, if there is none yet.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn shared_key(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        sqlx::query("INSERT INTO keys (name, key) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.writer)
            .await?;
        let stored = sqlx::query_scalar("SELECT key FROM keys WHERE name = $1");
        Ok(stored.bind(name).fetch_one(&self.writer).await?)
    }

    async fn reader(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.readers.acquire().await?)
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(
        &self,
        now: Millis,
        jobs: Vec<Job>,
    ) -> Result<Vec<Result<Done, StoreError>>, StoreError> {
        let mut in_the_way = StoreError::Unavailable(String::new());
        for _ in 0..ATTEMPTS {
            match transaction::attempt(self, now, &jobs).await {
                Attempt::Done(results) => return Ok(results),
                Attempt::Again(reason) => in_the_way = reason,
                Attempt::Failed(reason) => return Err(reason),
            }
        }
        Err(in_the_way)
    }

    async fn chunk(
        &self,
        participant: &ParticipantId,
        export: &ExportId,
        offset: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        read::chunk(&mut *self.reader().await?, participant, export, offset).await
    }

    async fn seat(
        &self,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError> {
        read::seat(&mut *self.reader().await?, &self.study, participant, game).await
    }

    async fn next_deadline(&self) -> Result<Option<Millis>, StoreError> {
        read::next_deadline(&mut *self.reader().await?, &self.study).await
    }

    async fn due(&self, now: Millis) -> Result<Vec<GameId>, StoreError> {
        let due: Vec<String> = sqlx::query_scalar(
            "UPDATE games SET deadline_ms = $3 WHERE game_id IN (
               SELECT game_id FROM games WHERE experiment_id = $1 AND deadline_ms <= $2
                ORDER BY deadline_ms LIMIT $4 FOR UPDATE SKIP LOCKED)
             RETURNING game_id",
        )
        .bind(&self.study.experiment_id)
        .bind(now.as_f64() as i64)
        .bind(whole_ms(now + CLAIM))
        .bind(DUE_AT_A_TIME)
        .fetch_all(&self.readers)
        .await?;
        Ok(due
            .into_iter()
            .filter_map(|id| GameId::try_from(id).ok())
            .collect())
    }

    async fn unsettled(&self) -> Result<Vec<GameSession>, StoreError> {
        read::unsettled(&mut *self.reader().await?, &self.study).await
    }

    async fn live_games(&self) -> Result<LiveGames, StoreError> {
        read::live_games(&mut *self.reader().await?, &self.study).await
    }

    fn shared(&self) -> Option<&dyn Shared> {
        Some(self)
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
