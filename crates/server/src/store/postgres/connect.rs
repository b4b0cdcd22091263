//! Where the database is, and the way there.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::Mutex;

use super::super::Study;
use super::super::sql::migrator;
use super::PostgresStore;
use crate::node::NodeId;

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// One of them listens.
const READERS: u32 = 6;
/// Nobody waits longer for another transaction, nor for a statement of its own. And a server that is cut off
/// in the middle of a transaction must not hold its games for ever.
const SESSION: [(&str, &str); 4] = [
    ("application_name", "stillhere"),
    ("lock_timeout", "5s"),
    ("statement_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "10s"),
];

const MIGRATIONS: &[(&str, &str)] = &[
    (
        "games seats exports",
        include_str!("../../../migrations/postgres/0001_games_seats_exports.sql"),
    ),
    (
        "nodes",
        include_str!("../../../migrations/postgres/0002_nodes.sql"),
    ),
];

/// The address of a database: `postgres://user:password@host:port/database`. It shows itself without the
/// password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "an address as in postgres://user:password@host:5432/database";

    /// Reads an address; `None` if it is none.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let ours = ["postgres://", "postgresql://"];
        let is_ours = ours.iter().any(|scheme| url.starts_with(scheme));
        (is_ours && PgConnectOptions::from_str(url).is_ok()).then(|| Self(url.to_owned()))
    }

    fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        PgConnectOptions::from_str(&self.0)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.options() {
            Ok(options) => {
                let host = options.get_socket().map_or_else(
                    || options.get_host().into(),
                    |socket| socket.to_string_lossy(),
                );
                let database = options.get_database().unwrap_or(options.get_username());
                write!(f, "{database} at {host}:{}", options.get_port())
            }
            Err(_) => f.write_str("?"),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the database {place} cannot be used: {reason}")]
pub struct ConnectError {
    place: String,
    reason: String,
}

impl PostgresStore {
    /// Connects and brings the tables up to date.
    ///
    /// # Errors
    /// [`ConnectError`] if the database cannot be reached or is none of ours.
    pub async fn connect(url: &PostgresUrl, study: Study) -> Result<Self, ConnectError> {
        let failed = |error: &dyn fmt::Display| ConnectError {
            place: url.to_string(),
            reason: error.to_string(),
        };
        let options = url
            .options()
            .map_err(|error| failed(&error))?
            .options(SESSION);
        let pool = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| failed(&error))?;
        migrator(MIGRATIONS)
            .run(&writer)
            .await
            .map_err(|error| failed(&error))?;
        let readers = pool(READERS).connect_lazy_with(options);
        Ok(Self {
            writer,
            readers,
            study,
            node: NodeId::fresh(),
            listener: Mutex::default(),
        })
    }
}
