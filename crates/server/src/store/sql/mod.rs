//! What all stores in SQL do alike. The text of the queries is the same for each database, so what a
//! job does is written once, and a database brings its connection only.

mod batch;
mod connection;
mod jobs;
pub(super) mod read;
mod rows;
mod uploads;

pub(super) use batch::all;
pub(super) use connection::{Columns, Connection, InTransaction, Value, sqlx_connection};
pub(super) use jobs::WAITING_LOOKED_AT;

pub(super) use rows::whole_ms;

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::StoreError;

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

/// Migrations in their order, each with what it brings. Built here, because the macro that would embed
/// the folder brings a second copy of the whole driver.
pub(super) fn migrator(migrations: &[(&'static str, &'static str)]) -> Migrator {
    let migrations = (1..).zip(migrations).map(|(version, (description, sql))| {
        Migration::new(
            version,
            Cow::Borrowed(*description),
            MigrationType::Simple,
            (*sql).into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}
