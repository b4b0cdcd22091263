//! Two servers on one database, whose participants play with each other. There is no Redis at the address
//! that is set: nothing here may depend on it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::Row;
use stillhere_core::session::{GameInput, GameSession, Seat};
use stillhere_server::settings::Settings;
use stillhere_server::state::State;
use stillhere_server::store::{Job, PostgresUrl};
use tokio::net::TcpListener;

use crate::support::postgres::{address, connect, fresh_database};
use crate::support::{Peer, STUDY, metrics, settings};

struct Node {
    address: SocketAddr,
    state: Arc<State>,
}

fn of_a_cluster(url: &PostgresUrl, redis: Option<&str>) -> Settings {
    let mut toml = format!("storage.url = \"{}\"\n", address(url));
    if let Some(redis) = redis {
        toml.push_str(&format!("cluster.redis = \"{redis}\"\n"));
    }
    settings(&(toml + STUDY))
}

impl Node {
    async fn start(url: &PostgresUrl) -> Self {
        let settings = of_a_cluster(url, Some("redis://127.0.0.1:1"));
        let nowhere = "/nowhere/that/could/be/made".as_ref();
        let state = State::open(settings, nowhere).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = stillhere_server::app(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, state }
    }

    async fn join(&self, name: &str) -> Peer {
        let mut peer = Peer::connect(self.address, json!({})).await;
        let joining = json!({"participant_id": name, "scene_id": "patient"});
        let answer = peer.say("join_game", joining).await;
        assert_eq!(answer["ok"], true, "{answer}");
        peer.token = answer["participant_token"].as_str().unwrap().to_owned();
        peer
    }

    async fn come_back(&self, peer: &Peer) -> Peer {
        let mut back = Peer::connect(self.address, json!({"participant_token": peer.token})).await;
        back.token.clone_from(&peer.token);
        back
    }
}

/// Two participants in one game, each on a server of their own.
async fn apart(one: &Node, other: &Node) -> (Peer, Peer) {
    let mut ada = one.join("ada").await;
    let mut bert = other.join("bert").await;
    for peer in [&mut ada, &mut bert] {
        peer.seat = peer.expect("pyodide_player_assigned").await;
        peer.expect("pyodide_game_ready").await;
    }
    assert_eq!(ada.game_id(), bert.game_id());
    (ada, bert)
}

async fn cell(url: &PostgresUrl, sql: &'static str) -> String {
    let row = sqlx::query(sql).fetch_one(&mut connect(url).await).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn a_verdict_on_one_server_is_told_on_the_other() {
    let url = fresh_database().await;
    let (one, other) = (Node::start(&url).await, Node::start(&url).await);
    let (mut ada, mut bert) = apart(&one, &other).await;
    let answer = ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5));
    assert_eq!(answer.await["outcome"], "accepted");
    bert.expect("partner_excluded").await;
    bert.expect("trigger_data_export").await;
    for (peer, reason) in [(&mut ada, "tab_hidden"), (&mut bert, "partner_exclusion")] {
        let export = peer.export("e", &metrics(reason, 5));
        let answer = peer.say("emit_multiplayer_metrics", export).await;
        assert_eq!(answer["duplicate"], false, "{answer}");
        let answer = peer.say("end_game_request_redirect", json!({})).await;
        assert_eq!(answer["ok"], true);
        peer.expect_nothing_more().await;
    }
    let phase = cell(&url, "SELECT phase FROM games").await;
    assert_eq!(phase, "ended");
}

#[tokio::test]
async fn who_is_lost_on_one_server_may_come_back_on_the_other() {
    let url = fresh_database().await;
    let (one, other) = (Node::start(&url).await, Node::start(&url).await);
    let (ada, mut bert) = apart(&one, &other).await;
    ada.drop_line();
    assert_eq!(bert.expect("p2p_pause").await["detecting_player"], 0);
    let mut back = other.come_back(&ada).await;
    back.seat = back.expect("pyodide_player_assigned").await;
    back.expect("pyodide_game_ready").await;
    bert.expect("p2p_resume").await;
    // On one server by now: the relay is its own business.
    back.emit("pyodide_player_action", back.action(json!("left"), 1));
    let heard = bert.expect("pyodide_other_player_action").await;
    assert_eq!(heard["action"], "left");
}

#[tokio::test]
async fn a_second_tab_on_another_server_takes_over() {
    let url = fresh_database().await;
    let (one, other) = (Node::start(&url).await, Node::start(&url).await);
    let (mut ada, mut bert) = apart(&one, &other).await;
    let mut newer = other.come_back(&ada).await;
    newer.seat = newer.expect("pyodide_player_assigned").await;
    newer.expect("pyodide_game_ready").await;
    assert_eq!(ada.expect("end_game").await["reason"], "taken_over");
    let answer = ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5));
    assert_eq!(answer.await["error"]["code"], "unauthorized");
    ada.drop_line();
    let answer = newer.say("mid_game_exclusion", newer.verdict("tab_hidden", 5));
    assert_eq!(answer.await["outcome"], "accepted");
    // No pause came before: nobody was away.
    bert.expect("partner_excluded").await;
    bert.expect("trigger_data_export").await;
}

#[tokio::test]
async fn a_server_that_stops_leaves_its_games_to_the_other() {
    let url = fresh_database().await;
    let (one, other) = (Node::start(&url).await, Node::start(&url).await);
    let (ada, mut bert) = apart(&one, &other).await;
    stillhere_server::shutdown::drain(&one.state, Duration::from_secs(5)).await;
    let pause = bert.expect("p2p_pause").await;
    assert!(
        pause["ms_remaining"].as_f64().unwrap() > 14_000.0,
        "{pause}"
    );
    stillhere_server::shutdown::close(&one.state).await;
    let mut back = other.come_back(&ada).await;
    back.expect("pyodide_player_assigned").await;
    back.expect("pyodide_game_ready").await;
    bert.expect("p2p_resume").await;
    let nodes = cell(&url, "SELECT COUNT(*)::text FROM nodes").await;
    assert_eq!(nodes, "1");
}

#[tokio::test]
async fn a_server_that_was_only_taken_for_dead_takes_its_participants_back() {
    let url = fresh_database().await;
    let (one, other) = (Node::start(&url).await, Node::start(&url).await);
    let (mut ada, mut bert) = apart(&one, &other).await;
    let mut waiting = one.join("cora").await;
    let unsettled = other.state.store.unsettled().await.unwrap();
    let named = |game: &GameSession, name: &str| {
        let seat = game
            .seats()
            .iter()
            .find(|seat| seat.participant.as_str() == name);
        seat.and_then(Seat::connection).cloned()
    };
    // As the other one does when it hears nothing for long.
    sqlx::query("DELETE FROM nodes WHERE node_id = $1")
        .bind(one.state.store.shared().unwrap().node().as_str())
        .execute(&mut connect(&url).await)
        .await
        .unwrap();
    let lost = unsettled.iter().map(|game| {
        let connections = ["ada", "cora"].iter().filter_map(|name| named(game, name));
        let connections = connections.collect();
        Job::Input(game.id().clone(), GameInput::SocketsLost { connections })
    });
    let now = other.state.clock.now();
    other.state.store.commit(now, lost.collect()).await.unwrap();
    ada.expect("pyodide_player_assigned").await;
    ada.expect("pyodide_game_ready").await;
    let answer = ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5));
    assert_eq!(answer.await["outcome"], "accepted");
    // The pause was written down, but need not have been told before it was over.
    while bert.expect_any().await != "trigger_data_export" {}
    waiting.expect("end_game").await;
}

#[tokio::test]
async fn two_servers_that_do_not_relay_do_not_share_a_database() {
    let url = fresh_database().await;
    let _first = Node::start(&url).await;
    let alone = of_a_cluster(&url, None);
    let error = State::open(alone, "/nowhere".as_ref()).await.unwrap_err();
    assert!(error.to_string().contains("cluster.redis"), "{error}");
    let nodes = cell(&url, "SELECT COUNT(*)::text FROM nodes").await;
    assert_eq!(nodes, "1", "and it leaves no trace");
}
