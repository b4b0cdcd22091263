//! What every store has to do, whichever database is behind it.

use std::sync::Arc;

use stillhere_core::exclusion::{ExclusionReason, Side};
use stillhere_core::ids::{ExportId, Frame, GameId, ParticipantId, PlayerId, SceneId};
use stillhere_core::session::{
    GameInput, GameOutput, GameReply, GameSession, GameSettings, Phase, Verdict,
};
use stillhere_core::time::Millis;
use stillhere_core::wire::ErrorCode;
use stillhere_server::store::{
    JoinRequest, LiveGames, NewExport, SqliteStore, StatusColumns, Store, StoreError, Study,
};
use tempfile::TempDir;

fn study(experiment: &str) -> Study {
    Study {
        experiment_id: experiment.to_owned(),
        completion_code: Arc::new(|scene, outcome| format!("{scene}-{}", outcome.as_str())),
    }
}

/// Every kind of store that there is, fresh, with whatever keeps its files alive.
async fn stores() -> Vec<(Box<dyn Store>, TempDir)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.sqlite3");
    let sqlite = SqliteStore::open(&path, study("study")).await.unwrap();
    vec![(Box::new(sqlite), directory)]
}

fn at(ms: u64) -> Millis {
    Millis::from(ms)
}

fn who(name: &str) -> ParticipantId {
    ParticipantId::try_from(name).unwrap()
}

fn fresh(game: &str, players: usize) -> GameSession {
    let settings = GameSettings {
        scene: SceneId::try_from("grid").unwrap(),
        players,
        waiting_room_timeout: at(60_000),
        reconnect_grace: at(5_000),
        export_ack_timeout: at(10_000),
    };
    GameSession::new(GameId::try_from(game).unwrap(), 7, settings)
}

fn request(name: &str, game: &str) -> JoinRequest {
    JoinRequest {
        participant: who(name),
        proven: false,
        fresh: fresh(game, 2),
    }
}

async fn join(store: &dyn Store, now: u64, name: &str, game: &str) -> GameSession {
    let committed = store.join(at(now), request(name, game)).await.unwrap();
    committed.game
}

fn verdict(name: &str, player: i64) -> GameInput {
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
    }
}

fn export(name: &str, game: &GameSession, id: &str) -> NewExport {
    NewExport {
        participant: who(name),
        game: game.id().clone(),
        scene: SceneId::try_from("grid").unwrap(),
        export: ExportId::try_from(id).unwrap(),
        metrics: "{}".to_owned(),
        status: StatusColumns::default(),
    }
}

fn refused(result: Result<impl std::fmt::Debug, StoreError>) -> ErrorCode {
    match result {
        Err(StoreError::Refused(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn who_joins_gets_the_oldest_game_with_room() {
    for (store, _files) in stores().await {
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
        let committed = store.join(at(3), other).await.unwrap();
        assert_eq!(committed.game.id().as_str(), "g4");
        assert_eq!(join(store, 4, "e", "g5").await.id().as_str(), "g3");
    }
}

#[tokio::test]
async fn a_refused_input_changes_nothing() {
    for (store, _files) in stores().await {
        let store = &*store;
        let game = join(store, 0, "a", "g1").await;
        join(store, 0, "b", "-").await;
        let before = store.unsettled().await.unwrap();
        let result = store.transact(at(5), game.id(), verdict("a", 1)).await;
        assert_eq!(refused(result), ErrorCode::NotYourSeat);
        let nowhere = GameId::try_from("nowhere").unwrap();
        let result = store.transact(at(5), &nowhere, verdict("a", 0)).await;
        assert_eq!(refused(result), ErrorCode::UnknownGame);
        let result = store.join(at(5), request("a", "g9")).await;
        assert_eq!(refused(result), ErrorCode::Unauthorized);
        assert_eq!(store.unsettled().await.unwrap(), before);
    }
}

#[tokio::test]
async fn outcomes_and_codes_are_written_with_the_game() {
    for (store, _files) in stores().await {
        let store = &*store;
        let game = join(store, 0, "a", "g1").await;
        join(store, 0, "b", "-").await;
        let committed = store
            .transact(at(5), game.id(), verdict("a", 0))
            .await
            .unwrap();
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
}

#[tokio::test]
async fn an_export_is_stored_once_with_the_game() {
    for (store, _files) in stores().await {
        let store = &*store;
        let game = join(store, 0, "a", "g1").await;
        join(store, 0, "b", "-").await;
        store
            .transact(at(5), game.id(), verdict("a", 0))
            .await
            .unwrap();
        let first = store.export(at(6), export("a", &game, "e")).await.unwrap();
        assert!(
            first
                .unwrap()
                .game
                .seat(&who("a"))
                .unwrap()
                .export
                .is_some()
        );
        let settled = store.unsettled().await.unwrap();
        assert!(
            store
                .export(at(7), export("a", &game, "e"))
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(store.unsettled().await.unwrap(), settled);
        let stranger = store.export(at(7), export("x", &game, "e")).await;
        assert_eq!(refused(stranger), ErrorCode::NotYourSeat);
        let last = store.export(at(8), export("b", &game, "e")).await.unwrap();
        assert!(last.unwrap().outputs.contains(&GameOutput::Ended));
        assert_eq!(store.live_games().await.unwrap(), LiveGames::default());
    }
}

#[tokio::test]
async fn deadlines_are_found_again_and_only_when_due() {
    for (store, _files) in stores().await {
        let store = &*store;
        assert_eq!(store.next_deadline().await.unwrap(), None);
        let game = join(store, 1_000, "a", "g1").await;
        assert_eq!(store.next_deadline().await.unwrap(), Some(at(61_000)));
        assert!(store.due(at(60_999)).await.unwrap().is_empty());
        assert_eq!(store.due(at(61_000)).await.unwrap(), [game.id().clone()]);
        store
            .transact(at(61_000), game.id(), GameInput::Deadline)
            .await
            .unwrap();
        assert_eq!(store.next_deadline().await.unwrap(), None);
        let seat = store.seat(&who("a"), None).await.unwrap().unwrap();
        assert_eq!(seat.outcome.as_deref(), Some("waiting_room_timeout"));
    }
}

#[tokio::test]
async fn a_participants_last_seat_is_the_one_taken_last() {
    for (store, _files) in stores().await {
        let store = &*store;
        let first = join(store, 0, "a", "g1").await;
        store
            .transact(at(1), first.id(), GameInput::Shutdown)
            .await
            .unwrap();
        let second = join(store, 1, "a", "g2").await;
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
}

#[tokio::test]
async fn concurrent_joins_fill_every_game() {
    for (store, _files) in stores().await {
        let store: Arc<dyn Store> = Arc::from(store);
        let mut joining = tokio::task::JoinSet::new();
        for index in 0..20 {
            let store = Arc::clone(&store);
            joining.spawn(async move {
                let (name, game) = (format!("p{index}"), format!("g{index}"));
                store.join(at(0), request(&name, &game)).await.unwrap()
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
}

#[tokio::test]
async fn what_is_committed_is_there_after_reopening_and_other_experiments_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.sqlite3");
    let store = SqliteStore::open(&path, study("study")).await.unwrap();
    let game = join(&store, 0, "a", "g1").await;
    store.close().await;
    let store = SqliteStore::open(&path, study("study")).await.unwrap();
    assert_eq!(
        store.unsettled().await.unwrap(),
        std::slice::from_ref(&game)
    );

    let other = SqliteStore::open(&path, study("other")).await.unwrap();
    assert!(other.unsettled().await.unwrap().is_empty());
    assert_eq!(other.next_deadline().await.unwrap(), None);
    assert!(other.seat(&who("a"), None).await.unwrap().is_none());
    let result = other.transact(at(1), game.id(), GameInput::Deadline).await;
    assert_eq!(refused(result), ErrorCode::UnknownGame);
    assert_eq!(join(&other, 1, "b", "g2").await.id().as_str(), "g2");
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
