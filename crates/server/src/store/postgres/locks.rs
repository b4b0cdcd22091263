//! What a transaction locks, all of it before it does anything, and always in the same order, so that no
//! two transactions ever wait for each other:
//!
//! 1. who begins or fills games: one lock for all joins of an experiment, so that no seat is given away twice;
//! 2. the participants whose uploads are touched, by the hash of their ids;
//! 3. the games, by their ids.
//!
//! Which games that will be, is looked up before: those named by the jobs, the last ones of those who join or
//! come back, and the waiting rooms. A job that comes upon another one all the same, because of what another
//! server did in between, changes nothing, and the whole transaction is begun anew.

use std::collections::{BTreeSet, HashSet};

use sqlx::postgres::PgConnection;
use stillhere_core::ids::{GameId, ParticipantId};

use super::super::sql::WAITING_LOOKED_AT;
use super::super::{Job, Study};

/// What was locked.
pub(super) struct Held {
    pub(super) games: HashSet<GameId>,
    /// The transaction's own number.
    pub(super) transaction: String,
}

#[derive(Default)]
struct Wanted<'a> {
    games: BTreeSet<&'a str>,
    last_games_of: BTreeSet<&'a str>,
    waiting_in: BTreeSet<&'a str>,
    uploads_of: BTreeSet<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(jobs: &'a [Job]) -> Self {
        let mut wanted = Self::default();
        for job in jobs {
            match job {
                Job::Input(game, _) => {
                    wanted.games.insert(game.as_str());
                }
                Job::Join(request) => {
                    let who = [Some(&request.participant), request.instead_of.as_ref()];
                    let who = who.into_iter().flatten();
                    wanted.last_games_of.extend(who.map(ParticipantId::as_str));
                    let scene = &request.fresh.settings().scene;
                    wanted.waiting_in.insert(scene.as_str());
                }
                Job::Resume(participant, _) | Job::Reclaim(participant, _) => {
                    wanted.last_games_of.insert(participant.as_str());
                }
                Job::Export(export) => {
                    wanted.games.insert(export.game.as_str());
                    wanted.uploads_of.insert(export.participant.as_str());
                }
                Job::Chunk(chunk, _) => {
                    wanted.uploads_of.insert(chunk.participant.as_str());
                }
                Job::DropUpload(participant, ..) => {
                    wanted.uploads_of.insert(participant.as_str());
                }
            }
        }
        wanted
    }
}

/// Locks what the jobs need, on a connection that is in a transaction.
pub(super) async fn take(
    connection: &mut PgConnection,
    study: &Study,
    jobs: &[Job],
) -> Result<Held, sqlx::Error> {
    let wanted = Wanted::of(jobs);
    let experiment = &study.experiment_id;
    if !wanted.waiting_in.is_empty() {
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('stillhere joins ' || $1, 0))")
            .bind(experiment)
            .execute(&mut *connection)
            .await?;
    }
    if !wanted.uploads_of.is_empty() {
        sqlx::query(
            "SELECT pg_advisory_xact_lock(key) FROM (
               SELECT DISTINCT hashtextextended('stillhere uploads ' || who, 0) AS key
                 FROM unnest($1::text[]) AS who ORDER BY key) AS keys",
        )
        .bind(Vec::from_iter(&wanted.uploads_of))
        .execute(&mut *connection)
        .await?;
    }
    let mut games: Vec<String> = wanted.games.iter().map(ToString::to_string).collect();
    if !wanted.last_games_of.is_empty() {
        let last: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT ON (seats.participant_id) seats.game_id
               FROM seats JOIN games ON games.game_id = seats.game_id
              WHERE seats.participant_id = ANY($1) AND games.experiment_id = $2
              ORDER BY seats.participant_id, seats.joined_at_ms DESC, seats.rowid DESC",
        )
        .bind(Vec::from_iter(&wanted.last_games_of))
        .bind(experiment)
        .fetch_all(&mut *connection)
        .await?;
        games.extend(last);
    }
    for scene in &wanted.waiting_in {
        let waiting: Vec<String> = sqlx::query_scalar(
            "SELECT game_id FROM games
              WHERE experiment_id = $1 AND scene_id = $2 AND phase = 'waiting' AND phase <> 'ended'
              ORDER BY created_at_ms, rowid LIMIT $3",
        )
        .bind(experiment)
        .bind(scene)
        .bind(WAITING_LOOKED_AT)
        .fetch_all(&mut *connection)
        .await?;
        games.extend(waiting);
    }
    let locked: Vec<(String, String)> = sqlx::query_as(
        "SELECT game_id, pg_current_xact_id()::text FROM games
          WHERE experiment_id = $1 AND game_id = ANY($2) ORDER BY game_id FOR UPDATE",
    )
    .bind(experiment)
    .bind(games)
    .fetch_all(&mut *connection)
    .await?;
    let transaction = match locked.first() {
        Some((_, transaction)) => transaction.clone(),
        None => {
            sqlx::query_scalar("SELECT pg_current_xact_id()::text")
                .fetch_one(connection)
                .await?
        }
    };
    let games = locked
        .into_iter()
        .filter_map(|(game, _)| GameId::try_from(game).ok());
    Ok(Held {
        games: games.collect(),
        transaction,
    })
}
