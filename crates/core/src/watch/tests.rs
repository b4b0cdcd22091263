use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

mod evasion;

const EPOCH: u64 = 1_700_000_000_000;

fn ms(value: u64) -> Millis {
    Millis::from(value)
}

fn config() -> MonitorConfig {
    let mut config = MonitorConfig {
        enabled: true,
        ..MonitorConfig::default()
    };
    config.ping.max = Some(ms(200));
    config
}

fn without_ping_rule() -> MonitorConfig {
    MonitorConfig {
        enabled: true,
        ..MonitorConfig::default()
    }
}

/// A page, its line, and the server that watches it. What happens to whom is set from outside.
struct Play {
    watch: Watch,
    now: u64,
    /// `None`: nothing comes through in either direction.
    rtt: Option<u64>,
    answers: bool,
    /// Answers are acks without a body.
    unreadable: bool,
    reports: bool,
    acts: bool,
    paused: bool,
    hidden_from: Option<u64>,
    /// What the page says whatever is true.
    told_hidden: Option<u64>,
    told_stall: Option<u64>,
    /// A page that stands still handles nothing until then.
    page_blocked: (u64, u64),
    /// A server that stands still handles nothing until then.
    server_blocked_until: u64,
    /// Whether a watch has its turn before the handlers of what came in meanwhile.
    ticks_first: bool,
    beats: Vec<u64>,
    waiting: Vec<WatchInput>,
    probes: Vec<(u64, u64)>,
    out: Vec<WatchOutput>,
    ended_at: Option<u64>,
}

impl Play {
    fn new(config: &MonitorConfig) -> Self {
        let mut play = Self {
            watch: Watch::new(config, ms(EPOCH)),
            now: 0,
            rtt: Some(40),
            answers: true,
            unreadable: false,
            reports: true,
            acts: true,
            paused: false,
            hidden_from: None,
            told_hidden: None,
            told_stall: None,
            page_blocked: (0, 0),
            server_blocked_until: 0,
            ticks_first: false,
            beats: Vec::new(),
            waiting: Vec::new(),
            probes: Vec::new(),
            out: Vec::new(),
            ended_at: None,
        };
        play.say(WatchInput::Playing(true));
        play
    }

    fn say(&mut self, input: WatchInput) {
        self.watch.handle(ms(EPOCH + self.now), input);
        while let Some(output) = self.watch.poll() {
            match &output {
                WatchOutput::Probe { seq } => self.probes.push((self.now, *seq)),
                WatchOutput::Verdict(_) | WatchOutput::FocusLost { .. } => {
                    self.ended_at.get_or_insert(self.now);
                }
            }
            self.out.push(output);
        }
    }

    fn hide(&mut self) {
        self.hidden_from = Some(self.now);
    }

    fn block_page(&mut self, duration: u64) {
        self.page_blocked = (self.now, self.now + duration);
    }

    fn block_server(&mut self, duration: u64) {
        self.server_blocked_until = self.now + duration;
    }

    fn hidden_for(&self) -> u64 {
        self.told_hidden
            .unwrap_or_else(|| self.hidden_from.map_or(0, |from| self.now - from))
    }

    fn answer(&self, seq: u64) -> WatchInput {
        let (from, until) = self.page_blocked;
        let stalled = if self.now == until { until - from } else { 0 };
        let hidden = self.hidden_for();
        let answer = ProbeAnswer {
            seq,
            hidden: hidden > 0,
            hidden_ms: ms(hidden),
            frame_number: Frame(self.now / 33),
            stalled_ms: ms(self.told_stall.unwrap_or(stalled)),
        };
        WatchInput::ProbeAnswered {
            seq,
            answer: (!self.unreadable).then_some(answer),
        }
    }

    /// What the page does at this moment, as it reaches the server.
    fn page(&mut self) {
        let blocked = self.page_blocked.0 < self.now && self.now < self.page_blocked.1;
        let Some(rtt) = self.rtt.filter(|_| !blocked) else {
            return;
        };
        let (due, rest) = std::mem::take(&mut self.probes)
            .into_iter()
            .partition(|(sent, _)| sent + rtt <= self.now);
        self.probes = rest;
        let due: Vec<(u64, u64)> = due;
        for (_, seq) in due.into_iter().filter(|_| self.answers) {
            self.waiting.push(self.answer(seq));
        }
        if self.reports && self.now.is_multiple_of(1_000) {
            self.waiting.push(WatchInput::Reported {
                hidden: Some(ms(self.hidden_for())),
                paused: self.paused,
                frame: Some(Frame(self.now / 33)),
            });
        }
        if self.acts && self.now.is_multiple_of(100) {
            self.waiting.push(WatchInput::Heard);
        }
    }

    /// Lets time pass in steps of 10 ms.
    fn run(&mut self, duration: u64) {
        for _ in 0..duration / 10 {
            self.now += 10;
            self.page();
            if self.now.is_multiple_of(50) {
                self.beats.push(self.now);
            }
            if self.now < self.server_blocked_until {
                continue;
            }
            for posted in std::mem::take(&mut self.beats) {
                self.say(WatchInput::Beat {
                    posted: ms(EPOCH + posted),
                });
            }
            let ticks = self.now.is_multiple_of(500);
            if ticks && self.ticks_first {
                self.say(WatchInput::Tick);
            }
            for input in std::mem::take(&mut self.waiting) {
                self.say(input);
            }
            if ticks && !self.ticks_first {
                self.say(WatchInput::Tick);
            }
        }
    }

    fn verdict(&self) -> Option<&Verdict> {
        self.out.iter().find_map(|output| match output {
            WatchOutput::Verdict(verdict) => Some(verdict),
            _ => None,
        })
    }

    fn reason(&self) -> Option<ExclusionReason> {
        self.verdict().map(|verdict| verdict.reason)
    }

    fn evidence(&self) -> Value {
        let evidence = self.verdict().and_then(|verdict| verdict.evidence.as_ref());
        serde_json::from_str(evidence.expect("a verdict with evidence")).unwrap()
    }

    fn probes_sent(&self) -> usize {
        let sent = |output: &&WatchOutput| matches!(output, WatchOutput::Probe { .. });
        self.out.iter().filter(sent).count()
    }
}

#[test]
fn an_honest_page_on_a_good_line_is_probed_and_left_alone() {
    let mut play = Play::new(&config());
    play.run(600_000);
    assert_eq!(play.reason(), None);
    assert_eq!(play.probes_sent(), 600);
}

#[test]
fn a_slow_line_is_measured_by_the_server_and_held_back_for_the_page_to_speak_first() {
    let mut play = Play::new(&config());
    play.run(5_000);
    play.rtt = Some(700);
    play.run(20_000);
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
    let at = play.ended_at.unwrap();
    assert!((9_500..=11_000).contains(&at), "ended at {at}");
    let evidence = play.evidence();
    assert_eq!(evidence["rule"], "sustained_ping");
    assert_eq!(evidence["decidedBy"], "server");
    assert_eq!(evidence["maxPingMs"], 200);
    let samples = evidence["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 5);
    for sample in &samples[2..] {
        let rtt = sample["rttMs"].as_f64().unwrap();
        assert!((600.0..=750.0).contains(&rtt), "{sample}");
    }
    let verdict = play.verdict().unwrap();
    assert_eq!(verdict.decided_by, Side::Server);
    assert!(verdict.message.is_some());
    assert!(
        verdict.frame > Frame(0),
        "the frame that the page had reached"
    );
}

#[test]
fn a_verdict_that_is_held_back_is_dropped_when_the_game_ends_meanwhile() {
    let mut play = Play::new(&config());
    play.rtt = Some(700);
    play.run(4_500);
    assert!(play.watch.held.is_some(), "held back by now");
    play.say(WatchInput::GameOver);
    play.run(60_000);
    assert_eq!(play.reason(), None);
    assert!(play.watch.is_over());
}

#[test]
fn a_line_just_under_the_limit_never_excludes() {
    let mut play = Play::new(&config());
    play.rtt = Some(200);
    play.run(120_000);
    assert_eq!(play.reason(), None);
}

#[test]
fn a_dead_line_is_excluded_after_three_unanswered_probes_and_the_head_start() {
    let mut play = Play::new(&config());
    play.run(10_000);
    play.rtt = None;
    play.run(30_000);
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
    let at = play.ended_at.unwrap();
    // Unanswered for 5 s each, sent 1 s apart, and 2 s.
    assert!((19_000..=20_000).contains(&at), "ended at {at}");
    assert_eq!(play.evidence()["samples"][4]["rttMs"], Value::Null);
}

#[test]
fn a_silent_page_is_unresponsive_where_no_ping_limit_is_set() {
    let mut play = Play::new(&without_ping_rule());
    play.run(10_000);
    play.rtt = None;
    play.run(30_000);
    assert_eq!(play.reason(), Some(ExclusionReason::Unresponsive));
    assert_eq!(play.ended_at, Some(25_000));
    let evidence = play.evidence();
    assert_eq!(evidence["rule"], "unresponsive");
    assert_eq!(evidence["silent"], "page");
    assert_eq!(evidence["excludeAfterMs"], 15_000);
    assert_eq!(evidence["silenceMs"], 15_000);
    assert_eq!(evidence["lastHeardMs"], EPOCH + 10_000);
}

#[test]
fn a_page_without_its_monitor_is_found_by_unanswered_probes_though_it_acts() {
    let mut play = Play::new(&config());
    play.run(10_000);
    play.answers = false;
    play.reports = false;
    play.run(30_000);
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
    assert!(play.ended_at.unwrap() <= 20_500, "{:?}", play.ended_at);
}

#[test]
fn a_page_without_its_monitor_is_unresponsive_where_no_ping_limit_is_set() {
    let mut play = Play::new(&without_ping_rule());
    play.run(10_000);
    play.answers = false;
    play.run(30_000);
    assert_eq!(play.reason(), Some(ExclusionReason::Unresponsive));
    assert_eq!(play.evidence()["silent"], "monitor");
    let at = play.ended_at.unwrap();
    assert!((25_000..=26_500).contains(&at), "ended at {at}");
}

#[test]
fn actions_alone_keep_a_page_alive_that_does_not_know_probes() {
    for config in [config(), without_ping_rule()] {
        let mut play = Play::new(&MonitorConfig {
            presence_required: false,
            ..config
        });
        play.answers = false;
        play.reports = false;
        play.run(300_000);
        assert_eq!(play.reason(), None);
        play.acts = false;
        play.run(15_500);
        assert_eq!(play.reason(), Some(ExclusionReason::Unresponsive));
        assert_eq!(play.evidence()["silent"], "page");
    }
}

#[test]
fn a_page_that_need_not_answer_is_judged_by_probes_from_its_first_answer_on() {
    let mut play = Play::new(&MonitorConfig {
        presence_required: false,
        ..config()
    });
    play.answers = false;
    play.run(60_000);
    play.answers = true;
    play.run(5_000);
    play.rtt = Some(900);
    play.run(10_000);
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
}

#[test]
fn an_ack_that_cannot_be_read_is_a_round_trip_and_a_sign_of_life() {
    for (config, reason) in [
        (config(), Some(ExclusionReason::SustainedPing)),
        (without_ping_rule(), None),
    ] {
        let mut play = Play::new(&config);
        play.unreadable = true;
        play.reports = false;
        play.acts = false;
        play.run(60_000);
        assert_eq!(play.reason(), None);
        play.rtt = Some(900);
        play.run(60_000);
        assert_eq!(play.reason(), reason);
    }
}

#[test]
fn a_hidden_tab_is_judged_from_when_the_page_says_it_was_hidden() {
    let mut play = Play::new(&config());
    play.run(5_300);
    play.hide();
    play.run(30_000);
    assert_eq!(play.reason(), Some(ExclusionReason::TabHidden));
    let at = play.ended_at.unwrap();
    assert!((17_000..=18_000).contains(&at), "10 s and 2 s: {at}");
    let evidence = play.evidence();
    assert_eq!(
        evidence["excludeAfterMs"], 10_000,
        "the researcher's own limit"
    );
    let from = evidence["hiddenFromMs"].as_u64().unwrap() - EPOCH;
    assert!((5_250..=5_350).contains(&from), "{from}");
}

#[test]
fn a_hidden_tab_that_freezes_is_judged_from_its_last_report_on() {
    let mut play = Play::new(&config());
    play.run(5_300);
    play.hide();
    play.run(1_000);
    play.rtt = None;
    play.run(30_000);
    assert_eq!(play.reason(), Some(ExclusionReason::TabHidden));
}

#[test]
fn a_tab_that_is_back_in_time_is_not_excluded_though_the_server_hears_of_it_late() {
    let mut play = Play::new(&config());
    play.run(5_000);
    play.hide();
    play.run(9_900);
    // Back, and the report of it takes its time.
    play.hidden_from = None;
    play.rtt = None;
    play.run(1_500);
    play.rtt = Some(40);
    play.run(60_000);
    assert_eq!(play.reason(), None);
}

#[test]
fn a_tab_is_not_hidden_for_longer_because_its_report_waits_at_the_server() {
    let mut play = Play::new(&config());
    play.ticks_first = true;
    play.run(5_000);
    play.hide();
    play.run(10_000);
    play.block_server(4_500);
    play.hidden_from = None;
    play.run(60_000);
    assert_eq!(play.reason(), None);
}

#[test]
fn a_page_cannot_have_been_hidden_before_it_was_last_visible_or_before_play_began() {
    let mut play = Play::new(&config());
    play.run(3_000);
    play.told_hidden = Some(3_600_000);
    play.run(9_000);
    assert_eq!(play.reason(), None, "an hour that cannot be");
    play.run(6_000);
    assert_eq!(play.reason(), Some(ExclusionReason::TabHidden));
    let from = play.evidence()["hiddenFromMs"].as_u64().unwrap() - EPOCH;
    assert!((3_000..=3_100).contains(&from), "{from}");
}

#[test]
fn two_short_hidden_times_between_reports_are_not_one_long_one() {
    let mut play = Play::new(&config());
    play.reports = false;
    play.answers = false;
    let report = |play: &mut Play, hidden: u64| {
        play.say(WatchInput::Reported {
            hidden: Some(ms(hidden)),
            paused: false,
            frame: None,
        });
    };
    play.run(1_000);
    report(&mut play, 500);
    play.run(8_000);
    // Visible for a moment in between, which no report has seen.
    report(&mut play, 200);
    play.answers = true;
    play.told_hidden = Some(4_000);
    play.run(4_000);
    assert_eq!(play.reason(), None);
}

#[test]
fn claimed_stalls_are_believed_as_far_as_their_allowance_goes() {
    let mut play = Play::new(&config());
    play.rtt = Some(900);
    play.told_stall = Some(900);
    play.run(10_000);
    assert_eq!(play.reason(), None, "believed");
    play.run(60_000);
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
    let claims = &play.evidence()["claims"];
    let claimed = claims["stallClaimedMs"].as_f64().unwrap();
    let believed = claims["stallBelievedMs"].as_f64().unwrap();
    assert!(claimed > believed, "{claims}");
    assert!(
        (10_000.0..=13_000.0).contains(&believed),
        "10 s and a sixth of the time: {claims}"
    );
    let last = claims["stalls"].as_array().unwrap().last().unwrap();
    assert!(last["claimedMs"].as_f64() > last["believedMs"].as_f64());
}

#[test]
fn a_page_that_stood_still_for_eight_seconds_and_says_so_is_not_excluded() {
    let mut play = Play::new(&config());
    play.run(5_000);
    play.block_page(8_000);
    play.run(60_000);
    assert_eq!(play.reason(), None);
    // Eight probes waited through it; it was paid for once.
    let claims = serde_json::to_value(play.watch.claims.account()).unwrap();
    let believed = claims["stallBelievedMs"].as_f64().unwrap();
    assert!((7_000.0..=8_000.0).contains(&believed), "{claims}");
}

#[test]
fn a_page_that_works_hard_now_and_then_is_never_excluded() {
    let mut play = Play::new(&config());
    for _ in 0..60 {
        play.run(8_000);
        play.block_page(1_000);
        play.run(2_000);
    }
    assert_eq!(play.reason(), None);
}

#[test]
fn a_claimed_pause_is_believed_for_a_minute_and_silence_is_judged_all_the_same() {
    let mut play = Play::new(&config());
    play.paused = true;
    play.rtt = Some(900);
    play.run(58_000);
    assert_eq!(play.reason(), None, "a break");
    play.run(15_000);
    assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
    let claims = &play.evidence()["claims"];
    let believed = claims["pauseBelievedMs"].as_f64().unwrap();
    assert!((58_000.0..=60_000.0).contains(&believed), "{claims}");

    let mut play = Play::new(&config());
    play.paused = true;
    play.run(5_000);
    play.rtt = None;
    play.run(15_500);
    assert_eq!(play.reason(), Some(ExclusionReason::Unresponsive));
}

#[test]
fn breaks_between_episodes_are_believed_for_hours() {
    let mut play = Play::new(&config());
    for _ in 0..100 {
        play.run(60_000);
        play.paused = true;
        play.rtt = Some(900);
        play.run(20_000);
        play.paused = false;
        play.rtt = Some(40);
    }
    assert_eq!(play.reason(), None);
}

#[test]
fn no_excuse_can_be_repeated_for_ever() {
    // Paused, or hidden, for a moment with every sample.
    for paused in [true, false] {
        let mut play = Play::new(&config());
        play.rtt = Some(400);
        play.reports = false;
        play.acts = false;
        for _ in 0..400 {
            play.told_hidden = Some(u64::from(!paused));
            play.say(WatchInput::Reported {
                hidden: Some(ms(u64::from(!paused))),
                paused,
                frame: None,
            });
            play.run(100);
            play.told_hidden = Some(0);
            play.say(WatchInput::Reported {
                hidden: Some(Millis::ZERO),
                paused: false,
                frame: None,
            });
            play.run(900);
        }
        assert_eq!(play.reason(), Some(ExclusionReason::SustainedPing));
    }
}

#[test]
fn a_game_that_waits_for_a_partner_is_not_judged_and_starts_a_fresh_run() {
    let mut play = Play::new(&config());
    play.rtt = None;
    play.run(6_500);
    play.say(WatchInput::Playing(false));
    play.run(120_000);
    assert_eq!(play.reason(), None);
    play.rtt = Some(40);
    play.say(WatchInput::Playing(true));
    play.run(60_000);
    assert_eq!(play.reason(), None);
    let claims = serde_json::to_value(play.watch.claims.account()).unwrap();
    assert_eq!(claims["pauseClaimedMs"], 0);
}

#[test]
fn a_pause_that_the_server_ordered_costs_the_page_nothing() {
    let mut play = Play::new(&config());
    play.say(WatchInput::Playing(false));
    play.paused = true;
    play.run(600_000);
    play.paused = false;
    play.say(WatchInput::Playing(true));
    play.run(1_000);
    play.paused = true;
    play.rtt = Some(900);
    play.run(50_000);
    assert_eq!(play.reason(), None, "the allowance is whole");
}

#[test]
fn the_servers_own_delays_are_held_against_nobody() {
    for config in [config(), without_ping_rule()] {
        let mut play = Play::new(&config);
        for round in 0..100 {
            play.run(700);
            play.block_server(300 + round * 200);
            play.run(1_000);
        }
        assert_eq!(play.reason(), None);
    }
}

#[test]
fn a_server_that_is_always_late_does_not_take_it_for_the_line() {
    let mut play = Play::new(&config());
    for _ in 0..200 {
        play.block_server(350);
        play.run(400);
    }
    assert_eq!(play.reason(), None);
}

#[test]
fn a_busy_server_still_finds_a_page_that_is_silent() {
    let mut play = Play::new(&without_ping_rule());
    play.rtt = None;
    for _ in 0..30 {
        play.run(700);
        play.block_server(300);
        play.run(300);
    }
    assert_eq!(play.reason(), Some(ExclusionReason::Unresponsive));
}

#[test]
fn where_monitoring_is_off_nothing_is_judged() {
    let mut play = Play::new(&MonitorConfig {
        enabled: false,
        ..config()
    });
    play.rtt = None;
    play.hide();
    play.run(120_000);
    assert_eq!(play.out.len(), play.probes_sent());
}

#[test]
fn null_switches_silence_off() {
    let mut play = Play::new(&MonitorConfig {
        silence_exclude: None,
        ..without_ping_rule()
    });
    play.rtt = None;
    play.run(600_000);
    assert_eq!(play.reason(), None);
}

#[test]
fn a_focus_loss_that_the_page_keeps_to_itself_ends_the_session_too() {
    let mut config = without_ping_rule();
    config.tab.exclude_after = None;
    config.focus_loss_timeout = Some(ms(30_000));
    let mut play = Play::new(&config);
    play.run(5_000);
    play.hide();
    play.run(60_000);
    assert_eq!(play.reason(), None);
    assert!(matches!(
        play.out.last(),
        Some(WatchOutput::FocusLost { .. })
    ));
    let at = play.ended_at.unwrap();
    assert!((36_500..=38_000).contains(&at), "30 s and 2 s: {at}");
}

#[test]
fn hours_of_play_do_not_fill_the_memory() {
    let mut play = Play::new(&config());
    for _ in 0..360 {
        play.run(9_000);
        play.told_hidden = Some(500);
        play.run(1_000);
        play.told_hidden = Some(0);
    }
    play.run(1_000);
    assert_eq!(play.reason(), None);
    assert!(play.watch.monitor.samples().len() <= KEPT_SAMPLES);
    assert_eq!(
        play.watch
            .monitor
            .focus_loss(ms(EPOCH + play.now))
            .period_count,
        0
    );
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Line(u64),
        Acts(bool),
        Paused(bool),
        Hidden(bool),
        BlockPage(u64),
        BlockServer(u64),
    }

    fn step() -> impl Strategy<Value = (Step, u64)> {
        let step = prop_oneof![
            (1..5_000_u64).prop_map(Step::Line),
            any::<bool>().prop_map(Step::Acts),
            any::<bool>().prop_map(Step::Paused),
            any::<bool>().prop_map(Step::Hidden),
            (1..9_000_u64).prop_map(Step::BlockPage),
            (1..9_000_u64).prop_map(Step::BlockServer),
        ];
        (step, 1_u64..9_000)
    }

    fn walk(play: &mut Play, steps: &[(Step, u64)]) {
        for (step, duration) in steps {
            match step {
                Step::Line(rtt) => play.rtt = Some(*rtt),
                Step::Acts(acts) => play.acts = *acts,
                Step::Paused(paused) => play.paused = *paused,
                Step::Hidden(true) => play.hidden_from = play.hidden_from.or(Some(play.now)),
                Step::Hidden(false) => play.hidden_from = None,
                // Then it lives for a moment, or it would be one block with the next.
                Step::BlockPage(blocked) => {
                    play.block_page(*blocked);
                    play.run(blocked + 1_000);
                }
                Step::BlockServer(duration) => play.block_server(*duration),
            }
            play.run(*duration);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_slow_partner_that_still_plays_is_never_called_silent(
            steps in prop::collection::vec(step(), 1..40),
            answers in any::<bool>(),
        ) {
            let mut play = Play::new(&MonitorConfig { presence_required: answers, ..without_ping_rule() });
            play.answers = answers;
            // Everything is late, nothing is lost: at least a report or an answer comes in time.
            walk(&mut play, &steps);
            prop_assert_ne!(play.reason(), Some(ExclusionReason::Unresponsive));
        }

        #[test]
        fn whatever_went_before_silence_is_found(
            steps in prop::collection::vec(step(), 0..20),
        ) {
            let mut config = without_ping_rule();
            config.tab.exclude_after = None;
            let mut play = Play::new(&config);
            walk(&mut play, &steps);
            play.block_server(0);
            play.rtt = None;
            play.run(9_000 + 15_000 + 1_000);
            prop_assert_eq!(play.reason(), Some(ExclusionReason::Unresponsive));
        }

        #[test]
        fn no_verdict_comes_twice_and_none_while_the_game_waits(
            before in prop::collection::vec(step(), 0..20),
            after in prop::collection::vec(step(), 0..20),
        ) {
            let mut play = Play::new(&config());
            walk(&mut play, &before);
            let ended = play.out.len() - play.probes_sent();
            // A verdict that was found before is due all the same; it is not the matter here.
            play.watch.held = None;
            play.say(WatchInput::Playing(false));
            let verdicts = play.out.len() - play.probes_sent();
            walk(&mut play, &after);
            prop_assert_eq!(play.out.len() - play.probes_sent(), verdicts);
            prop_assert!(verdicts <= 1 && ended <= 1);
        }

        #[test]
        fn a_verdict_on_the_line_rests_on_what_the_server_measured(
            rtts in prop::collection::vec(1_u64..3_000, 1..40),
        ) {
            let mut play = Play::new(&config());
            for rtt in rtts {
                play.rtt = Some(rtt);
                play.run(2_000);
            }
            play.rtt = Some(40);
            play.run(5_000);
            if play.reason().is_some() {
                let evidence = play.evidence();
                let samples = evidence["samples"].as_array().unwrap();
                for sample in &samples[samples.len() - 3..] {
                    prop_assert!(sample["rttMs"].as_f64().is_none_or(|rtt| rtt > 200.0), "{}", sample);
                }
            }
        }
    }
}
