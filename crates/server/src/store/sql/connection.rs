//! One connection, whichever database is at its other end.

use std::future::Future;

use stillhere_core::ids::{ConnectionId, GameId, ParticipantId};
use stillhere_core::session::{GameOutput, GameSession};

use super::super::StoreError;

/// A value that a query is given.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum Value<'a> {
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Int(i64),
    MaybeInt(Option<i64>),
    MaybeBool(Option<bool>),
    Bytes(&'a [u8]),
}

/// A row that a query answers with. Columns are counted from 0.
pub(in crate::store) trait Columns: Send {
    fn text(&self, column: usize) -> Result<&str, StoreError>;
    fn maybe_text(&self, column: usize) -> Result<Option<String>, StoreError>;
    fn int(&self, column: usize) -> Result<i64, StoreError>;
    fn maybe_int(&self, column: usize) -> Result<Option<i64>, StoreError>;
    fn bytes(&self, column: usize) -> Result<Vec<u8>, StoreError>;
}

/// A connection to a database of ours.
pub(in crate::store) trait Connection: Send {
    type Row: Columns;

    /// Does something, and says how many rows it changed.
    fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Asks for rows.
    fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, StoreError>> + Send;

    /// Asks for the first row.
    fn row(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<Self::Row>, StoreError>> + Send {
        async move { Ok(self.rows(sql, values).await?.into_iter().next()) }
    }
}

/// A connection that is in a transaction.
pub(in crate::store) trait InTransaction: Connection {
    /// A stored game is about to be changed. Refused if another transaction could change it meanwhile.
    fn before_change(&mut self, game: &GameId) -> Result<(), StoreError>;

    /// A game was begun in this transaction: nobody else knows of it yet.
    fn begun(&mut self, game: &GameId);

    /// A game was changed: what has to be told on other servers, which are those that held or hold sockets of its
    /// participants, is written down for them.
    fn tell_others(
        &mut self,
        before: &[(ParticipantId, ConnectionId)],
        game: &GameSession,
        outputs: &[GameOutput],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether nothing that this transaction does can be committed any more.
    fn is_spoilt(&self) -> bool;
}

/// [`Connection`] and [`Columns`] for one driver of `sqlx`.
macro_rules! sqlx_connection {
    ($driver:ty, $connection:ty, $row:ty) => {
        fn query<'a>(
            sql: &'static str,
            values: &[$crate::store::sql::Value<'_>],
        ) -> sqlx::query::Query<'a, $driver, <$driver as sqlx::Database>::Arguments> {
            use $crate::store::sql::Value;
            let mut query = sqlx::query::<$driver>(sql);
            for value in values {
                query = match *value {
                    Value::Text(text) => query.bind(text),
                    Value::MaybeText(text) => query.bind(text),
                    Value::Int(number) => query.bind(number),
                    Value::MaybeInt(number) => query.bind(number),
                    Value::MaybeBool(truth) => query.bind(truth),
                    Value::Bytes(bytes) => query.bind(bytes),
                };
            }
            query
        }

        impl $crate::store::sql::Connection for $connection {
            type Row = $row;

            async fn execute(
                &mut self,
                sql: &'static str,
                values: &[$crate::store::sql::Value<'_>],
            ) -> Result<u64, $crate::store::StoreError> {
                Ok(query(sql, values).execute(self).await?.rows_affected())
            }

            async fn rows(
                &mut self,
                sql: &'static str,
                values: &[$crate::store::sql::Value<'_>],
            ) -> Result<Vec<$row>, $crate::store::StoreError> {
                Ok(query(sql, values).fetch_all(self).await?)
            }
        }

        impl $crate::store::sql::Columns for $row {
            fn text(&self, column: usize) -> Result<&str, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn maybe_text(
                &self,
                column: usize,
            ) -> Result<Option<String>, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn int(&self, column: usize) -> Result<i64, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn maybe_int(&self, column: usize) -> Result<Option<i64>, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn bytes(&self, column: usize) -> Result<Vec<u8>, $crate::store::StoreError> {
                Ok(sqlx::Row::try_get(self, column)?)
            }
        }
    };
}

pub(in crate::store) use sqlx_connection;
