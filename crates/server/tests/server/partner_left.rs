//! One of several is out, and the others play on.

use serde_json::{Value, json};

use crate::support::{TestServer, assert_refused, metrics};

#[tokio::test]
async fn the_others_play_on_and_hear_up_to_where_the_leaver_came() {
    let server = TestServer::start().await;
    let [mut ada, mut bert, mut carl] = server.group("crowd", ["ada", "bert", "carl"]).await;
    ada.emit("pyodide_player_action", ada.action(json!(1), 12));
    for peer in [&mut bert, &mut carl] {
        peer.expect("pyodide_other_player_action").await;
    }
    let answer = ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 10));
    assert_eq!(answer.await["outcome"], "accepted");
    for peer in [&mut bert, &mut carl] {
        let told = peer.expect("partner_left").await;
        assert_eq!(
            (&told["player_id"], &told["frame_number"]),
            (&json!(0), &json!(12)),
            "{told}"
        );
    }
    // Nothing of the leaver's arrives any more, and nothing arrives there.
    let refused = ada.say("pyodide_player_action", ada.action(json!(1), 13));
    assert_refused(&refused.await, "already_ended");
    bert.emit("pyodide_player_action", bert.action(json!(2), 13));
    let heard = carl.expect("pyodide_other_player_action").await;
    assert_eq!(heard["player_id"], 1);
    ada.expect_nothing_more().await;
    // The leaver is done at once.
    let export = ada.export("e", &metrics("tab_hidden", 10));
    assert_eq!(
        ada.say("emit_multiplayer_metrics", export).await["duplicate"],
        false
    );
    let answer = ada.say("end_game_request_redirect", json!({})).await;
    assert!(
        answer["redirect_url"]
            .as_str()
            .unwrap_or_default()
            .is_empty(),
        "{answer}"
    );
    assert!(answer["completion_code"].is_string());
    let left = server
        .database
        .rows("SELECT participant_id, outcome, left_frame, left_at_ms FROM seats ORDER BY rowid")
        .await;
    assert_eq!(left[0]["outcome"], "excluded");
    assert_eq!(left[0]["left_frame"], 10);
    assert_eq!(left[0]["left_at_ms"], 1_700_000_000_000_i64);
    for seat in &left[1..] {
        assert_eq!(
            (&seat["outcome"], &seat["left_at_ms"], &seat["left_frame"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
    }
}

#[tokio::test]
async fn a_leaver_who_comes_back_gets_nothing_of_the_game_that_goes_on() {
    let server = TestServer::start().await;
    let [mut ada, mut bert, mut carl] = server.group("crowd", ["ada", "bert", "carl"]).await;
    assert_eq!(ada.say("leave_game", json!({})).await["ok"], true);
    for peer in [&mut bert, &mut carl] {
        peer.expect("partner_left").await;
    }
    ada.expect("p2p_game_ended").await;
    let mut back = server.connect_with(&ada.token).await;
    ada.expect("end_game").await;
    back.seat = ada.seat.clone();
    back.expect_nothing_more().await;
    bert.emit("pyodide_player_action", bert.action(json!(2), 13));
    carl.expect("pyodide_other_player_action").await;
    back.expect_nothing_more().await;
    let refused = back.say("pyodide_player_action", back.action(json!(1), 13));
    assert_refused(&refused.await, "already_ended");
}

#[tokio::test]
async fn who_tried_to_leave_in_vain_is_relayed_again() {
    let server = TestServer::start().await;
    let [mut ada, mut bert, mut carl] = server.group("crowd", ["ada", "bert", "carl"]).await;
    for failing in [true, false] {
        server.store.fail(failing);
        if failing {
            let answer = ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 10));
            assert_refused(&answer.await, "storage_unavailable");
        } else {
            let mut wrong = ada.verdict("tab_hidden", 10);
            wrong["player_id"] = json!(2);
            assert_refused(&ada.say("mid_game_exclusion", wrong).await, "not_your_seat");
        }
        ada.emit("pyodide_player_action", ada.action(json!(1), 11));
        for peer in [&mut bert, &mut carl] {
            peer.expect("pyodide_other_player_action").await;
        }
    }
}
