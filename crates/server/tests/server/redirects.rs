use serde_json::json;

use crate::support::{TestServer, assert_refused};

#[tokio::test]
async fn redirect_is_answered() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    bert.expect("partner_excluded").await;
    bert.expect("trigger_data_export").await;
    let mut codes = Vec::new();
    for (peer, outcome) in [(&mut ada, "excluded"), (&mut bert, "partner_excluded")] {
        let answer = peer.say("end_game_request_redirect", json!({})).await;
        let code = answer["completion_code"].as_str().unwrap().to_owned();
        assert_eq!(
            answer,
            json!({
                "ok": true, "redirect_timeout": 2000, "completion_code": code,
                "redirect_url": format!("/done.html?outcome={outcome}&code={code}"),
            })
        );
        // The same code however often it is asked for, and the event only for who waits for no answer.
        assert_eq!(
            peer.say("end_game_request_redirect", json!({})).await,
            answer
        );
        peer.expect_nothing_more().await;
        peer.emit("end_game_request_redirect", json!({}));
        let event = peer.expect("end_game_request_redirect").await;
        assert_eq!(event["redirect_url"], answer["redirect_url"]);
        assert_eq!(event["redirect_timeout"], 2000);
        codes.push(code);
    }
    assert_ne!(codes[0], codes[1]);
}

#[tokio::test]
async fn what_the_request_claims_changes_nothing() {
    let server = TestServer::start().await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    let lies =
        json!({"partner_exclusion": true, "mid_game_exclusion": false, "reason": "completed"});
    assert_refused(
        &ada.say("end_game_request_redirect", lies.clone()).await,
        "unknown_game",
    );
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    let answer = ada.say("end_game_request_redirect", lies).await;
    assert!(
        answer["redirect_url"]
            .as_str()
            .unwrap()
            .starts_with("/done.html?outcome=excluded&")
    );
}

#[tokio::test]
async fn placeholders_are_encoded_and_a_fixed_code_is_everybodys() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("a&b={outcome}", "bert").await;
    for (peer, name) in [(&mut ada, "a%26b%3D%7Boutcome%7D"), (&mut bert, "bert")] {
        peer.say("multiplayer_game_complete", peer.complete()).await;
        let answer = peer.say("end_game_request_redirect", json!({})).await;
        assert_eq!(
            answer["redirect_url"],
            format!("https://lab.example/done?p={name}&c=C1ABCDEF")
        );
        assert_eq!(answer["redirect_timeout"], 1000);
        assert_eq!(answer["completion_code"], "C1ABCDEF");
    }
}

#[tokio::test]
async fn without_a_target_the_page_may_be_closed() {
    let server = TestServer::start().await;
    let mut peers = Vec::new();
    for name in ["a", "b", "c"] {
        peers.push(server.join_scene(name, "trio").await);
    }
    for peer in &mut peers {
        peer.seat = peer.expect("pyodide_player_assigned").await;
    }
    let verdict = peers[0].verdict("tab_hidden", 1);
    peers[0].expect("pyodide_game_ready").await;
    peers[0].say("mid_game_exclusion", verdict).await;
    let answer = peers[0].say("end_game_request_redirect", json!({})).await;
    assert_eq!(
        (&answer["ok"], &answer["redirect_url"]),
        (&json!(true), &json!(null))
    );
    assert!(answer["completion_code"].is_string());
}

#[tokio::test]
async fn a_stranger_is_sent_nowhere() {
    let server = TestServer::start().await;
    let mut stranger = server.connect().await;
    assert_refused(
        &stranger.say("end_game_request_redirect", json!({})).await,
        "unauthorized",
    );
}

#[tokio::test]
async fn a_page_opened_anew_after_the_end_is_told_where_to_go_and_plays_again_after_that() {
    let server = TestServer::start().await;
    let (mut ada, bert) = server.pair("ada", "bert").await;
    ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
        .await;
    let again = json!({"participant_id": "ada", "participant_token": ada.token});
    drop(ada);

    let mut page = server.connect().await;
    assert_refused(&page.say("join_game", again.clone()).await, "already_ended");
    let answer = page.say("end_game_request_redirect", json!({})).await;
    assert!(
        answer["redirect_url"]
            .as_str()
            .unwrap()
            .starts_with("/done.html?outcome=excluded&"),
        "{answer}"
    );
    // Her data comes, from wherever it was; then nothing of that game is left to be said.
    let stored = page
        .say(
            "emit_multiplayer_metrics",
            json!({"scene_id": "grid", "metrics": {}, "export_id": "e1"}),
        )
        .await;
    assert_eq!(stored["ok"], true, "{stored}");
    let mut next = server.connect().await;
    let joined = next.say("join_game", again).await;
    assert_eq!(joined["status"], "waiting", "{joined}");
    drop(bert);
}
