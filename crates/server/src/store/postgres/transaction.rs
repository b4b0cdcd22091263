//! One transaction, from its locks to the certainty of its commit.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgRow, Postgres};
use stillhere_core::ids::{ConnectionId, GameId, ParticipantId};
use stillhere_core::session::{GameOutput, GameSession, Seat};
use stillhere_core::time::Millis;
use tokio::time::{Instant, sleep, timeout};

use super::super::sql::{self, Connection, InTransaction, Value};
use super::super::{Done, Job, News, StoreError};
use super::locks::{self, Held};
use super::{PostgresStore, nodes, query};
use crate::node::NodeId;

/// Everything before the commit; the database gives up a single statement earlier.
const WORK: Duration = Duration::from_secs(60);
const COMMIT: Duration = Duration::from_secs(10);
/// How long to ask what became of a commit that was not answered.
const DOUBT: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(250);

/// SQLSTATEs by which another transaction was in the way: serialization failure, deadlock, lock timeout.
const IN_THE_WAY: [&str; 3] = ["40001", "40P01", "55P03"];

/// What became of a transaction.
pub(super) enum Attempt {
    Done(Vec<Result<Done, StoreError>>),
    /// Another transaction was in the way; nothing was changed.
    Again(StoreError),
    /// Nothing was changed.
    Failed(StoreError),
}

/// Does jobs in one transaction.
pub(super) async fn attempt(store: &PostgresStore, now: Millis, jobs: &[Job]) -> Attempt {
    let pool = &store.writer;
    let mut connection = match pool.acquire().await {
        Ok(connection) => connection,
        Err(error) => return Attempt::Failed(error.into()),
    };
    let working = timeout(WORK, work(&mut connection, store, now, jobs));
    let (results, transaction) = match working.await {
        Ok(Ok(done)) => done,
        Ok(Err(Attempt::Again(reason))) => {
            if raw(&mut connection, "ROLLBACK").await.is_err() {
                connection.close_on_drop();
            }
            return Attempt::Again(reason);
        }
        Ok(Err(failed)) => {
            // Only a new connection is in a state that is known.
            connection.close_on_drop();
            return failed;
        }
        Err(_) => {
            connection.close_on_drop();
            return Attempt::Failed(too_slow());
        }
    };
    let committing = timeout(COMMIT, raw(&mut connection, "COMMIT")).await;
    let reason = match committing {
        Ok(Ok(())) => return Attempt::Done(results),
        Ok(Err(error)) => error.into(),
        Err(_) => too_slow(),
    };
    connection.close_on_drop();
    drop(connection);
    if was_committed(pool, &transaction).await {
        Attempt::Done(results)
    } else {
        Attempt::Failed(reason)
    }
}

fn too_slow() -> StoreError {
    StoreError::Unavailable("the database does not answer".to_owned())
}

async fn raw(connection: &mut PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(connection).await.map(|_| ())
}

type Worked = (Vec<Result<Done, StoreError>>, String);

async fn work(
    connection: &mut PoolConnection<Postgres>,
    store: &PostgresStore,
    now: Millis,
    jobs: &[Job],
) -> Result<Worked, Attempt> {
    let refused = |error: sqlx::Error| {
        if is_in_the_way(&error) {
            Attempt::Again(error.into())
        } else {
            Attempt::Failed(error.into())
        }
    };
    raw(connection, "BEGIN ISOLATION LEVEL READ COMMITTED")
        .await
        .map_err(refused)?;
    let study = &store.study;
    let held = locks::take(connection, study, jobs)
        .await
        .map_err(refused)?;
    let transaction = held.transaction.clone();
    let mut inside = Holding {
        connection,
        held,
        node: &store.node,
        told: BTreeSet::new(),
        is_spoilt: false,
    };
    let results = sql::all(&mut inside, study, now, jobs).await;
    match results {
        Ok(results) => {
            inside.wake_others().await.map_err(refused)?;
            Ok((results, transaction))
        }
        Err(reason) if inside.is_spoilt => Err(Attempt::Again(reason)),
        Err(reason) => Err(Attempt::Failed(reason)),
    }
}

fn is_in_the_way(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| IN_THE_WAY.contains(&code.as_ref()))
}

/// The line broke while the commit was under way: only the database knows what became of it. Whoever was
/// told of a failure that was none would sit in a game of which nobody knows.
async fn was_committed(pool: &PgPool, transaction: &str) -> bool {
    let until = Instant::now() + DOUBT;
    while Instant::now() < until {
        let asked = sqlx::query_scalar("SELECT pg_xact_status($1::xid8)")
            .bind(transaction)
            .fetch_one(pool);
        let status: Result<Option<String>, sqlx::Error> = asked.await;
        match status {
            Ok(Some(status)) if status == "committed" => return true,
            Ok(Some(status)) if status == "in progress" => {}
            Ok(_) => return false,
            Err(error) => tracing::warn!(%error, "what became of a commit is not known yet"),
        }
        sleep(ASK_EVERY).await;
    }
    tracing::error!("what became of a commit could not be learnt; it is taken for failed");
    false
}

/// A connection in a transaction, and the games that nobody else can change meanwhile.
struct Holding<'a> {
    connection: &'a mut PgConnection,
    held: Held,
    node: &'a NodeId,
    /// Other servers for which there are messages.
    told: BTreeSet<NodeId>,
    is_spoilt: bool,
}

impl Holding<'_> {
    /// They are woken by the commit.
    async fn wake_others(&mut self) -> Result<(), sqlx::Error> {
        for node in std::mem::take(&mut self.told) {
            sqlx::query("SELECT pg_notify($1, '')")
                .bind(nodes::channel(&node))
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    fn note(&mut self, error: sqlx::Error) -> StoreError {
        self.is_spoilt |= is_in_the_way(&error);
        error.into()
    }
}

impl Connection for Holding<'_> {
    type Row = PgRow;

    async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, StoreError> {
        match query(sql, values).execute(&mut *self.connection).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(self.note(error)),
        }
    }

    async fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<PgRow>, StoreError> {
        match query(sql, values).fetch_all(&mut *self.connection).await {
            Ok(rows) => Ok(rows),
            Err(error) => Err(self.note(error)),
        }
    }
}

impl InTransaction for Holding<'_> {
    fn before_change(&mut self, game: &GameId) -> Result<(), StoreError> {
        if self.held.games.contains(game) {
            return Ok(());
        }
        self.is_spoilt = true;
        let reason = "another server changed which games are concerned";
        Err(StoreError::Unavailable(reason.to_owned()))
    }

    fn begun(&mut self, game: &GameId) {
        self.held.games.insert(game.clone());
    }

    async fn tell_others(
        &mut self,
        before: &[(ParticipantId, ConnectionId)],
        game: &GameSession,
        outputs: &[GameOutput],
    ) -> Result<(), StoreError> {
        let now = game.seats().iter().filter_map(Seat::connection);
        let elsewhere: BTreeSet<NodeId> = before
            .iter()
            .map(|(_, socket)| socket)
            .chain(now)
            .filter_map(NodeId::of)
            .filter(|node| node != self.node)
            .collect();
        if elsewhere.is_empty() {
            return Ok(());
        }
        let has_another = |(who, socket): &&(ParticipantId, ConnectionId)| {
            let now = game.seat(who).and_then(Seat::connection);
            now.is_some_and(|now| now != socket)
        };
        let news = News {
            outputs: outputs.to_vec(),
            replaced: before.iter().filter(has_another).cloned().collect(),
        };
        if news.outputs.is_empty() && news.replaced.is_empty() {
            return Ok(());
        }
        let body = serde_json::to_string(&news)?;
        for node in elsewhere {
            let values = [
                Value::Text(node.as_str()),
                Value::Text(game.id().as_str()),
                Value::Text(&body),
            ];
            self.execute(
                "INSERT INTO messages (node_id, game_id, body) VALUES ($1, $2, $3)",
                &values,
            )
            .await?;
            self.told.insert(node);
        }
        Ok(())
    }

    fn is_spoilt(&self) -> bool {
        self.is_spoilt
    }
}
