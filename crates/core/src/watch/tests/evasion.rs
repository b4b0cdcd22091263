//! What a page might say or do so as never to be judged, and that it costs an honest one nothing.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::config::PingRuleKind;

impl Play {
    fn report(&mut self, hidden: bool, paused: bool) {
        self.told_hidden = Some(u64::from(hidden));
        self.say(WatchInput::Reported {
            hidden: Some(ms(u64::from(hidden))),
            paused,
            frame: None,
        });
    }

    /// The page opens another connection; what was asked over the older one is never answered.
    fn reconnect(&mut self) {
        self.probes.clear();
        self.waiting.clear();
        self.say(WatchInput::Reconnected);
        self.say(WatchInput::Tick);
    }
}

fn within_window() -> MonitorConfig {
    let mut config = config();
    config.ping.rule = PingRuleKind::WithinWindow;
    config
}

#[test]
fn short_claims_before_each_run_is_complete_are_found_in_the_end() {
    for (paused, hidden) in [(true, false), (false, true), (true, true)] {
        for config in [config(), within_window()] {
            let mut play = Play::new(&config);
            play.rtt = Some(400);
            play.reports = false;
            play.acts = false;
            // Both in turns, if both are claimed.
            for blip in 0..300 {
                let turn = blip % 2 == 0;
                play.report(hidden && (turn || !paused), paused && !(turn && hidden));
                play.run(10);
                play.report(false, false);
                play.run(1_990);
            }
            assert_eq!(
                play.reason(),
                Some(ExclusionReason::SustainedPing),
                "paused: {paused}, hidden: {hidden}"
            );
        }
    }
}

#[test]
fn claims_as_often_as_they_are_believed_leave_time_to_be_found_in() {
    // A line that answers, and one that answers too late.
    for rtt in [400, 7_200] {
        for period in [4_000, 8_000, 12_000, 16_000, 20_000, 24_000] {
            let mut play = Play::new(&config());
            play.rtt = Some(rtt);
            play.reports = false;
            for _ in 0..600_000 / period {
                play.report(false, true);
                play.run(10);
                play.report(false, false);
                play.run(period - 10);
            }
            assert_eq!(
                play.reason(),
                Some(ExclusionReason::SustainedPing),
                "every {period} ms, {rtt} ms"
            );
        }
    }
}

#[test]
fn an_hour_of_episodes_is_never_judged_in_a_transition() {
    for config in [config(), within_window()] {
        let mut play = Play::new(&config);
        for _ in 0..3_600 / 33 {
            play.run(30_000);
            play.paused = true;
            // The page is busy with the next episode: it would be judged if it were not believed.
            play.rtt = Some(900);
            play.run(3_000);
            assert!(play.watch.monitor.is_paused(), "at {}", play.now);
            play.paused = false;
            play.rtt = Some(40);
        }
        assert_eq!(play.out.len(), play.probes_sent());
    }
}

#[test]
fn a_look_at_another_tab_now_and_then_is_excused_for_an_hour() {
    let mut play = Play::new(&config());
    for _ in 0..60 {
        play.run(54_000);
        play.hide();
        // A background tab answers late.
        play.rtt = Some(900);
        play.run(6_000);
        play.hidden_from = None;
        play.rtt = Some(40);
    }
    assert_eq!(play.reason(), None);
}

#[test]
fn a_claim_while_the_game_waits_is_free() {
    let mut play = Play::new(&config());
    play.say(WatchInput::Playing(false));
    for _ in 0..100 {
        play.report(true, true);
        play.report(false, false);
    }
    play.say(WatchInput::Playing(true));
    play.paused = true;
    play.rtt = Some(900);
    play.run(58_000);
    assert_eq!(play.reason(), None);
}

#[test]
fn a_new_connection_is_no_violation_and_breaks_no_run() {
    let mut play = Play::new(&config());
    for _ in 0..600 {
        play.run(1_000);
        play.reconnect();
    }
    assert_eq!(play.reason(), None);
    // Fewer answers over each than a run takes.
    play.rtt = Some(600);
    for _ in 0..5 {
        play.run(2_000);
        play.reconnect();
    }
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
}

#[test]
fn a_page_that_reconnects_instead_of_answering_is_unresponsive() {
    let mut play = Play::new(&config());
    play.run(2_000);
    play.answers = false;
    for _ in 0..6 {
        play.run(3_000);
        play.reconnect();
    }
    assert_eq!(play.reason(), Some(ExclusionReason::Unresponsive));
    assert_eq!(play.evidence()["silent"], "monitor");
}

#[test]
fn a_new_connection_keeps_what_was_believed_and_since_when_the_tab_is_hidden() {
    let mut play = Play::new(&config());
    play.paused = true;
    play.rtt = Some(900);
    for _ in 0..75 {
        play.run(1_000);
        play.reconnect();
    }
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));

    let mut play = Play::new(&config());
    play.run(5_300);
    play.hide();
    for _ in 0..13 {
        play.run(1_000);
        play.reconnect();
    }
    assert_eq!(play.reason(), Some(ExclusionReason::TabHidden));
    assert!(play.ended_at.unwrap() <= 18_000, "{:?}", play.ended_at);
}

#[test]
fn a_game_that_paused_for_a_lost_connection_begins_a_fresh_run() {
    let mut play = Play::new(&without_ping_rule());
    play.answers = false;
    play.run(14_000);
    play.say(WatchInput::Playing(false));
    play.run(1_000);
    play.say(WatchInput::Playing(true));
    play.reconnect();
    play.run(14_000);
    assert_eq!(play.reason(), None);

    let mut play = Play::new(&config());
    play.rtt = Some(600);
    for _ in 0..5 {
        play.run(2_000);
        play.say(WatchInput::Playing(false));
        play.run(1_000);
        play.say(WatchInput::Playing(true));
        play.reconnect();
    }
    assert_eq!(play.reason(), None);
}

#[test]
fn a_long_delay_of_the_server_excludes_nobody_whose_tab_was_hidden_for_a_moment() {
    for stall in [20_000, 60_000] {
        // Visible again during the delay; or hidden for a moment longer, after it.
        for stays_hidden in [0, 6_000] {
            let mut play = Play::new(&config());
            play.ticks_first = true;
            play.run(5_000);
            play.hide();
            play.run(1_000);
            play.block_server(stall);
            play.run(stall + stays_hidden);
            play.hidden_from = None;
            play.run(60_000);
            assert_eq!(play.reason(), None, "{stall} ms, {stays_hidden} ms");
        }
    }
}

#[test]
fn a_hidden_tab_is_judged_by_the_time_in_which_the_server_was_awake() {
    let mut play = Play::new(&config());
    play.run(5_000);
    play.hide();
    play.run(1_000);
    play.block_server(20_000);
    play.run(60_000);
    assert_eq!(play.reason(), Some(ExclusionReason::TabHidden));
    let at = play.ended_at.unwrap();
    // What the page said during the delay is read after it, as if it had been said then.
    assert!((37_000..=38_000).contains(&at), "12 s and 20 s: {at}");
    let evidence = play.evidence();
    let hidden = evidence["hiddenMs"].as_f64().unwrap();
    assert!((12_000.0..=12_600.0).contains(&hidden), "{hidden}");
    assert_eq!(
        evidence["decidedAtMs"].as_u64().unwrap(),
        EPOCH + at,
        "by the clock"
    );
}
