use serde_json::json;

use crate::support::{TestServer, assert_refused};

#[tokio::test]
async fn a_live_seat_is_taken_over_only_with_its_token() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let before = server.database.dump().await;
    let mut thief = server.connect().await;
    assert_refused(
        &thief
            .say("join_game", json!({"participant_id": "ada"}))
            .await,
        "unauthorized",
    );
    let with_wrong_token = json!({"participant_id": "ada", "participant_token": bert.token});
    assert_refused(
        &thief.say("join_game", with_wrong_token).await,
        "unauthorized",
    );
    let forged = format!("{}x", ada.token);
    let with_forged_token = json!({"participant_id": "ada", "participant_token": forged});
    assert_refused(
        &thief.say("join_game", with_forged_token).await,
        "unauthorized",
    );
    assert_eq!(server.database.dump().await, before);
    assert_refused(&thief.say("leave_game", json!({})).await, "unauthorized");
    ada.expect_nothing_more().await;

    let owner = json!({"participant_id": "ada", "participant_token": ada.token});
    let answer = thief.say("join_game", owner).await;
    assert_eq!(
        (&answer["ok"], &answer["status"]),
        (&json!(true), &json!("playing"))
    );
    assert_eq!(
        thief.expect("pyodide_player_assigned").await["player_id"],
        0
    );
    thief.expect("pyodide_game_ready").await;
    bert.expect_nothing_more().await;
}

#[tokio::test]
async fn an_away_participants_seat_is_not_free_either() {
    let server = TestServer::start().await;
    let (ada, mut bert) = server.pair("ada", "bert").await;
    ada.drop_line();
    bert.expect("p2p_pause").await;
    let mut thief = server.connect().await;
    assert_refused(
        &thief
            .say("join_game", json!({"participant_id": "ada"}))
            .await,
        "unauthorized",
    );
}

#[tokio::test]
async fn the_newer_socket_has_the_seat_and_the_older_is_told() {
    let server = TestServer::start().await;
    let (mut old, mut bert) = server.pair("ada", "bert").await;
    let mut new = server.connect_with(&old.token).await;
    new.seat = new.expect("pyodide_player_assigned").await;
    new.expect("pyodide_game_ready").await;
    let told = old.expect("end_game").await;
    assert!(told["message"].as_str().unwrap().contains("another tab"));
    assert_refused(
        &old.say("mid_game_exclusion", new.verdict("tab_hidden", 1))
            .await,
        "unauthorized",
    );
    bert.emit("pyodide_player_action", bert.action(json!(1), 1));
    new.expect("pyodide_other_player_action").await;
    old.expect_nothing_more().await;
    // The older one going is nobody's disconnect: what the newer does next comes first.
    old.drop_line();
    new.emit("pyodide_player_action", new.action(json!(1), 2));
    bert.expect("pyodide_other_player_action").await;
    assert_eq!(
        new.say("mid_game_exclusion", new.verdict("tab_hidden", 1))
            .await["outcome"],
        "accepted"
    );
    bert.expect("partner_excluded").await;
}

#[tokio::test]
async fn joining_twice_over_one_socket_changes_nothing() {
    let server = TestServer::start().await;
    let mut ada = server.join("ada").await;
    for _ in 0..3 {
        let answer = ada.say("join_game", json!({"participant_id": "ada"})).await;
        assert_eq!(
            (&answer["ok"], &answer["status"]),
            (&json!(true), &json!("waiting"))
        );
    }
    assert_eq!(server.database.rows("SELECT * FROM seats").await.len(), 1);
    let mut bert = server.join("bert").await;
    ada.expect("pyodide_player_assigned").await;
    ada.expect("pyodide_game_ready").await;
    let answer = ada.say("join_game", json!({"participant_id": "ada"})).await;
    assert_eq!(answer["status"], "playing");
    ada.expect("pyodide_player_assigned").await;
    ada.expect("pyodide_game_ready").await;
    bert.expect("pyodide_player_assigned").await;
    bert.expect("pyodide_game_ready").await;
    bert.expect_nothing_more().await;
}

#[tokio::test]
async fn one_socket_does_not_play_two_participants() {
    let server = TestServer::start().await;
    let mut ada = server.join("ada").await;
    assert_refused(
        &ada.say("join_game", json!({"participant_id": "bert"}))
            .await,
        "unauthorized",
    );
    // Who shows an old token and has no game may still play as somebody else.
    let mut carl = server.join("carl").await;
    carl.expect("pyodide_player_assigned").await;
    ada.expect("pyodide_player_assigned").await;
    ada.expect("pyodide_game_ready").await;
    let token = {
        let mut dora = server.join("dora").await;
        dora.say("leave_game", json!({})).await;
        dora.token
    };
    let mut shared = server.connect_with(&token).await;
    let answer = shared
        .say("join_game", json!({"participant_id": "emil"}))
        .await;
    assert_eq!(answer["participant_id"], "emil");
    assert_eq!(answer["status"], "waiting");
}

#[tokio::test]
async fn a_token_that_nobody_signed_binds_nobody() {
    let server = TestServer::start().await;
    let mut peer = server.connect_with("eyJhbGciOiJIUzI1NiJ9.e30.AAAA").await;
    assert_refused(&peer.say("leave_game", json!({})).await, "unauthorized");
}

#[tokio::test]
async fn nobody_takes_the_place_of_one_who_has_played() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    for peer in [&mut ada, &mut bert] {
        let complete = peer.complete();
        peer.say("multiplayer_game_complete", complete).await;
        peer.say(
            "emit_multiplayer_metrics",
            json!({"scene_id": "grid", "metrics": {}, "export_id": "e"}),
        )
        .await;
    }
    let before = server.database.dump().await;
    // Every partner knows this id. The game is over; the way out and the completion code are still to come.
    let mut thief = server.connect().await;
    assert_refused(
        &thief
            .say("join_game", json!({"participant_id": "ada"}))
            .await,
        "unauthorized",
    );
    assert_refused(
        &thief.say("end_game_request_redirect", json!({})).await,
        "unauthorized",
    );
    assert_eq!(server.database.dump().await, before);
    let answer = ada.say("end_game_request_redirect", json!({})).await;
    assert_eq!(answer["completion_code"], "C1ABCDEF", "{answer}");
}

#[tokio::test]
async fn a_page_cannot_stand_in_for_the_servers_record() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    let before = server.database.dump().await;
    let id = format!("server-{}", ada.game_id().as_str().unwrap());
    let unfinished = json!({
        "scene_id": "grid", "export_id": id, "metrics": {"sessionStatus": {"terminatedAtTimestamp": null}},
    });
    assert_refused(
        &ada.say("emit_multiplayer_metrics", unfinished).await,
        "invalid_payload",
    );
    assert_eq!(server.database.dump().await, before);
}
