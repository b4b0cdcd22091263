use serde_json::{Value, json};

use crate::support::{TestServer, assert_refused, metrics};

#[tokio::test]
async fn an_export_is_acked_after_its_commit_and_stored_once() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    server.store.hold();
    let export = ada.export("e1", &metrics("normal", 3));
    let answer = ada.ask("emit_multiplayer_metrics", export.clone());
    // Another socket's answer shows that time has passed.
    let mut other = server.connect().await;
    other.expect_nothing_more().await;
    assert!(!answer.is_there(), "acked before it was stored");
    assert!(server.database.exports_of("ada").await.is_empty());
    server.store.release();
    assert_eq!(
        answer.get().await,
        json!({"ok": true, "export_id": "e1", "duplicate": false})
    );
    let stored = server.database.exports_of("ada").await;
    assert_eq!(stored.len(), 1);
    let before = server.database.dump().await;
    for _ in 0..3 {
        assert_eq!(
            ada.say("emit_multiplayer_metrics", export.clone()).await,
            json!({"ok": true, "export_id": "e1", "duplicate": true})
        );
    }
    assert_eq!(server.database.dump().await, before);
}

#[tokio::test]
async fn two_participants_may_use_the_same_export_id() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    for peer in [&mut ada, &mut bert] {
        let answer = peer
            .say(
                "emit_multiplayer_metrics",
                peer.export("same", &metrics("normal", 1)),
            )
            .await;
        assert_eq!(answer["duplicate"], false);
    }
}

#[tokio::test]
async fn an_export_without_an_id_is_recognised_when_it_is_repeated() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let said = json!({"scene_id": "grid", "metrics": metrics("normal", 3)});
    let first = ada.say("emit_multiplayer_metrics", said.clone()).await;
    assert_eq!(first["duplicate"], false);
    let again = ada.say("emit_multiplayer_metrics", said.clone()).await;
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["export_id"], first["export_id"]);
    let partners = bert.say("emit_multiplayer_metrics", said).await;
    assert_ne!(partners["export_id"], first["export_id"]);
}

#[tokio::test]
async fn data_of_an_earlier_game_is_stored_with_that_game() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let first_game = ada.game_id();
    for peer in [&mut ada, &mut bert] {
        peer.say(
            "emit_multiplayer_metrics",
            peer.export("first", &metrics("normal", 1)),
        )
        .await;
        peer.say("multiplayer_game_complete", peer.complete()).await;
    }
    // A second game with somebody else, over the same socket.
    assert_eq!(
        ada.say("join_game", json!({"participant_id": "ada"})).await["status"],
        "waiting"
    );
    let mut carl = server.join("carl").await;
    let seat = ada.expect("pyodide_player_assigned").await;
    assert_ne!(seat["game_id"], first_game);
    carl.expect("pyodide_player_assigned").await;
    let mut late = metrics("normal", 1);
    late["gameId"] = first_game.clone();
    assert_eq!(
        ada.say("emit_multiplayer_metrics", ada.export("late", &late))
            .await["duplicate"],
        false
    );
    let rows = server
        .database
        .rows("SELECT game_id FROM exports WHERE export_id = 'late'")
        .await;
    assert_eq!(rows[0]["game_id"], first_game);
    // A game that somebody else played is none of hers.
    late["gameId"] = json!("not hers");
    ada.say("emit_multiplayer_metrics", ada.export("other", &late))
        .await;
    let rows = server
        .database
        .rows("SELECT game_id FROM exports WHERE export_id = 'other'")
        .await;
    assert_eq!(rows[0]["game_id"], seat["game_id"]);
}

#[tokio::test]
async fn ids_with_path_separators_write_no_files() {
    let server = TestServer::start().await;
    let names = ["../../escape", "/etc/cron.d/x"];
    let (mut ada, mut bert) = server.pair(names[0], names[1]).await;
    for peer in [&mut ada, &mut bert] {
        let said = json!({
            "scene_id": "../../../scene", "export_id": "..\\..\\export", "metrics": metrics("normal", 1),
        });
        assert_eq!(peer.say("emit_multiplayer_metrics", said).await["ok"], true);
    }
    let mut files: Vec<String> = std::fs::read_dir(server.directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "stillhere.sqlite3",
            "stillhere.sqlite3-shm",
            "stillhere.sqlite3-wal"
        ]
    );
    let stored = server.database.exports_of(names[0]).await;
    assert_eq!(stored[0]["scene_id"], "../../../scene");
}

#[tokio::test]
async fn a_storage_that_fails_is_said_so_and_nothing_is_lost_afterwards() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let before = server.database.dump().await;
    server.store.fail(true);
    let verdict = ada.verdict("tab_hidden", 4);
    let answer = ada.say("mid_game_exclusion", verdict.clone()).await;
    assert_refused(&answer, "storage_unavailable");
    let text = answer["error"]["message"].as_str().unwrap();
    assert!(
        !text.contains("disk"),
        "what the storage said stays in the log: {text}"
    );
    let export = ada.export("e1", &metrics("tab_hidden", 4));
    assert_refused(
        &ada.say("emit_multiplayer_metrics", export.clone()).await,
        "storage_unavailable",
    );
    bert.expect_nothing_more().await;
    assert_eq!(server.database.dump().await, before);
    server.store.fail(false);
    assert_eq!(
        ada.say("mid_game_exclusion", verdict).await["outcome"],
        "accepted"
    );
    assert_eq!(
        ada.say("emit_multiplayer_metrics", export).await["duplicate"],
        false
    );
    bert.expect("partner_excluded").await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_name() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    let before = server.database.dump().await;
    let huge =
        json!({"scene_id": "grid", "export_id": "huge", "metrics": {"x": "y".repeat(9 << 20)}});
    assert_refused(
        &ada.say("emit_multiplayer_metrics", huge).await,
        "too_large",
    );
    for event in [
        "mid_game_exclusion",
        "join_game",
        "ping",
        "pyodide_player_action",
    ] {
        let big = json!({"x": "y".repeat(300 << 10)});
        assert_refused(&ada.say(event, big).await, "too_large");
    }
    assert_eq!(server.database.dump().await, before);
    let large =
        json!({"scene_id": "grid", "export_id": "large", "metrics": {"x": "y".repeat(4 << 20)}});
    assert_eq!(ada.say("emit_multiplayer_metrics", large).await["ok"], true);
}

#[tokio::test]
async fn an_unfinished_episodes_data_is_stored_as_it_is() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 4))
        .await;
    let mut said = metrics("tab_hidden", 4);
    said["episodes"] = json!([{"episode": 0, "endFrame": null}]);
    said["own"] = json!({"deep": [1, 2.5, "ü", null]});
    ada.say("emit_multiplayer_metrics", ada.export("e", &said))
        .await;
    let stored = &server.database.exports_of("ada").await[0];
    let kept: Value = serde_json::from_str(stored["metrics"].as_str().unwrap()).unwrap();
    assert_eq!(kept, said);
}
