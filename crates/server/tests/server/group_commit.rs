//! What waits shares a commit, and nobody pays for anybody else's failure.

use std::sync::Arc;

use serde_json::json;
use stillhere_server::shutdown;

use crate::support::{Peer, TestServer, assert_refused, metrics};

const GAMES: usize = 20;

impl TestServer {
    /// Games of two, with the names of their players.
    async fn games(&self, count: usize) -> Vec<(Peer, Peer)> {
        let mut games = Vec::new();
        for index in 0..count {
            let (one, other) = (format!("ada{index}"), format!("bert{index}"));
            games.push(self.pair(&one, &other).await);
        }
        games
    }

    /// So many changes wait for the storage, beside those that it is busy with.
    async fn until_waiting(&self, count: usize) {
        while self.state.waiting_writes() < count {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn many_games_that_end_at_once_share_a_commit() {
    let server = TestServer::start().await;
    let mut games = server.games(GAMES).await;
    server.store.hold();
    server.store.take_commits();
    // One is on its way into the storage, the others queue behind it.
    let (first, rest) = games.split_first_mut().unwrap();
    let first_answer = first
        .0
        .ask("mid_game_exclusion", first.0.verdict("tab_hidden", 5));
    server.store.until_held().await;
    let answers: Vec<_> = rest
        .iter_mut()
        .map(|(ada, _)| ada.ask("mid_game_exclusion", ada.verdict("tab_hidden", 5)))
        .collect();
    server.until_waiting(GAMES - 1).await;
    server.store.release();
    assert_eq!(first_answer.get().await["outcome"], "accepted");
    for answer in answers {
        assert_eq!(answer.get().await["outcome"], "accepted");
    }
    let commits = server.store.take_commits();
    assert_eq!(commits[..2], [1, GAMES - 1], "{commits:?}");
    for (_, bert) in &mut games {
        bert.expect("partner_excluded").await;
        bert.expect("trigger_data_export").await;
    }
}

#[tokio::test]
async fn a_refused_input_spoils_no_other_of_its_commit() {
    let server = TestServer::start().await;
    let mut games = server.games(3).await;
    let mut stranger = server.join("stranger").await;
    server.store.hold();
    // Busy with this one, which also is refused.
    let busy = stranger.ask("join_game", json!({"participant_id": "ada0"}));
    server.store.until_held().await;
    server.store.take_commits();
    let [(ada0, bert0), (ada1, bert1), (ada2, _)] = &mut games[..] else {
        unreachable!()
    };
    let accepted = ada0.ask("mid_game_exclusion", ada0.verdict("tab_hidden", 1));
    server.until_waiting(1).await;
    // The same game, a second time in this commit: it sees what the first one did.
    let late = bert0.ask("mid_game_exclusion", bert0.verdict("sustained_ping", 2));
    server.until_waiting(2).await;
    let wrong = ada1.ask("mid_game_exclusion", bert1.verdict("tab_hidden", 1));
    server.until_waiting(3).await;
    let last = ada2.ask(
        "emit_multiplayer_metrics",
        ada2.export("e", &metrics("normal", 1)),
    );
    server.until_waiting(4).await;
    server.store.release();
    assert_refused(&busy.get().await, "unauthorized");
    assert_eq!(accepted.get().await["outcome"], "accepted");
    let late = late.get().await;
    assert_eq!(late["outcome"], "already_ended");
    assert_eq!(late["termination_reason"], "partner_exclusion");
    assert_refused(&wrong.get().await, "not_your_seat");
    assert_eq!(last.get().await["duplicate"], false);
    assert_eq!(server.store.take_commits()[..2], [1, 4]);
    let phase = "SELECT phase FROM games JOIN seats USING (game_id) WHERE participant_id = 'ada1'";
    assert_eq!(server.database.one(phase).await["phase"], "playing");
    bert0.expect("partner_excluded").await;
    bert0.expect("trigger_data_export").await;
    bert1.expect_nothing_more().await;
}

#[tokio::test]
async fn a_commit_that_fails_changes_nothing_for_anybody() {
    let server = TestServer::start().await;
    let mut games = server.games(4).await;
    let before = server.database.dump().await;
    server.store.hold();
    let answers: Vec<_> = games
        .iter_mut()
        .map(|(ada, _)| ada.ask("mid_game_exclusion", ada.verdict("tab_hidden", 5)))
        .collect();
    server.store.fail(true);
    server.store.release();
    for answer in answers {
        assert_refused(&answer.get().await, "storage_unavailable");
    }
    for (_, bert) in &mut games {
        bert.expect_nothing_more().await;
    }
    assert_eq!(server.database.dump().await, before);
    server.store.fail(false);
    for (ada, bert) in &mut games {
        let answer = ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5));
        assert_eq!(answer.await["outcome"], "accepted");
        bert.expect("partner_excluded").await;
        bert.expect("trigger_data_export").await;
    }
}

#[tokio::test]
async fn a_storage_that_panics_is_one_that_failed() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    server.store.panic_once();
    assert_refused(
        &ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
            .await,
        "storage_unavailable",
    );
    let answer = ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5));
    assert_eq!(answer.await["outcome"], "accepted");
    bert.expect("partner_excluded").await;
}

#[tokio::test]
async fn a_disconnect_that_could_not_be_stored_is_stored_later() {
    let server = TestServer::start().await;
    let (ada, mut bert) = server.pair("ada", "bert").await;
    server.store.fail(true);
    ada.drop_line();
    server.store.until_failed_since(0).await;
    bert.expect_nothing_more().await;
    server.store.fail(false);
    server.clock.advance(1_000);
    assert_eq!(bert.expect("p2p_pause").await["detecting_player"], 0);
}

#[tokio::test]
async fn a_server_that_stops_writes_what_has_queued() {
    let server = TestServer::start().await;
    let mut games = server.games(5).await;
    server.store.hold();
    let answers: Vec<_> = games
        .iter_mut()
        .map(|(ada, _)| ada.ask("mid_game_exclusion", ada.verdict("tab_hidden", 5)))
        .collect();
    while server.store.held() + server.state.waiting_writes() < 5 {
        tokio::task::yield_now().await;
    }
    let state = Arc::clone(&server.state);
    let closing = tokio::spawn(async move { shutdown::close(&state).await });
    server.store.release();
    for answer in answers {
        assert_eq!(answer.get().await["outcome"], "accepted");
    }
    closing.await.unwrap();
    let ended = server
        .database
        .rows("SELECT 1 AS n FROM seats WHERE outcome = 'excluded'")
        .await;
    assert_eq!(ended.len(), 5);
    let (_, bert) = &mut games[0];
    let late = bert.ask(
        "emit_multiplayer_metrics",
        bert.export("e", &metrics("partner_exclusion", 5)),
    );
    assert_refused(&late.get().await, "storage_unavailable");
}
