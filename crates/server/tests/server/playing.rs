use serde_json::{Value, json};

use crate::support::{TestServer, assert_refused};

#[tokio::test]
async fn actions_are_relayed_as_they_are_and_in_order() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let before = server.database.dump().await;
    for frame in 0..200 {
        ada.emit(
            "pyodide_player_action",
            ada.action(json!({"keys": [frame]}), frame),
        );
    }
    for frame in 0..200 {
        assert_eq!(
            bert.expect("pyodide_other_player_action").await,
            json!({"player_id": 0, "action": {"keys": [frame]}, "frame_number": frame, "timestamp": 1234.5})
        );
    }
    for action in [json!(null), json!(0), json!("left"), json!([1, 2])] {
        bert.emit("pyodide_player_action", bert.action(action.clone(), 7));
        let heard = ada.expect("pyodide_other_player_action").await;
        assert_eq!(
            (&heard["player_id"], &heard["action"]),
            (&json!(1), &action)
        );
    }
    ada.expect_nothing_more().await;
    bert.expect_nothing_more().await;
    assert_eq!(
        server.database.dump().await,
        before,
        "the relay touches no storage"
    );
}

#[tokio::test]
async fn an_action_from_another_game_or_seat_reaches_nobody() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let (mut carl, mut dora) = server.pair("carl", "dora").await;
    let foreign = ada.action(json!(1), 0);
    assert_refused(
        &carl.say("pyodide_player_action", foreign).await,
        "unknown_game",
    );
    let mut borrowed = carl.action(json!(1), 0);
    borrowed["player_id"] = dora.player_id();
    assert_refused(
        &carl.say("pyodide_player_action", borrowed).await,
        "not_your_seat",
    );
    for peer in [&mut ada, &mut bert, &mut carl, &mut dora] {
        peer.expect_nothing_more().await;
    }
}

#[tokio::test]
async fn one_ending_does_not_stall_another_games_relay() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let (carl, mut dora) = server.pair("carl", "dora").await;
    server.store.hold();
    let answer = ada.ask("mid_game_exclusion", ada.verdict("tab_hidden", 3));
    // The ending waits for the disk; the others play on, and pings are answered.
    for frame in 0..10 {
        carl.emit("pyodide_player_action", carl.action(json!(frame), frame));
        assert_eq!(
            dora.expect("pyodide_other_player_action").await["action"],
            frame
        );
    }
    dora.expect_nothing_more().await;
    bert.expect_nothing_more().await;
    assert!(!answer.is_there());
    server.store.release();
    assert_eq!(answer.get().await["outcome"], "accepted");
    bert.expect("partner_excluded").await;
}

#[tokio::test]
async fn pings_are_answered_by_ack_and_by_event_and_need_no_seat() {
    let server = TestServer::start().await;
    let mut peer = server.connect().await;
    let answer = peer
        .say(
            "ping",
            json!({"ping_ms": null, "document_in_focus": true, "seq": 0}),
        )
        .await;
    assert_eq!(answer["seq"], 0);
    assert_eq!(
        peer.expect_aside("pong").await,
        json!({"max_latency": null, "min_ping_measurements": 0, "seq": 0})
    );
    // MUG's pings carry no number.
    let answer = peer
        .say("ping", json!({"ping_ms": 12, "document_in_focus": false}))
        .await;
    assert_eq!(answer["seq"], Value::Null);
    assert_eq!(peer.expect_aside("pong").await["max_latency"], Value::Null);
}

#[tokio::test]
async fn players_are_probed() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    let probe = ada.expect_aside("presence_probe").await;
    assert_eq!(probe, json!({"seq": 0}));
}

#[tokio::test]
async fn the_server_knows_the_frame_by_itself() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    ada.emit("pyodide_player_action", ada.action(json!(1), 41));
    bert.expect("pyodide_other_player_action").await;
    ada.say(
        "ping",
        json!({"ping_ms": 1, "document_in_focus": true, "seq": 1, "frame_number": 42}),
    )
    .await;
    assert_eq!(ada.say("leave_game", json!({})).await["ok"], true);
    assert_eq!(
        bert.expect("p2p_game_ended").await["reason"],
        "partner_disconnected"
    );
    assert_eq!(server.database.game_of("ada").await.seats()[0].frame.0, 42);
}
