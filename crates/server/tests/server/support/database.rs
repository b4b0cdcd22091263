use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Column, Row, TypeInfo, ValueRef};

/// The server's database, read from outside.
pub struct Database(SqlitePool);

impl Database {
    pub async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        Self(SqlitePool::connect_with(options).await.unwrap())
    }

    /// Rows as JSON objects.
    pub async fn rows(&self, sql: &str) -> Vec<Value> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_all(&self.0)
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                let cells = row.columns().iter().map(|column| {
                    let at = column.ordinal();
                    let raw = row.try_get_raw(at).unwrap();
                    let value = match raw.type_info().name() {
                        _ if raw.is_null() => Value::Null,
                        "INTEGER" => row.get::<i64, _>(at).into(),
                        _ => row.get::<String, _>(at).into(),
                    };
                    (column.name().to_owned(), value)
                });
                Value::Object(cells.collect())
            })
            .collect()
    }

    pub async fn one(&self, sql: &str) -> Value {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.into_iter().next().unwrap()
    }

    /// Everything that is stored.
    pub async fn dump(&self) -> Vec<Vec<Value>> {
        let mut tables = Vec::new();
        for table in ["games", "seats", "exports", "uploads"] {
            tables.push(
                self.rows(&format!("SELECT * FROM {table} ORDER BY rowid"))
                    .await,
            );
        }
        tables
    }

    /// The game of a participant as the core sees it.
    pub async fn game_of(&self, participant: &str) -> stillhere_core::session::GameSession {
        let row = self
            .one(&format!(
                "SELECT state FROM games JOIN seats USING (game_id) WHERE participant_id = '{participant}'"
            ))
            .await;
        serde_json::from_str(row["state"].as_str().unwrap()).unwrap()
    }

    pub async fn outcome_of(&self, participant: &str) -> Value {
        let row = self
            .one(&format!(
                "SELECT outcome FROM seats WHERE participant_id = '{participant}'"
            ))
            .await;
        row["outcome"].clone()
    }

    /// (export id, source, reason, frame) of each stored export of a participant.
    pub async fn exports_of(&self, participant: &str) -> Vec<Value> {
        self.rows(&format!(
            "SELECT export_id, source, is_partial, termination_reason, termination_frame, completed_episodes,
                    game_id, scene_id, metrics
               FROM exports WHERE participant_id = '{participant}' ORDER BY rowid"
        ))
        .await
    }
}
