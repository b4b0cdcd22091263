//! The store in one SQLite file.
//!
//! SQLite has one writer at a time, so writes queue for one connection instead of meeting each
//! other's locks; readers go on beside it (WAL). `synchronous = FULL`: what is committed survives
//! a power cut, and only then is it acked.

mod rows;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, SqlSafeStr};
use stillhere_core::ids::{GameId, ParticipantId};
use stillhere_core::session::{ExportOrigin, GameInput, GameOutput, GameSession, Phase};
use stillhere_core::time::Millis;
use stillhere_core::wire::{ErrorCode, Refusal};

use self::rows::save_export;
use super::{Committed, JoinRequest, LiveGames, NewExport, SeatRecord, Store, StoreError, Study};

/// Somebody else's lock on the file is waited for no longer; then the client is told to try again.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;
/// So many waiting games are looked through for a free seat; all but broken ones have one.
const WAITING_LOOKED_AT: i64 = 50;
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
    Migrator::with_migrations(vec![Migration::new(
        1,
        Cow::Borrowed("games seats exports"),
        MigrationType::Simple,
        include_str!("../../../migrations/sqlite/0001_games_seats_exports.sql").into_sql_str(),
        false,
    )])
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

    async fn load(
        &self,
        connection: &mut SqliteConnection,
        game: &GameId,
    ) -> Result<GameSession, StoreError> {
        let state: Option<String> =
            sqlx::query_scalar("SELECT state FROM games WHERE game_id = $1 AND experiment_id = $2")
                .bind(game.as_str())
                .bind(&self.study.experiment_id)
                .fetch_optional(connection)
                .await?;
        match state {
            Some(state) => Ok(serde_json::from_str(&state)?),
            None => Err(Refusal::new(ErrorCode::UnknownGame, "there is no such game").into()),
        }
    }

    /// Hands one input to a game and writes down what becomes of it.
    async fn step(
        &self,
        connection: &mut SqliteConnection,
        now: Millis,
        mut game: GameSession,
        input: GameInput,
    ) -> Result<Committed, StoreError> {
        let before: Vec<ParticipantId> = game
            .seats()
            .iter()
            .map(|seat| seat.participant.clone())
            .collect();
        let reply = game.handle(now, input)?;
        let outputs: Vec<GameOutput> = std::iter::from_fn(|| game.poll()).collect();
        rows::write(connection, &self.study, now, &game, &before, &outputs).await?;
        Ok(Committed {
            game,
            reply,
            outputs,
        })
    }

    async fn seat_with(
        &self,
        connection: &mut SqliteConnection,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT games.state, seats.player_id, seats.outcome, seats.completion_code
               FROM seats JOIN games ON games.game_id = seats.game_id
              WHERE seats.participant_id = $1 AND games.experiment_id = $2
                AND ($3 IS NULL OR seats.game_id = $3)
              ORDER BY seats.joined_at_ms DESC, seats.rowid DESC LIMIT 1",
        )
        .bind(participant.as_str())
        .bind(&self.study.experiment_id)
        .bind(game.map(GameId::as_str))
        .fetch_optional(connection)
        .await?;
        row.as_ref().map(seat_record).transpose()
    }

    /// The game in which the participant is to sit.
    async fn game_to_join(
        &self,
        connection: &mut SqliteConnection,
        request: JoinRequest,
    ) -> Result<GameSession, StoreError> {
        let last = self
            .seat_with(connection, &request.participant, None)
            .await?
            .map(|record| record.game)
            .filter(GameSession::is_live);
        if let Some(game) = last
            && let Some(seat) = game.seat(&request.participant)
        {
            if !request.proven {
                return Err(Refusal::new(
                    ErrorCode::Unauthorized,
                    "this participant is in a game already; only the page that joined it can take it up again",
                )
                .into());
            }
            let owed = seat.deliveries.iter().any(|owed| owed.acked_at.is_none());
            if seat.is_playing() || owed {
                return Ok(game);
            }
            if seat.export.is_none() {
                return Err(Refusal::new(
                    ErrorCode::AlreadyEnded,
                    "this participant's game is ending and its data is not stored yet; join again in a moment",
                )
                .into());
            }
        }
        // `<> 'ended'` says nothing new; it is what lets SQLite use the index of live games.
        let waiting: Vec<String> = sqlx::query_scalar(
            "SELECT state FROM games WHERE experiment_id = $1 AND scene_id = $2 AND phase = 'waiting' AND phase <> 'ended'
              ORDER BY created_at_ms, rowid LIMIT $3",
        )
        .bind(&self.study.experiment_id)
        .bind(request.fresh.settings().scene.as_str())
        .bind(WAITING_LOOKED_AT)
        .fetch_all(connection)
        .await?;
        for state in waiting {
            let game: GameSession = serde_json::from_str(&state)?;
            // A game begun under other settings waits for its own kind.
            if game.has_room() && game.settings() == request.fresh.settings() {
                return Ok(game);
            }
        }
        Ok(request.fresh)
    }
}

fn seat_record(row: &SqliteRow) -> Result<SeatRecord, StoreError> {
    Ok(SeatRecord {
        game: serde_json::from_str(row.try_get("state")?)?,
        player: serde_json::from_str(row.try_get("player_id")?)?,
        outcome: row.try_get("outcome")?,
        completion_code: row.try_get("completion_code")?,
    })
}

#[async_trait]
impl Store for SqliteStore {
    async fn transact(
        &self,
        now: Millis,
        game: &GameId,
        input: GameInput,
    ) -> Result<Committed, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let game = self.load(&mut transaction, game).await?;
        let committed = self.step(&mut transaction, now, game, input).await?;
        transaction.commit().await?;
        Ok(committed)
    }

    async fn join(&self, now: Millis, request: JoinRequest) -> Result<Committed, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let participant = request.participant.clone();
        let game = self.game_to_join(&mut transaction, request).await?;
        let input = GameInput::Join { participant };
        let committed = self.step(&mut transaction, now, game, input).await?;
        transaction.commit().await?;
        Ok(committed)
    }

    async fn export(
        &self,
        now: Millis,
        export: NewExport,
    ) -> Result<Option<Committed>, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let stored: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM exports WHERE participant_id = $1 AND export_id = $2",
        )
        .bind(export.participant.as_str())
        .bind(export.export.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
        if stored.is_some() {
            return Ok(None);
        }
        let game = self.load(&mut transaction, &export.game).await?;
        let input = GameInput::Exported {
            participant: export.participant.clone(),
            export: export.export.clone(),
        };
        let committed = self.step(&mut transaction, now, game, input).await?;
        save_export(&mut transaction, now, &export, ExportOrigin::Client).await?;
        transaction.commit().await?;
        Ok(Some(committed))
    }

    async fn seat(
        &self,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        self.seat_with(&mut reader, participant, game).await
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
        states
            .iter()
            .map(|state| Ok(serde_json::from_str(state)?))
            .collect()
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
