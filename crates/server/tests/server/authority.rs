//! The server judges by itself: pages that are changed, frozen or cut off are found, honest ones are
//! left alone. Time is virtual; a page does at each of its moments what it is set to do.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::support::{Heard, Peer, TestServer, assert_refused, metrics};

/// As often as the server's own ticker beats.
const STEP: u64 = 50;
/// As often as a page acts and a watch ticks.
const MOMENT: u64 = 500;

/// One participant's page.
struct Page {
    peer: Peer,
    answers: bool,
    /// How long an answer to a probe takes to come back.
    delay: u64,
    pings: bool,
    acts: bool,
    claimed_ping: Value,
    hidden_from: Option<u64>,
    probes: VecDeque<(u64, Heard)>,
}

impl Page {
    fn honest(peer: Peer) -> Self {
        Self {
            peer,
            answers: true,
            delay: 0,
            pings: true,
            acts: false,
            claimed_ping: json!(20),
            hidden_from: None,
            probes: VecDeque::new(),
        }
    }

    /// Nothing more comes from it, though its line is open.
    fn fall_silent(&mut self) {
        (self.answers, self.pings, self.acts) = (false, false, false);
    }

    /// Somebody has taken the monitor out of the page; the game plays on.
    fn lose_monitor(&mut self) {
        (self.answers, self.pings, self.acts) = (false, false, true);
    }

    async fn live(&mut self, now: u64) {
        let hidden = self.hidden_from.map_or(0, |from| now - from);
        if now.is_multiple_of(MOMENT) {
            let frame = now / 33;
            if self.acts {
                let action = self.peer.action(json!("left"), frame);
                self.peer.say("pyodide_player_action", action).await;
            }
            if self.pings {
                self.ping(hidden, frame).await;
            }
        }
        let heard = self.peer.take_probes().into_iter();
        let due = now + self.delay;
        self.probes.extend(heard.map(|probe| (due, probe)));
        let mut answered = false;
        while let Some((_, probe)) = self.probes.pop_front_if(|(due, _)| *due <= now) {
            if self.answers {
                let answer = json!({
                    "seq": probe.payload["seq"], "hidden": hidden > 0, "hidden_ms": hidden,
                    "frame_number": now / 33, "stalled_ms": 0,
                });
                self.peer.answer(&probe, &answer);
                answered = true;
            }
        }
        if answered {
            // Once this is answered, the server has got the answers before it.
            self.ping(hidden, now / 33).await;
        }
    }

    async fn ping(&mut self, hidden: u64, frame: u64) {
        let ping = json!({
            "ping_ms": self.claimed_ping, "document_in_focus": hidden == 0, "seq": 1,
            "hidden_ms": hidden, "frame_number": frame, "paused": false,
        });
        self.peer.say("ping", ping).await;
    }

    async fn expect_excluded(&mut self, reason: &str) -> Value {
        let told = self.peer.expect("participant_excluded").await;
        assert_eq!(told["reason"], reason, "{told}");
        assert!(!told["message"].as_str().unwrap().is_empty());
        told
    }

    /// Nobody has excluded anybody: the game can be played to its end. This is committed after
    /// whatever else there was.
    async fn expect_playing(&mut self) {
        let answer = self
            .peer
            .say("multiplayer_game_complete", self.peer.complete())
            .await;
        assert_eq!(answer, json!({"ok": true}));
    }
}

struct Game {
    server: TestServer,
    now: u64,
    ada: Page,
    bert: Page,
}

impl Game {
    async fn begin(scene: &str) -> Self {
        let server = TestServer::start().await;
        let [ada, bert] = server.group(scene, ["ada", "bert"]).await;
        Self {
            server,
            now: 0,
            ada: Page::honest(ada),
            bert: Page::honest(bert),
        }
    }

    /// Time passes, for everybody in step.
    async fn run(&mut self, duration: u64) {
        for _ in 0..duration / STEP {
            self.now += STEP;
            self.server.clock.advance(STEP);
            // Whatever waited for this moment has its turn.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            self.ada.live(self.now).await;
            self.bert.live(self.now).await;
        }
    }

    /// A page's participant, over a new line.
    async fn back(&self, page: &Page) -> Page {
        let mut back = self.server.connect_with(&page.peer.token).await;
        back.seat = back.expect("pyodide_player_assigned").await;
        back.expect("pyodide_game_ready").await;
        back.token.clone_from(&page.peer.token);
        Page::honest(back)
    }

    async fn verdict_on(&self, participant: &str) -> Value {
        let game = self.server.database.game_of(participant).await;
        let seats = serde_json::to_value(game.seats()).unwrap();
        let mut seats = seats.as_array().unwrap().iter();
        let seat = seats.find(|seat| seat["participant"] == participant);
        seat.unwrap()["verdict"].clone()
    }

    async fn evidence_on(&self, participant: &str) -> Value {
        let verdict = self.verdict_on(participant).await;
        assert_eq!(verdict["decided_by"], "server", "{verdict}");
        serde_json::from_str(verdict["evidence"].as_str().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_page_that_is_silent_on_an_open_line_is_excluded_and_everybody_is_told() {
    let mut game = Game::begin("patient").await;
    game.run(2_000).await;
    game.ada.fall_silent();
    game.run(14_500).await;
    assert_eq!(game.verdict_on("ada").await, Value::Null, "not yet");
    game.run(1_000).await;
    let told = game.ada.expect_excluded("unresponsive").await;
    assert!(told["frame_number"].as_u64().unwrap() >= 2_000 / 33);
    game.bert.peer.expect("partner_excluded").await;
    game.bert.peer.expect("trigger_data_export").await;
    let evidence = game.evidence_on("ada").await;
    assert_eq!(evidence["rule"], "unresponsive");
    assert_eq!(evidence["silent"], "page");
    assert_eq!(evidence["excludeAfterMs"], 15_000);
    assert_eq!(game.server.database.outcome_of("ada").await, "excluded");

    // Told once: the deliveries are acked, so the same is never sent again.
    let acked = "SELECT 1 FROM games WHERE NOT EXISTS (
        SELECT 1 FROM json_each(state, '$.seats') AS seat, json_each(seat.value, '$.deliveries') AS owed
         WHERE json_extract(owed.value, '$.acked_at') IS NULL)";
    game.server.wait_until(acked).await;
    game.bert.peer.expect_nothing_more().await;

    // Its data never comes: what the server knows is kept, with the reason for it.
    game.server
        .wait_until_as_time_passes("SELECT 1 FROM exports WHERE participant_id = 'ada'")
        .await;
    let exports = game.server.database.exports_of("ada").await;
    assert_eq!(exports[0]["source"], "server");
    assert_eq!(exports[0]["termination_reason"], "unresponsive");
    let kept: Value = serde_json::from_str(exports[0]["metrics"].as_str().unwrap()).unwrap();
    let kept: Value = serde_json::from_str(kept["verdict"]["evidence"].as_str().unwrap()).unwrap();
    assert_eq!(kept, evidence);
}

#[tokio::test]
async fn a_page_without_its_monitor_is_found_though_it_plays_on() {
    let mut game = Game::begin("grid").await;
    game.run(2_000).await;
    game.ada.lose_monitor();
    game.run(10_000).await;
    game.ada.expect_excluded("sustained_ping").await;
    let evidence = game.evidence_on("ada").await;
    let samples = evidence["samples"].as_array().unwrap();
    for sample in &samples[samples.len() - 3..] {
        assert_eq!(sample["rttMs"], Value::Null, "unanswered");
    }

    let mut game = Game::begin("patient").await;
    game.run(2_000).await;
    game.ada.lose_monitor();
    game.run(17_000).await;
    game.ada.expect_excluded("unresponsive").await;
    assert_eq!(game.evidence_on("ada").await["silent"], "monitor");
}

#[tokio::test]
async fn faked_pings_do_not_hide_a_slow_line() {
    let mut game = Game::begin("grid").await;
    game.ada.claimed_ping = json!(5);
    game.run(2_000).await;
    game.ada.delay = 600;
    game.run(9_000).await;
    game.ada.expect_excluded("sustained_ping").await;
    let evidence = game.evidence_on("ada").await;
    let samples = evidence["samples"].as_array().unwrap();
    for sample in &samples[samples.len() - 3..] {
        assert_eq!(sample["rttMs"], 600, "the server's own: {sample}");
    }
    assert_eq!(evidence["decidedBy"], "server");
}

#[tokio::test]
async fn an_honest_page_on_a_line_just_under_the_limit_is_left_alone() {
    let mut game = Game::begin("grid").await;
    game.ada.delay = 200;
    game.ada.acts = true;
    // Claimed pings exclude nobody either.
    game.bert.claimed_ping = json!(9_000);
    game.run(40_000).await;
    game.ada.expect_playing().await;
    game.bert.expect_playing().await;
}

#[tokio::test]
async fn actions_alone_keep_a_page_alive_that_does_not_know_probes() {
    let mut game = Game::begin("foreign").await;
    game.ada.lose_monitor();
    game.run(40_000).await;
    game.ada.acts = false;
    game.run(14_000).await;
    assert_eq!(game.verdict_on("ada").await, Value::Null);
    game.run(1_500).await;
    game.ada.expect_excluded("unresponsive").await;
}

#[tokio::test]
async fn the_verdict_of_an_honest_page_comes_first_and_the_servers_own_is_dropped() {
    let mut game = Game::begin("grid").await;
    game.run(2_000).await;
    game.ada.delay = 600;
    // Three answers over the limit are there; the head start runs.
    game.run(3_900).await;
    assert_eq!(game.verdict_on("ada").await, Value::Null);
    let verdict = game.ada.peer.verdict("sustained_ping", 180);
    let answer = game.ada.peer.say("mid_game_exclusion", verdict).await;
    assert_eq!(answer, json!({"ok": true, "outcome": "accepted"}));
    game.run(5_000).await;
    let stored = game.server.database.game_of("ada").await;
    let seat = serde_json::to_value(&stored.seats()[0]).unwrap();
    assert_eq!(seat["verdict"]["decided_by"], "client");
    assert_eq!(seat["also_excluded"], Value::Null);
    game.bert.peer.expect("partner_excluded").await;
    // It has told itself; nobody tells it again.
    game.ada.peer.expect_nothing_more().await;
}

#[tokio::test]
async fn a_verdict_of_a_page_that_comes_after_the_servers_own_is_too_late() {
    let mut game = Game::begin("patient").await;
    game.ada.fall_silent();
    game.run(16_000).await;
    game.ada.expect_excluded("unresponsive").await;
    let verdict = game.ada.peer.verdict("tab_hidden", 9);
    let answer = game.ada.peer.say("mid_game_exclusion", verdict).await;
    assert_eq!(answer["outcome"], "already_ended", "{answer}");
    assert_eq!(game.verdict_on("ada").await["reason"], "unresponsive");
}

#[tokio::test]
async fn a_hidden_tab_that_freezes_is_judged_from_its_last_report_on() {
    let mut game = Game::begin("patient").await;
    game.run(2_000).await;
    game.ada.hidden_from = Some(game.now);
    game.run(1_000).await;
    game.ada.fall_silent();
    game.run(11_500).await;
    game.ada.expect_excluded("tab_hidden").await;
    let evidence = game.evidence_on("ada").await;
    assert_eq!(evidence["excludeAfterMs"], 10_000);
    assert!(evidence["hiddenMs"].as_u64().unwrap() >= 12_000);
}

#[tokio::test]
async fn a_game_that_waits_for_a_partner_is_not_judged() {
    let mut game = Game::begin("patient").await;
    game.run(1_000).await;
    game.bert.peer.drop_line();
    game.bert.fall_silent();
    game.ada.peer.expect("p2p_pause").await;
    game.ada.fall_silent();
    game.run(40_000).await;
    game.bert = game.back(&game.bert).await;
    game.ada.peer.expect("p2p_resume").await;
    // The silence during the wait does not count, what follows does.
    game.run(14_000).await;
    assert_eq!(game.verdict_on("ada").await, Value::Null);
    game.run(2_000).await;
    game.ada.expect_excluded("unresponsive").await;
}

#[tokio::test]
async fn a_page_that_comes_back_over_a_new_line_starts_afresh() {
    let mut game = Game::begin("patient").await;
    game.ada.fall_silent();
    game.run(14_000).await;
    game.ada.peer.drop_line();
    game.bert.peer.expect("p2p_pause").await;
    game.ada = game.back(&game.ada).await;
    game.bert.peer.expect("p2p_resume").await;
    game.ada.fall_silent();
    game.run(14_000).await;
    game.ada.expect_playing().await;
}

#[tokio::test]
async fn a_slow_line_is_found_though_the_page_keeps_taking_over_from_itself() {
    let mut game = Game::begin("grid").await;
    game.ada.delay = 600;
    let mut older = Vec::new();
    for _ in 0..2 {
        // Two answers over each line, where it takes three; the older ones stay open.
        game.run(2_000).await;
        let newer = game.back(&game.ada).await;
        older.push(std::mem::replace(&mut game.ada, newer));
        game.ada.delay = 600;
    }
    game.run(2_000).await;
    game.ada.expect_excluded("sustained_ping").await;
}

#[tokio::test]
async fn a_server_that_stood_still_holds_it_against_nobody() {
    let mut game = Game::begin("grid").await;
    for _ in 0..5 {
        game.run(1_000).await;
        // Nothing was handled meanwhile.
        game.server.clock.advance(20_000);
        game.run(1_000).await;
    }
    game.ada.expect_playing().await;
    game.bert.expect_playing().await;
}

#[tokio::test]
async fn a_verdict_that_cannot_be_stored_is_stored_later() {
    let mut game = Game::begin("patient").await;
    game.run(1_000).await;
    game.ada.fall_silent();
    game.server.store.fail(true);
    game.run(16_000).await;
    game.server.store.until_failed_since(0).await;
    game.server.store.fail(false);
    let excluded = "SELECT 1 FROM seats WHERE participant_id = 'ada' AND outcome = 'excluded'";
    game.server.wait_until_as_time_passes(excluded).await;
    game.ada.expect_excluded("unresponsive").await;
}

#[tokio::test]
async fn after_an_exclusion_by_the_server_the_page_still_hands_in_its_data() {
    let mut game = Game::begin("patient").await;
    game.ada.fall_silent();
    game.run(16_000).await;
    game.ada.expect_excluded("unresponsive").await;
    let complete = game.ada.peer.complete();
    let answer = game.ada.peer.say("multiplayer_game_complete", complete);
    assert_refused(&answer.await, "already_ended");
    let export = game.ada.peer.export("own", &metrics("unresponsive", 30));
    let answer = game.ada.peer.say("emit_multiplayer_metrics", export).await;
    assert_eq!(answer["ok"], true, "{answer}");
}
