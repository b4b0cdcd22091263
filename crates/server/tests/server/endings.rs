use std::time::Duration;

use serde_json::{Value, json};
use stillhere_server::shutdown;

use crate::support::{TestServer, assert_refused, metrics};

const PARTNER_TEXT: &str = "Your partner experienced a technical issue. The game has ended.";

#[tokio::test]
async fn an_exclusion_from_the_verdict_to_the_last_export() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let answer = ada
        .say("mid_game_exclusion", ada.verdict("sustained_ping", 42))
        .await;
    assert_eq!(answer, json!({"ok": true, "outcome": "accepted"}));
    // Committed before it was answered.
    assert_eq!(server.database.outcome_of("ada").await, "excluded");
    assert_eq!(server.database.outcome_of("bert").await, "partner_excluded");

    let told = bert.expect("partner_excluded").await;
    assert_eq!(told["message"], PARTNER_TEXT);
    assert_eq!(
        (&told["reason"], &told["frame_number"]),
        (&json!("partner_exclusion"), &json!(42))
    );
    assert_eq!(told["game_id"], bert.game_id());
    let asked = bert.expect("trigger_data_export").await;
    assert_eq!(
        (
            &asked["is_partial"],
            &asked["termination_reason"],
            &asked["termination_frame"]
        ),
        (&json!(true), &json!("partner_exclusion"), &json!(42))
    );
    assert_ne!(told["delivery_id"], asked["delivery_id"]);
    ada.expect_nothing_more().await;

    let answer = ada
        .say(
            "emit_multiplayer_metrics",
            ada.export("e-ada", &metrics("sustained_ping", 42)),
        )
        .await;
    assert_eq!(
        answer,
        json!({"ok": true, "export_id": "e-ada", "duplicate": false})
    );
    let stored = &server.database.exports_of("ada").await[0];
    assert_eq!(
        (
            &stored["source"],
            &stored["is_partial"],
            &stored["termination_reason"],
            &stored["termination_frame"]
        ),
        (
            &json!("client"),
            &json!(1),
            &json!("sustained_ping"),
            &json!(42)
        )
    );
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 0, "ending": 1})
    );
    let answer = bert
        .say(
            "emit_multiplayer_metrics",
            bert.export("e-bert", &metrics("partner_exclusion", 42)),
        )
        .await;
    assert_eq!(answer["duplicate"], false);
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 0, "ending": 0})
    );
    for peer in [&mut ada, &mut bert] {
        peer.expect_nothing_more().await;
    }
}

#[tokio::test]
async fn a_third_socket_cannot_exclude_anyone() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let before = server.database.dump().await;
    let verdict = ada.verdict("tab_hidden", 1);
    let mut stranger = server.connect().await;
    assert_refused(
        &stranger.say("mid_game_exclusion", verdict.clone()).await,
        "unauthorized",
    );
    assert_refused(
        &stranger
            .say("multiplayer_game_complete", ada.complete())
            .await,
        "unauthorized",
    );
    assert_eq!(server.database.dump().await, before);

    let (mut carl, _dora) = server.pair("carl", "dora").await;
    let before = server.database.dump().await;
    assert_refused(
        &carl.say("mid_game_exclusion", verdict.clone()).await,
        "not_your_seat",
    );
    // A partner may not speak for the other seat either.
    assert_refused(
        &bert.say("mid_game_exclusion", verdict).await,
        "not_your_seat",
    );
    assert_refused(
        &bert.say("multiplayer_game_complete", ada.complete()).await,
        "not_your_seat",
    );
    assert_eq!(server.database.dump().await, before);
    ada.expect_nothing_more().await;
    bert.expect_nothing_more().await;
}

#[tokio::test]
async fn player_zero_and_frame_zero_are_values() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    assert_eq!(ada.player_id(), 0);
    let answer = ada
        .say("mid_game_exclusion", ada.verdict("tab_hidden", 0))
        .await;
    assert_eq!(answer["outcome"], "accepted");
    assert_eq!(bert.expect("partner_excluded").await["frame_number"], 0);
    assert_eq!(
        bert.expect("trigger_data_export").await["termination_frame"],
        0
    );
    ada.say(
        "emit_multiplayer_metrics",
        ada.export("e", &metrics("tab_hidden", 0)),
    )
    .await;
    let stored = &server.database.exports_of("ada").await[0];
    assert_eq!(stored["termination_frame"], 0);
    assert_eq!(stored["completed_episodes"], 0);
}

#[tokio::test]
async fn both_exclude_themselves_at_once_and_the_game_ends_once() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let one = ada.ask("mid_game_exclusion", ada.verdict("tab_hidden", 5));
    let other = bert.ask("mid_game_exclusion", bert.verdict("sustained_ping", 6));
    let (one, other) = (one.get().await, other.get().await);
    let (first, second, late) = if one["outcome"] == "accepted" {
        (&mut ada, &mut bert, other)
    } else {
        assert_eq!(other["outcome"], "accepted");
        (&mut bert, &mut ada, one)
    };
    assert_eq!(
        late,
        json!({"ok": true, "outcome": "already_ended", "termination_reason": "partner_exclusion"})
    );
    second.expect("partner_excluded").await;
    second.expect("trigger_data_export").await;
    first.expect_nothing_more().await;
    second.expect_nothing_more().await;
    let game = server.database.game_of("ada").await;
    let recorded = game
        .seats()
        .iter()
        .filter(|seat| seat.also_excluded.is_some());
    assert_eq!(recorded.count(), 1, "the late verdict is written down");
}

#[tokio::test]
async fn a_verdict_is_kept_with_its_evidence() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    let game = server.database.game_of("ada").await;
    let verdict = game.seats()[0].verdict.as_ref().unwrap();
    let evidence: Value = serde_json::from_str(verdict.evidence.as_ref().unwrap()).unwrap();
    assert_eq!(evidence, json!({"rule": "tab_hidden"}));
}

#[tokio::test]
async fn evidence_that_is_too_large_is_dropped_and_the_verdict_stands() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    let mut verdict = ada.verdict("tab_hidden", 5);
    verdict["evidence"] = json!({"samples": "x".repeat(100_000)});
    assert_eq!(
        ada.say("mid_game_exclusion", verdict).await["outcome"],
        "accepted"
    );
    let game = server.database.game_of("ada").await;
    let verdict = game.seats()[0].verdict.as_ref().unwrap();
    let evidence: Value = serde_json::from_str(verdict.evidence.as_ref().unwrap()).unwrap();
    assert!(evidence["dropped_bytes"].as_u64().unwrap() > 100_000);
}

#[tokio::test]
async fn a_game_played_to_its_end() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    for (peer, name) in [(&mut ada, "ada"), (&mut bert, "bert")] {
        let export = peer.export(name, &metrics("normal", 119));
        assert_eq!(
            peer.say("emit_multiplayer_metrics", export).await["duplicate"],
            false
        );
        for _ in 0..2 {
            assert_eq!(
                peer.say("multiplayer_game_complete", peer.complete()).await,
                json!({"ok": true})
            );
        }
        assert_eq!(server.database.outcome_of(name).await, "completed");
        assert_eq!(server.database.exports_of(name).await[0]["is_partial"], 0);
    }
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 0, "ending": 0})
    );
    for peer in [&mut ada, &mut bert] {
        peer.expect_nothing_more().await;
    }
}

#[tokio::test]
async fn a_tab_hidden_for_too_long_ends_the_game_for_both() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let state = json!({
        "game_id": ada.game_id(), "scene_id": "grid", "reason": "focus_loss_timeout",
        "frame_number": 9, "episode_number": 0,
    });
    assert_eq!(
        ada.say("participant_terminal_state", state).await,
        json!({"ok": true})
    );
    let told = bert.expect("p2p_game_ended").await;
    assert_eq!(
        (&told["reason"], &told["disconnected_player_id"]),
        (&json!("focus_loss_timeout"), &json!(0))
    );
    ada.expect("p2p_game_ended").await;
    assert_eq!(server.database.outcome_of("ada").await, "focus_loss");
}

#[tokio::test]
async fn data_that_never_comes_is_replaced_by_what_the_server_knows() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    bert.expect("partner_excluded").await;
    bert.expect("trigger_data_export").await;
    bert.say(
        "emit_multiplayer_metrics",
        bert.export("e-bert", &metrics("partner_exclusion", 5)),
    )
    .await;
    server.clock.advance(10_000);
    server
        .wait_until("SELECT 1 FROM games WHERE phase = 'ended'")
        .await;
    let stored = &server.database.exports_of("ada").await[0];
    assert_eq!(stored["source"], "server");
    assert_eq!(
        (
            &stored["is_partial"],
            &stored["termination_reason"],
            &stored["termination_frame"],
            &stored["completed_episodes"]
        ),
        (&json!(1), &json!("tab_hidden"), &json!(5), &Value::Null)
    );
    let record: Value = serde_json::from_str(stored["metrics"].as_str().unwrap()).unwrap();
    assert_eq!(record["sessionStatus"]["terminatedBy"], "self");
    assert_eq!(record["playerId"], 0);

    // And if it comes after all, it is stored beside that.
    let late = ada
        .say(
            "emit_multiplayer_metrics",
            ada.export("late", &metrics("tab_hidden", 5)),
        )
        .await;
    assert_eq!(late["duplicate"], false);
    let sources: Vec<Value> = server
        .database
        .exports_of("ada")
        .await
        .iter()
        .map(|row| row["source"].clone())
        .collect();
    assert_eq!(sources, [json!("server"), json!("client")]);
    assert_eq!(server.database.exports_of("bert").await.len(), 1);
}

#[tokio::test]
async fn a_stopping_server_tells_everybody_and_takes_their_data() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let mut carl = server.join("carl").await;
    let state = std::sync::Arc::clone(&server.state);
    let stopping =
        tokio::spawn(async move { shutdown::drain(&state, Duration::from_secs(60)).await });
    assert!(
        carl.expect("end_game").await["message"]
            .as_str()
            .unwrap()
            .contains("restarted")
    );
    for (peer, id) in [(&mut ada, "e-ada"), (&mut bert, "e-bert")] {
        let told = peer.expect("p2p_game_ended").await;
        assert_eq!(
            (&told["reason"], &told["disconnected_player_id"]),
            (&json!("server_shutdown"), &Value::Null)
        );
        let answer = peer
            .say(
                "emit_multiplayer_metrics",
                peer.export(id, &metrics("server_shutdown", 1)),
            )
            .await;
        assert_eq!(answer["duplicate"], false);
        let answer = peer.say("end_game_request_redirect", json!({})).await;
        assert!(
            answer["redirect_url"]
                .as_str()
                .unwrap()
                .contains("server_shutdown")
        );
    }
    assert_refused(
        &carl
            .say("join_game", json!({"participant_id": "carl"}))
            .await,
        "storage_unavailable",
    );
    stopping.await.unwrap();
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 0, "ending": 0})
    );
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_an_ending_takes_it_up_again() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    ada.say(
        "emit_multiplayer_metrics",
        ada.export("e-ada", &metrics("tab_hidden", 5)),
    )
    .await;
    bert.expect_unacked("partner_excluded").await;
    shutdown::drain(&server.state, Duration::ZERO).await;
    shutdown::close(&server.state).await;

    let server = server.crash_and_start_again().await;
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 0, "ending": 1})
    );
    assert_eq!(server.database.outcome_of("bert").await, "partner_excluded");
    let mut back = server.connect_with(&bert.token).await;
    back.expect("pyodide_player_assigned").await;
    back.expect("partner_excluded").await;
    back.expect("trigger_data_export").await;
    back.say(
        "emit_multiplayer_metrics",
        back.export("e-bert", &metrics("partner_exclusion", 5)),
    )
    .await;
    assert_eq!(server.live_games().await["ending"], 0);
    assert_eq!(server.database.exports_of("ada").await.len(), 1);
}
