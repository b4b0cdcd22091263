use serde_json::{Value, json};

use crate::support::{TestServer, assert_refused};

#[tokio::test]
async fn two_participants_wait_for_each_other_and_get_one_game() {
    let server = TestServer::start().await;
    let mut ada = server.connect().await;
    let answer = ada
        .say(
            "join_game",
            json!({"participant_id": "ada", "session_id": "s"}),
        )
        .await;
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["participant_id"], "ada");
    assert_eq!(answer["status"], "waiting");
    let waiting = ada.expect_aside("waiting_room").await;
    assert_eq!(
        waiting,
        json!({"cur_num_players": 1, "players_needed": 1, "ms_remaining": 60000})
    );
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 1, "playing": 0, "ending": 0})
    );

    let mut bert = server.connect().await;
    let answer = bert
        .say(
            "join_game",
            json!({"participant_id": "bert", "scene_id": "grid"}),
        )
        .await;
    assert_eq!(answer["status"], "playing");
    let (a, b) = (
        ada.expect("pyodide_player_assigned").await,
        bert.expect("pyodide_player_assigned").await,
    );
    assert_eq!(a["game_id"], b["game_id"]);
    assert_eq!(a["game_seed"], b["game_seed"]);
    assert_eq!((&a["player_id"], &b["player_id"]), (&json!(0), &json!(1)));
    assert_eq!(a["num_players"], 2);
    for peer in [&mut ada, &mut bert] {
        let ready = peer.expect("pyodide_game_ready").await;
        assert_eq!(ready["players"], json!([0, 1]));
        assert_eq!(ready["player_subjects"], json!({"0": "ada", "1": "bert"}));
        assert_eq!(ready["scene_metadata"]["scene_id"], "grid");
        assert_eq!(ready["scene_metadata"]["experiment_id"], "study");
        assert_eq!(ready["scene_metadata"]["continuous_max_ping"], 200);
        assert_eq!(ready["scene_metadata"]["episodes"], 3);
        peer.expect_nothing_more().await;
    }
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 1, "ending": 0})
    );
}

#[tokio::test]
async fn who_brings_no_id_gets_one_and_keeps_it() {
    let server = TestServer::start().await;
    let mut peer = server.connect().await;
    let first = peer.say("join_game", json!({})).await;
    let invented = first["participant_id"].as_str().unwrap().to_owned();
    assert!(invented.len() >= 16);
    let again = peer.say("join_game", json!({})).await;
    assert_eq!(again["participant_id"], Value::from(invented));
    assert_eq!(again["status"], "waiting");
    assert_eq!(server.database.rows("SELECT * FROM seats").await.len(), 1);
}

#[tokio::test]
async fn a_full_game_leaves_the_next_one_waiting_and_scenes_do_not_mix() {
    let server = TestServer::start().await;
    server.pair("a", "b").await;
    let mut c = server.join("c").await;
    assert_eq!(c.expect_aside("waiting_room").await["cur_num_players"], 1);
    let mut d = server.connect().await;
    let answer = d
        .say(
            "join_game",
            json!({"participant_id": "d", "scene_id": "trio"}),
        )
        .await;
    assert_eq!(answer["status"], "waiting");
    assert_eq!(d.expect_aside("waiting_room").await["players_needed"], 2);
    assert_eq!(server.live_games().await["waiting"], 2);
    assert_refused(
        &d.say("join_game", json!({"scene_id": "no such scene"}))
            .await,
        "unknown_game",
    );
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let server = TestServer::start().await;
    let mut ada = server.join("ada").await;
    server.clock.advance(60_000);
    assert_eq!(
        ada.expect("end_game").await,
        json!({"message": "Nobody came."})
    );
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 0, "ending": 0})
    );
    let answer = ada.say("end_game_request_redirect", json!({})).await;
    let url = answer["redirect_url"].as_str().unwrap();
    assert!(
        url.starts_with("/done.html?outcome=waiting_room_timeout&code="),
        "{url}"
    );
}

#[tokio::test]
async fn who_leaves_the_waiting_room_or_closes_the_page_frees_the_seat() {
    let server = TestServer::start().await;
    let mut ada = server.join("ada").await;
    assert_eq!(
        ada.say("leave_game", json!({"session_id": "s"})).await,
        json!({"ok": true})
    );
    assert_eq!(server.live_games().await["waiting"], 0);
    assert_refused(&ada.say("leave_game", json!({})).await, "unknown_game");
    assert!(server.database.rows("SELECT * FROM seats").await.is_empty());

    let bert = server.join_scene("bert", "trio").await;
    let mut carl = server.join_scene("carl", "trio").await;
    assert_eq!(
        carl.expect_aside("waiting_room").await["cur_num_players"],
        2
    );
    bert.drop_line();
    // What carl hears shows that the server has noticed.
    assert_eq!(
        carl.expect_aside("waiting_room").await["cur_num_players"],
        1
    );
    let seats = server
        .database
        .rows("SELECT participant_id FROM seats")
        .await;
    assert_eq!(seats, [json!({"participant_id": "carl"})]);
}

#[tokio::test]
async fn an_action_before_the_game_reaches_nobody() {
    let server = TestServer::start().await;
    let mut ada = server.connect().await;
    let action = json!({"game_id": "g", "player_id": 0, "action": 1, "frame_number": 0});
    assert_refused(
        &ada.say("pyodide_player_action", action).await,
        "unauthorized",
    );
}
