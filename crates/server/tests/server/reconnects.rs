use serde_json::{Value, json};

use crate::support::{TestServer, metrics};

#[tokio::test]
async fn a_lost_line_pauses_the_game_and_a_token_resumes_it() {
    let server = TestServer::start().await;
    let (ada, mut bert) = server.pair("ada", "bert").await;
    ada.emit("pyodide_player_action", ada.action(json!(1), 17));
    bert.expect("pyodide_other_player_action").await;
    ada.drop_line();
    assert_eq!(
        bert.expect("p2p_pause").await,
        json!({"game_id": ada.game_id(), "pause_frame": 17, "detecting_player": 0, "ms_remaining": 5000})
    );
    server.clock.advance(4_999);
    let mut back = server.connect_with(&ada.token).await;
    assert_eq!(back.expect("pyodide_player_assigned").await, ada.seat);
    back.expect("pyodide_game_ready").await;
    assert_eq!(
        bert.expect("p2p_resume").await,
        json!({"game_id": ada.game_id()})
    );
    // The old deadline has no hold over them any more.
    server.clock.advance(10_000);
    bert.emit("pyodide_player_action", bert.action(json!(2), 18));
    back.expect("pyodide_other_player_action").await;
    bert.expect_nothing_more().await;
}

#[tokio::test]
async fn whoever_does_not_come_back_in_time_has_ended_the_game() {
    let server = TestServer::start().await;
    let (ada, mut bert) = server.pair("ada", "bert").await;
    ada.drop_line();
    bert.expect("p2p_pause").await;
    server.clock.advance(5_000);
    let told = bert.expect("p2p_game_ended").await;
    assert_eq!(
        (&told["reason"], &told["disconnected_player_id"]),
        (&json!("partner_disconnected"), &json!(0))
    );
    assert_eq!(server.database.outcome_of("ada").await, "disconnected");
    assert_eq!(
        server.database.outcome_of("bert").await,
        "partner_disconnected"
    );
    // Who comes back later is told, and its data is still taken.
    let mut back = server.connect_with(&ada.token).await;
    back.seat = back.expect("pyodide_player_assigned").await;
    assert_eq!(
        back.expect("p2p_game_ended").await["reason"],
        "partner_disconnected"
    );
    let answer = back
        .say(
            "emit_multiplayer_metrics",
            back.export("late", &metrics("partner_disconnected", 3)),
        )
        .await;
    assert_eq!(answer["duplicate"], false);
}

#[tokio::test]
async fn what_is_owed_is_sent_again_until_it_is_acked() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    let told = bert.expect_unacked("partner_excluded").await;
    let asked = bert.expect_unacked("trigger_data_export").await;
    // Neither was acked: both come again, the same ones.
    server.clock.advance(1_000);
    let told_again = bert.expect_unacked("partner_excluded").await;
    assert_eq!(told_again.payload, told.payload);
    assert_eq!(bert.expect("trigger_data_export").await, asked.payload);
    server
        .wait_until(
            "SELECT 1 FROM games, json_each(state, '$.seats[1].deliveries') AS owed
              WHERE json_extract(owed.value, '$.acked_at') IS NOT NULL",
        )
        .await;
    // One is acked by now; the other follows its owner over a new line.
    bert.drop_line();
    let mut back = server.connect_with(&bert.token).await;
    back.expect("pyodide_player_assigned").await;
    assert_eq!(back.expect("partner_excluded").await, told.payload);
    back.expect_nothing_more().await;
    server
        .wait_until(
            "SELECT 1 FROM games WHERE NOT EXISTS (
               SELECT 1 FROM json_each(state, '$.seats[1].deliveries') AS owed
                WHERE json_extract(owed.value, '$.acked_at') IS NULL)",
        )
        .await;
    server.clock.advance(5_000);
    back.expect_nothing_more().await;
}

#[tokio::test]
async fn a_reconnect_never_takes_a_new_seat() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    for peer in [&mut ada, &mut bert] {
        peer.say(
            "emit_multiplayer_metrics",
            peer.export("e", &metrics("normal", 1)),
        )
        .await;
        peer.say("multiplayer_game_complete", peer.complete()).await;
    }
    let before = server.database.dump().await;
    let mut back = server.connect_with(&ada.token).await;
    back.expect_nothing_more().await;
    assert_eq!(server.database.dump().await, before);
    // The socket speaks for its participant all the same: data and redirect are theirs.
    let answer = back.say("end_game_request_redirect", json!({})).await;
    assert_eq!(answer["completion_code"], "C1ABCDEF");
}

#[tokio::test]
async fn a_socket_that_drops_at_once_leaks_nothing() {
    let server = TestServer::start().await;
    // Where silence is judged, time that flies would exclude a socket whose end is not noticed yet.
    let [ada, mut bert] = server.group("unwatched", ["ada", "bert"]).await;
    ada.drop_line();
    bert.expect("p2p_pause").await;
    for _ in 0..20 {
        let brief = server.connect_with(&ada.token).await;
        brief.drop_line();
    }
    // However these interleave, in the end nobody speaks for ada, and the grace runs out. A socket that
    // was kept by mistake would hold the game open for ever.
    server
        .wait_until_as_time_passes("SELECT 1 FROM games WHERE phase <> 'playing'")
        .await;
    assert_eq!(server.database.outcome_of("ada").await, "disconnected");
}

#[tokio::test]
async fn a_killed_server_takes_its_games_up_again() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let (carl, dora) = server.pair("carl", "dora").await;
    let waiting = server.join("emil").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    bert.expect_unacked("partner_excluded").await;
    bert.expect_unacked("trigger_data_export").await;

    let server = server.crash_and_start_again().await;
    assert_eq!(
        server.live_games().await,
        json!({"waiting": 0, "playing": 1, "ending": 1}),
        "who waited has to join again"
    );
    let mut bert = server.connect_with(&bert.token).await;
    bert.expect("pyodide_player_assigned").await;
    bert.expect("partner_excluded").await;
    bert.expect("trigger_data_export").await;
    let mut carl = server.connect_with(&carl.token).await;
    carl.expect("pyodide_player_assigned").await;
    carl.expect("pyodide_game_ready").await;
    assert_eq!(carl.expect("p2p_pause").await["detecting_player"], 1);
    let mut emil = server.connect_with(&waiting.token).await;
    let answer = emil
        .say("join_game", json!({"participant_id": "emil"}))
        .await;
    assert_eq!(answer["status"], "waiting");
    // What was due while it was down, or falls due now, happens by itself; after a restart players are waited for longer.
    server.clock.advance(10_000);
    server
        .wait_until("SELECT 1 FROM exports WHERE participant_id = 'ada' AND source = 'server'")
        .await;
    assert_eq!(server.database.outcome_of("dora").await, Value::Null);
    server.clock.advance(10_000);
    assert_eq!(
        carl.expect("p2p_game_ended").await["disconnected_player_id"],
        1
    );
    assert_eq!(server.database.outcome_of("dora").await, "disconnected");
    drop(dora);
}

#[tokio::test]
async fn a_deadline_that_passed_while_the_server_was_down_is_due_at_once() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    server.store.kill();
    server.clock.advance(3_600_000);
    let server = server.crash_and_start_again().await;
    server
        .wait_until("SELECT 1 FROM games WHERE phase = 'ended'")
        .await;
    let sources: Vec<Value> = server
        .database
        .rows("SELECT source FROM exports")
        .await
        .into_iter()
        .map(|row| row["source"].clone())
        .collect();
    assert_eq!(sources, ["server", "server"]);
}
