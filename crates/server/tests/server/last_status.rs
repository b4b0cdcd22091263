//! `POST /api/last-status`: what a page says while it is being closed.

use serde_json::{Value, json};

use crate::support::{Peer, Response, TestServer, send};

impl TestServer {
    async fn last_status(&self, body: &str) -> Response {
        let headers = [("content-type", "text/plain;charset=UTF-8")];
        send(
            self.address,
            "POST",
            "/api/last-status",
            &headers,
            body.as_bytes(),
        )
        .await
    }
}

fn status(peer: &Peer) -> Value {
    json!({
        "participant_token": peer.token, "game_id": peer.game_id(),
        "frame_number": 77, "completed_episodes": 2, "hidden_ms": 40.5,
    })
}

#[tokio::test]
async fn the_servers_record_says_what_the_page_said_last() {
    let server = TestServer::start().await;
    let (ada, mut bert) = server.pair("ada", "bert").await;
    let answer = server.last_status(&status(&ada).to_string()).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    ada.drop_line();
    bert.expect("p2p_pause").await;
    server.clock.advance(5_000);
    bert.expect("p2p_game_ended").await;
    server.clock.advance(10_000);
    server
        .wait_until("SELECT 1 FROM games WHERE phase = 'ended'")
        .await;
    let stored = &server.database.exports_of("ada").await[0];
    assert_eq!(stored["source"], "server");
    assert_eq!(stored["completed_episodes"], 2);
    let record: Value = serde_json::from_str(stored["metrics"].as_str().unwrap()).unwrap();
    assert_eq!(record["sessionStatus"]["completedEpisodes"], 2);
    assert_eq!(record["lastStatus"]["frame"], 77);
    assert_eq!(record["lastStatus"]["hidden_ms"], 40.5);
    let of_bert = &server.database.exports_of("bert").await[0];
    assert_eq!(of_bert["completed_episodes"], Value::Null);
    let record: Value = serde_json::from_str(of_bert["metrics"].as_str().unwrap()).unwrap();
    assert_eq!(record["lastStatus"], Value::Null);
}

#[tokio::test]
async fn a_bad_last_status_changes_nothing() {
    let server = TestServer::start().await;
    let (ada, _bert) = server.pair("ada", "bert").await;
    let (carl, _dora) = server.pair("carl", "dora").await;
    let before = server.database.dump().await;
    let good = status(&ada);
    let with = |key: &str, value: Value| {
        let mut status = good.clone();
        status[key] = value;
        status.to_string()
    };
    let forged = format!("{}x", ada.token);
    for (body, status, code) in [
        (String::new(), 400, "invalid_payload"),
        ("{".to_owned(), 400, "invalid_payload"),
        ("[]".to_owned(), 401, "unauthorized"),
        (with("participant_token", Value::Null), 401, "unauthorized"),
        (
            with("participant_token", json!(forged)),
            401,
            "unauthorized",
        ),
        (with("game_id", json!("nowhere")), 404, "unknown_game"),
        (with("game_id", carl.game_id()), 404, "unknown_game"),
        (with("game_id", json!(7)), 400, "invalid_payload"),
        (with("frame_number", json!(-1)), 400, "invalid_payload"),
        (
            with("completed_episodes", json!(1.5)),
            400,
            "invalid_payload",
        ),
        (with("hidden_ms", json!("long")), 400, "invalid_payload"),
        (with("more", json!("x".repeat(16 << 10))), 413, "too_large"),
    ] {
        let answer = server.last_status(&body).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{answer:?}");
    }
    assert_eq!(server.database.dump().await, before);
    server.store.fail(true);
    let answer = server.last_status(&good.to_string()).await;
    assert_eq!(
        answer.refusal(),
        (503, "storage_unavailable".to_owned()),
        "{answer:?}"
    );
    assert!(!answer.body.contains("disk"), "{answer:?}");
    let other = send(server.address, "GET", "/api/last-status", &[], b"").await;
    assert_eq!(other.status, 405);
}
