//! A second tab of the same participant takes the seat over.

use serde_json::json;

use crate::support::{TestServer, metrics};

#[tokio::test]
async fn the_first_tab_is_told_why() {
    let server = TestServer::start().await;
    let (mut old, mut bert) = server.pair("ada", "bert").await;
    let mut new = server.connect().await;
    let request = json!({"participant_id": "ada", "participant_token": old.token});
    assert_eq!(new.say("join_game", request).await["status"], "playing");
    let told = old.expect("end_game").await;
    assert_eq!(told["reason"], "taken_over");
    new.expect("pyodide_player_assigned").await;
    new.expect("pyodide_game_ready").await;
    bert.expect_nothing_more().await;
}

#[tokio::test]
async fn the_end_of_the_older_line_is_nobodys_disconnect_in_whatever_order() {
    let server = TestServer::start().await;
    let (old, mut bert) = server.pair("ada", "bert").await;
    // Both are under way at once: the newer line, and the end of the older one.
    server.store.hold();
    let mut new = server.connect_with(&old.token).await;
    server.store.until_held().await;
    old.drop_line();
    while server.state.waiting_writes() < 1 {
        tokio::task::yield_now().await;
    }
    server.store.release();
    new.expect("pyodide_player_assigned").await;
    new.expect("pyodide_game_ready").await;
    bert.expect_nothing_more().await;
    // Past the grace, in which a lost line may come back.
    server.clock.advance(6_000);
    bert.emit("pyodide_player_action", bert.action(json!(1), 1));
    new.expect("pyodide_other_player_action").await;
    bert.expect_nothing_more().await;
}

#[tokio::test]
async fn what_an_earlier_game_owes_is_not_forgotten_with_the_older_line() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let first = ada.game_id();
    bert.say("mid_game_exclusion", bert.verdict("tab_hidden", 1))
        .await;
    ada.expect("partner_excluded").await;
    ada.expect_unacked("trigger_data_export").await;
    ada.say(
        "emit_multiplayer_metrics",
        ada.export("e", &metrics("partner_exclusion", 1)),
    )
    .await;
    let _carl = server.join("carl").await;
    ada.say("join_game", json!({"participant_id": "ada"})).await;
    ada.expect("pyodide_player_assigned").await;
    ada.expect("pyodide_game_ready").await;
    let new = server.connect_with(&ada.token).await;
    ada.expect("end_game").await;
    new.drop_line();
    // Also the game before hears of it.
    let away = format!(
        "SELECT 1 FROM games, json_each(state, '$.seats') AS seat WHERE game_id = {first}
            AND json_extract(seat.value, '$.participant') = 'ada'
            AND json_extract(seat.value, '$.presence.is') = 'away'",
    );
    server.wait_until(&away.replace('"', "'")).await;
}

#[tokio::test]
async fn the_part_before_a_reload_is_stored_and_the_rest_is_waited_for() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let mut part = metrics("normal", 3);
    part["sessionStatus"]["terminatedAtTimestamp"] = json!(null);
    let answer = ada.say("emit_multiplayer_metrics", ada.export("part", &part));
    assert_eq!(answer.await["duplicate"], false);
    bert.say("mid_game_exclusion", bert.verdict("tab_hidden", 9))
        .await;
    ada.expect("partner_excluded").await;
    ada.expect("trigger_data_export").await;
    let game = server.database.game_of("ada").await;
    assert!(game.seats()[0].export.is_none(), "the end is still to come");
    ada.say(
        "emit_multiplayer_metrics",
        ada.export("end", &metrics("partner_exclusion", 9)),
    )
    .await;
    let game = server.database.game_of("ada").await;
    assert!(game.seats()[0].export.is_some());
    assert_eq!(server.database.exports_of("ada").await.len(), 2);
}
