//! What every store has to do, whichever database is behind it.

use std::sync::Arc;

use stillhere_core::exclusion::{ExclusionReason, Side};
use stillhere_core::ids::{
    ConnectionId, ExportId, Frame, GameId, ParticipantId, PlayerId, SceneId,
};
use stillhere_core::session::{
    Applicant, GameInput, GameOutput, GameReply, GameSession, GameSettings, OnExclusion, Outcome,
    Phase, Verdict,
};
use stillhere_core::time::Millis;
use stillhere_core::wire::ErrorCode;
use stillhere_server::store::{
    Committed, Document, Done, Job, JoinRequest, LiveGames, NewChunk, NewExport, PostgresStore,
    PostgresUrl, SqliteStore, StatusColumns, Store, StoreError, Study, UploadLimits,
};
use tempfile::TempDir;

use crate::support::postgres::fresh_database;

pub fn study(experiment: &str) -> Study {
    Study {
        experiment_id: experiment.to_owned(),
        completion_code: Arc::new(|scene, outcome| {
            assert_ne!(outcome, Outcome::ServerShutdown, "no test needs this code");
            format!("{scene}-{}", outcome.as_str())
        }),
    }
}

/// A database of one kind or the other.
enum Backend {
    Sqlite(TempDir),
    Postgres(PostgresUrl),
}

impl Backend {
    fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    async fn postgres() -> Self {
        Self::Postgres(fresh_database().await)
    }

    /// One more store on it.
    async fn open(&self, experiment: &str) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(directory) => {
                let path = directory.path().join("test.sqlite3");
                Arc::new(SqliteStore::open(&path, study(experiment)).await.unwrap())
            }
            Self::Postgres(url) => Arc::new(
                PostgresStore::connect(url, study(experiment))
                    .await
                    .unwrap(),
            ),
        }
    }
}

/// Each test on each kind of database.
macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&super::Backend::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&super::Backend::postgres().await).await;
            })*
        }
    };
}

contract! {
    who_joins_gets_the_oldest_game_with_room,
    a_refused_input_changes_nothing,
    jobs_share_a_transaction_and_each_fails_for_itself,
    outcomes_and_codes_are_written_with_the_game,
    an_export_is_stored_once_with_the_game,
    chunks_become_one_upload,
    deadlines_are_found_again_and_only_when_due,
    a_participants_last_seat_is_the_one_taken_last,
    concurrent_joins_fill_every_game,
    what_is_committed_is_there_after_reopening_and_other_experiments_are_left_alone,
}

pub fn at(ms: u64) -> Millis {
    Millis::from(ms)
}

pub fn who(name: &str) -> ParticipantId {
    ParticipantId::try_from(name).unwrap()
}

pub fn fresh(game: &str, players: usize) -> GameSession {
    let settings = GameSettings {
        scene: SceneId::try_from("grid").unwrap(),
        players,
        waiting_room_timeout: at(60_000),
        reconnect_grace: at(5_000),
        export_ack_timeout: at(10_000),
        on_exclusion: OnExclusion::End,
        min_players: 2,
    };
    GameSession::new(GameId::try_from(game).unwrap(), 7, settings)
}

pub fn request(name: &str, game: &str) -> JoinRequest {
    JoinRequest {
        participant: who(name),
        connection: socket(name),
        applicant: Applicant {
            proven: false,
            reopened: false,
        },
        instead_of: None,
        fresh: fresh(game, 2),
    }
}

fn socket(name: &str) -> ConnectionId {
    ConnectionId::try_from(format!("socket of {name}")).unwrap()
}

/// One job in a transaction of its own.
pub async fn one(store: &dyn Store, now: u64, job: Job) -> Result<Done, StoreError> {
    let mut results = store.commit(at(now), vec![job]).await?;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

pub fn committed(done: Result<Done, StoreError>) -> Committed {
    match done {
        Ok(Done::Committed(committed)) => *committed,
        other => panic!("not committed: {other:?}"),
    }
}

pub async fn join(store: &dyn Store, now: u64, name: &str, game: &str) -> GameSession {
    let job = Job::Join(Box::new(request(name, game)));
    committed(one(store, now, job).await).game
}

pub fn input(game: &GameSession, input: GameInput) -> Job {
    Job::Input(game.id().clone(), input)
}

pub fn verdict(name: &str, player: i64) -> GameInput {
    GameInput::Verdict {
        participant: who(name),
        claimed: Some(PlayerId::Number(player)),
        verdict: Verdict {
            reason: ExclusionReason::TabHidden,
            frame: Frame(0),
            decided_by: Side::Client,
            message: None,
            evidence: None,
        },
        seen: Frame(0),
    }
}

pub fn export(name: &str, game: &GameSession, id: &str) -> Job {
    Job::Export(Box::new(NewExport {
        participant: who(name),
        game: game.id().clone(),
        scene: SceneId::try_from("grid").unwrap(),
        export: ExportId::try_from(id).unwrap(),
        metrics: "{}".to_owned(),
        document: Document::Inline,
        status: StatusColumns::default(),
        finished: true,
    }))
}

pub fn refused(result: Result<impl std::fmt::Debug, StoreError>) -> ErrorCode {
    match result {
        Err(StoreError::Refused(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

async fn who_joins_gets_the_oldest_game_with_room(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    assert_eq!(join(store, 0, "a", "g1").await.id().as_str(), "g1");
    assert_eq!(join(store, 1, "b", "g2").await.id().as_str(), "g1");
    assert_eq!(join(store, 2, "c", "g3").await.id().as_str(), "g3");
    let counts = store.live_games().await.unwrap();
    assert_eq!(
        counts,
        LiveGames {
            waiting: 1,
            playing: 1,
            ending: 0
        }
    );
    // Games under other settings wait for their own kind.
    let mut other = request("d", "g4");
    other.fresh = fresh("g4", 3);
    let done = one(store, 3, Job::Join(Box::new(other))).await;
    assert_eq!(committed(done).game.id().as_str(), "g4");
    assert_eq!(join(store, 4, "e", "g5").await.id().as_str(), "g3");
}

async fn a_refused_input_changes_nothing(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    let game = join(store, 0, "a", "g1").await;
    join(store, 0, "b", "-").await;
    let before = store.unsettled().await.unwrap();
    let result = one(store, 5, input(&game, verdict("a", 1))).await;
    assert_eq!(refused(result), ErrorCode::NotYourSeat);
    let nowhere = GameId::try_from("nowhere").unwrap();
    let result = one(store, 5, Job::Input(nowhere, verdict("a", 0))).await;
    assert_eq!(refused(result), ErrorCode::UnknownGame);
    let result = one(store, 5, Job::Join(Box::new(request("a", "g9")))).await;
    assert_eq!(refused(result), ErrorCode::Unauthorized);
    assert_eq!(store.unsettled().await.unwrap(), before);
}

async fn jobs_share_a_transaction_and_each_fails_for_itself(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    let one_game = join(store, 0, "a", "g1").await;
    join(store, 0, "b", "-").await;
    let other = join(store, 0, "c", "g2").await;
    let cursed = join(store, 0, "d", "-").await;
    assert_eq!(cursed.id(), other.id());
    let untouched = store.seat(&who("c"), None).await.unwrap().unwrap().game;
    let results = store
        .commit(
            at(5),
            vec![
                input(&one_game, verdict("a", 0)),
                // The same game: it has ended by now.
                input(&one_game, verdict("b", 1)),
                // Refused.
                input(&one_game, verdict("a", 1)),
                // It panics, after some of it has been written.
                input(&other, GameInput::Shutdown),
                export("b", &one_game, "e"),
                export("b", &one_game, "e"),
            ],
        )
        .await
        .unwrap();
    let [first, second, third, fourth, fifth, sixth] = &results[..] else {
        panic!("{results:?}");
    };
    let reply = |done: &Result<Done, _>| done.as_ref().unwrap().committed().unwrap().reply;
    assert_eq!(reply(first), GameReply::Accepted);
    assert_eq!(reply(second), GameReply::AlreadyEnded);
    assert!(matches!(third, Err(StoreError::Refused(_))), "{third:?}");
    assert!(
        matches!(fourth, Err(StoreError::Unavailable(_))),
        "{fourth:?}"
    );
    assert_eq!(reply(fifth), GameReply::Accepted);
    assert!(matches!(sixth, Ok(Done::Nothing)), "{sixth:?}");
    let seat = store.seat(&who("c"), None).await.unwrap().unwrap();
    assert_eq!((seat.game, seat.outcome), (untouched, None));
    let seat = store.seat(&who("b"), None).await.unwrap().unwrap();
    assert!(seat.game.seat(&who("b")).unwrap().export.is_some());
    // And the store goes on.
    assert_eq!(join(store, 9, "e", "g5").await.id().as_str(), "g5");
}

async fn outcomes_and_codes_are_written_with_the_game(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    let game = join(store, 0, "a", "g1").await;
    join(store, 0, "b", "-").await;
    let committed = committed(one(store, 5, input(&game, verdict("a", 0))).await);
    assert_eq!(committed.reply, GameReply::Accepted);
    assert!(
        committed
            .outputs
            .iter()
            .any(|output| matches!(output, GameOutput::Deliver { to, .. } if *to == who("b")))
    );
    for (name, outcome) in [("a", "excluded"), ("b", "partner_excluded")] {
        let seat = store.seat(&who(name), None).await.unwrap().unwrap();
        assert_eq!(seat.outcome.as_deref(), Some(outcome));
        assert_eq!(seat.completion_code, Some(format!("grid-{outcome}")));
        assert!(matches!(seat.game.phase(), Phase::Ending { .. }));
    }
}

async fn an_export_is_stored_once_with_the_game(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    let game = join(store, 0, "a", "g1").await;
    join(store, 0, "b", "-").await;
    one(store, 5, input(&game, verdict("a", 0))).await.unwrap();
    let first = committed(one(store, 6, export("a", &game, "e")).await);
    assert!(first.game.seat(&who("a")).unwrap().export.is_some());
    let settled = store.unsettled().await.unwrap();
    let again = one(store, 7, export("a", &game, "e")).await.unwrap();
    assert!(matches!(again, Done::Nothing), "{again:?}");
    assert_eq!(store.unsettled().await.unwrap(), settled);
    let stranger = one(store, 7, export("x", &game, "e")).await;
    assert_eq!(refused(stranger), ErrorCode::NotYourSeat);
    let last = committed(one(store, 8, export("b", &game, "e")).await);
    assert!(last.outputs.contains(&GameOutput::Ended));
    assert_eq!(store.live_games().await.unwrap(), LiveGames::default());
}

async fn chunks_become_one_upload(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    let game = join(store, 0, "a", "g1").await;
    join(store, 0, "b", "-").await;
    let id = ExportId::try_from("e").unwrap();
    let limits = UploadLimits {
        participant: 10,
        ..UploadLimits::default()
    };
    let chunk = |offset: u64, bytes: &[u8]| {
        let chunk = NewChunk {
            participant: who("a"),
            export: ExportId::try_from("e").unwrap(),
            offset,
            bytes: bytes.to_vec(),
        };
        Job::Chunk(chunk, limits)
    };
    let progress = |done: Result<Done, StoreError>| match done {
        Ok(Done::Progress(progress)) => (progress.received, progress.stored, progress.taken),
        other => panic!("no progress: {other:?}"),
    };
    let first = one(store, 1, chunk(0, b"abc")).await;
    assert_eq!(progress(first), (3, false, true));
    let repeated = one(store, 1, chunk(0, b"abc")).await;
    assert_eq!(progress(repeated), (3, false, false));
    let second = one(store, 1, chunk(3, &[0, 255])).await;
    assert_eq!(progress(second), (5, false, true));
    let too_much = one(store, 1, chunk(5, b"abcdef")).await;
    assert_eq!(refused(too_much), ErrorCode::TooLarge);
    let stored = store.chunk(&who("a"), &id, 3).await.unwrap();
    assert_eq!(stored, Some(vec![0, 255]));
    assert_eq!(store.chunk(&who("a"), &id, 5).await.unwrap(), None);
    let Job::Export(mut whole) = export("a", &game, "e") else {
        unreachable!()
    };
    whole.document = Document::Uploaded(4);
    let changed = one(store, 2, Job::Export(whole.clone())).await;
    assert_eq!(refused(changed), ErrorCode::StorageUnavailable);
    whole.document = Document::Uploaded(5);
    committed(one(store, 2, Job::Export(whole)).await);
    let late = one(store, 3, chunk(5, b"x")).await;
    assert_eq!(progress(late), (5, true, false));
    one(store, 3, Job::DropUpload(who("a"), id.clone(), 5))
        .await
        .unwrap();
    assert!(store.chunk(&who("a"), &id, 0).await.unwrap().is_some());
}

async fn deadlines_are_found_again_and_only_when_due(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    assert_eq!(store.next_deadline().await.unwrap(), None);
    let game = join(store, 1_000, "a", "g1").await;
    assert_eq!(store.next_deadline().await.unwrap(), Some(at(61_000)));
    assert!(store.due(at(60_999)).await.unwrap().is_empty());
    assert_eq!(store.due(at(61_000)).await.unwrap(), [game.id().clone()]);
    let due = input(&game, GameInput::Deadline);
    one(store, 61_000, due).await.unwrap();
    assert_eq!(store.next_deadline().await.unwrap(), None);
    let seat = store.seat(&who("a"), None).await.unwrap().unwrap();
    assert_eq!(seat.outcome.as_deref(), Some("waiting_room_timeout"));
}

async fn a_participants_last_seat_is_the_one_taken_last(backend: &Backend) {
    let store = backend.open("study").await;
    let store = &*store;
    let first = join(store, 0, "a", "g1").await;
    let leave = GameInput::Leave {
        participant: who("a"),
        frame: Frame(0),
    };
    join(store, 0, "c", "-").await;
    one(store, 1, input(&first, leave)).await.unwrap();
    one(store, 1, export("a", &first, "e")).await.unwrap();
    one(store, 1, export("c", &first, "e")).await.unwrap();
    let again = JoinRequest {
        applicant: Applicant {
            proven: true,
            reopened: false,
        },
        ..request("a", "g2")
    };
    let second = committed(one(store, 1, Job::Join(Box::new(again))).await).game;
    let last = store.seat(&who("a"), None).await.unwrap().unwrap();
    assert_eq!(last.game.id(), second.id());
    let named = store
        .seat(&who("a"), Some(first.id()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(named.game.id(), first.id());
    assert!(store.seat(&who("b"), None).await.unwrap().is_none());
    assert!(
        store
            .seat(&who("b"), Some(first.id()))
            .await
            .unwrap()
            .is_none()
    );
}

async fn concurrent_joins_fill_every_game(backend: &Backend) {
    let store = backend.open("study").await;
    let mut joining = tokio::task::JoinSet::new();
    for index in 0..20 {
        let store = Arc::clone(&store);
        joining.spawn(async move {
            let (name, game) = (format!("p{index}"), format!("g{index}"));
            join(&*store, 0, &name, &game).await
        });
    }
    joining.join_all().await;
    let counts = store.live_games().await.unwrap();
    assert_eq!(
        counts,
        LiveGames {
            waiting: 0,
            playing: 10,
            ending: 0
        }
    );
}

async fn what_is_committed_is_there_after_reopening_and_other_experiments_are_left_alone(
    backend: &Backend,
) {
    let store = backend.open("study").await;
    let game = join(&*store, 0, "a", "g1").await;
    store.close().await;
    let store = backend.open("study").await;
    assert_eq!(
        store.unsettled().await.unwrap(),
        std::slice::from_ref(&game)
    );

    let other = backend.open("other").await;
    assert!(other.unsettled().await.unwrap().is_empty());
    assert_eq!(other.next_deadline().await.unwrap(), None);
    assert!(other.due(at(1_000_000)).await.unwrap().is_empty());
    assert!(other.seat(&who("a"), None).await.unwrap().is_none());
    let result = one(&*other, 1, input(&game, GameInput::Deadline)).await;
    assert_eq!(refused(result), ErrorCode::UnknownGame);
    assert_eq!(join(&*other, 1, "b", "g2").await.id().as_str(), "g2");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.sqlite3");
    std::fs::write(&path, "this is not a database, by any means. ".repeat(100)).unwrap();
    let error = SqliteStore::open(&path, study("study")).await.unwrap_err();
    assert!(error.to_string().contains("test.sqlite3"), "{error}");
    assert_eq!(
        std::fs::read(&path).unwrap().len(),
        3800,
        "and left as it is"
    );
}
