//! A new server on what an older one has left. A fixture is never changed again: it is what people have on their disks. It
//! is `sqlite3 stillhere.sqlite3 .dump` of a server with a game in every phase and an upload on its way.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use stillhere_core::ids::ParticipantId;
use stillhere_core::time::Millis;
use stillhere_server::state::DATABASE_FILE;
use stillhere_server::token::Tokens;

use crate::support::{Peer, TOKEN_KEY, TestServer, metrics, send};

/// When the older server was stopped.
const STOPPED: Millis = Millis::new(1_700_000_000_000.0);
/// The rest of carl's upload; the older server has the first 40 bytes.
const REST: &[u8] = include_bytes!("fixtures/0.1.0-rest-of-upload.bin");

async fn restore(path: &Path, dump: &'static str) {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        // A dump is in the order of names.
        .foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn token(participant: &str) -> String {
    let participant = ParticipantId::try_from(participant).unwrap();
    Tokens::new(&TOKEN_KEY, "study").issue(&participant, STOPPED)
}

async fn upgraded() -> TestServer {
    let directory = tempfile::tempdir().unwrap();
    restore(
        &directory.path().join(DATABASE_FILE),
        include_str!("fixtures/0.1.0.sql"),
    )
    .await;
    TestServer::on(directory).await
}

impl TestServer {
    async fn returns(&self, participant: &str) -> Peer {
        let mut peer = self.connect_with(&token(participant)).await;
        peer.seat = peer.expect("pyodide_player_assigned").await;
        peer
    }
}

#[tokio::test]
async fn a_game_that_was_played_goes_on() {
    let server = upgraded().await;
    let mut ada = server.returns("ada").await;
    ada.expect("pyodide_game_ready").await;
    ada.expect("p2p_pause").await;
    let mut bert = server.returns("bert").await;
    bert.expect("pyodide_game_ready").await;
    ada.expect("p2p_resume").await;
    ada.emit("pyodide_player_action", ada.action(json!(1), 7));
    bert.expect("pyodide_other_player_action").await;
    let verdict = ada.verdict("tab_hidden", 9);
    let answer = ada.say("mid_game_exclusion", verdict).await;
    assert_eq!(answer["outcome"], "accepted");
    bert.expect("partner_excluded").await;
}

#[tokio::test]
async fn an_ending_is_brought_to_its_end() {
    let server = upgraded().await;
    let mut dora = server.returns("dora").await;
    dora.expect("partner_excluded").await;
    dora.expect("trigger_data_export").await;
    let export = dora.export("e-dora", &metrics("partner_exclusion", 42));
    assert_eq!(
        dora.say("emit_multiplayer_metrics", export).await["ok"],
        true
    );

    let headers = [
        ("authorization", &*format!("Bearer {}", token("carl"))),
        ("upload-offset", "40"),
        ("upload-complete", "?1"),
    ];
    let path = "/api/exports/e-carl?scene_id=grid";
    let answer = send(server.address, "PATCH", path, &headers, REST)
        .await
        .json();
    assert_eq!(
        (&answer["ok"], &answer["stored"]),
        (&json!(true), &json!(true)),
        "{answer}"
    );
    let of_carl = &server.database.exports_of("carl").await[0];
    assert_eq!(of_carl["termination_reason"], "sustained_ping");
    server
        .wait_until("SELECT 1 FROM games JOIN seats USING (game_id) WHERE participant_id = 'carl' AND phase = 'ended'")
        .await;
}

#[tokio::test]
async fn a_game_that_is_over_stays_as_it_was() {
    let server = upgraded().await;
    assert_eq!(server.database.outcome_of("gina").await, "completed");
    assert_eq!(server.database.exports_of("hugo").await.len(), 1);
    let mut gina = server.connect_with(&token("gina")).await;
    let answer = gina.say("end_game_request_redirect", json!({})).await;
    assert_eq!(answer["completion_code"], "C1ABCDEF");
}

#[tokio::test]
async fn who_waited_can_wait_again() {
    let server = upgraded().await;
    let mut emil = server.connect_with(&token("emil")).await;
    let answer = emil
        .say("join_game", json!({"participant_id": "emil"}))
        .await;
    assert_eq!(answer["status"], "waiting");
    assert_eq!(server.database.outcome_of("emil").await, Value::Null);
}
