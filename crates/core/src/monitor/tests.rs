#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::config::PingRuleKind;
use crate::exclusion::{Exclusion, ExclusionReason};

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

/// A monitor in a page whose ticker beats every 50 ms, on a line with a settable round trip.
struct Page {
    monitor: Monitor,
    now: u64,
    /// `None`: nothing comes through.
    rtt: Option<u64>,
    in_flight: Vec<(u64, u64)>,
    /// While the page stands still nothing is handled.
    blocked_until: u64,
    beats: Vec<u64>,
    seen: Vec<MonitorOutput>,
}

impl Page {
    fn new(config: &MonitorConfig) -> Self {
        let mut monitor = Monitor::new(Side::Client, ms(1_700_000_000_000));
        monitor.configure(config);
        let mut page = Self {
            monitor,
            now: 0,
            rtt: Some(20),
            in_flight: Vec::new(),
            blocked_until: 0,
            beats: Vec::new(),
            seen: Vec::new(),
        };
        page.say(MonitorInput::Resume);
        page.say(MonitorInput::Connected);
        page
    }

    fn say(&mut self, input: MonitorInput) {
        self.monitor.handle(ms(self.now), input);
        while let Some(output) = self.monitor.poll() {
            if let MonitorOutput::SendPing(ping) = &output
                && let Some(rtt) = self.rtt
            {
                self.in_flight
                    .push((self.now + rtt, ping.seq.expect("ours are numbered")));
            }
            self.seen.push(output);
        }
    }

    /// Lets time pass, one millisecond at a time.
    fn run(&mut self, duration: u64) {
        for _ in 0..duration {
            self.now += 1;
            if self.now.is_multiple_of(50) {
                self.beats.push(self.now);
            }
            if self.now < self.blocked_until {
                continue;
            }
            // The answer may overtake the beats that were queued before it: the worst case.
            let (due, rest) = self.in_flight.iter().partition(|(at, _)| *at <= self.now);
            self.in_flight = rest;
            let due: Vec<(u64, u64)> = due;
            for (_, seq) in due {
                self.say(MonitorInput::PingAnswered { seq });
            }
            for posted in std::mem::take(&mut self.beats) {
                self.say(MonitorInput::Beat {
                    posted: ms(posted + 77_000),
                });
            }
        }
    }

    fn block(&mut self, duration: u64) {
        self.blocked_until = self.now + duration;
    }

    fn exclusion(&self) -> Option<&Exclusion> {
        self.seen.iter().find_map(|output| match output {
            MonitorOutput::Exclude(exclusion) => Some(exclusion),
            _ => None,
        })
    }

    fn warnings(&self, kind: WarningKind) -> usize {
        let of_kind = |output: &&MonitorOutput| matches!(output, MonitorOutput::Warn(warning) if warning.kind == kind);
        self.seen.iter().filter(of_kind).count()
    }
}

#[test]
fn a_fast_line_is_never_warned_of() {
    let mut page = Page::new(&config());
    page.run(60_000);
    assert_eq!(page.exclusion(), None);
    assert_eq!(page.warnings(WarningKind::Ping), 0);
    assert_eq!(page.monitor.latency().count, 60);
    assert_eq!(page.monitor.last_rtt(), Some(ms(20)));
}

#[test]
fn one_spike_of_any_height_warns_and_never_excludes() {
    for spike in [201, 900, 4_000, 60_000] {
        let mut page = Page::new(&config());
        page.run(5_500);
        page.rtt = Some(spike);
        page.run(1_000);
        page.rtt = Some(20);
        page.run(80_000);
        assert_eq!(page.exclusion(), None, "spike of {spike}");
        assert_eq!(page.warnings(WarningKind::Ping), 1, "spike of {spike}");
    }
}

#[test]
fn three_slow_samples_in_a_row_exclude_with_these_as_evidence() {
    let mut page = Page::new(&config());
    page.run(5_500);
    page.rtt = Some(300);
    page.run(3_500);
    let exclusion = page.exclusion().expect("three samples were over the limit");
    assert_eq!(exclusion.reason, ExclusionReason::SustainedPing);
    let Finding::SustainedPing {
        samples,
        max_ping_ms,
        ..
    } = &exclusion.evidence.finding
    else {
        panic!("not the ping rule: {exclusion:?}");
    };
    assert_eq!(*max_ping_ms, ms(200));
    let slow: Vec<_> = samples
        .iter()
        .filter(|sample| sample.rtt_ms == Some(ms(300)))
        .collect();
    assert_eq!(slow.len(), 3);
    assert!(exclusion.evidence.decided_at_timestamp > ms(1_700_000_000_000));
}

#[test]
fn a_round_trip_over_a_second_is_measured_as_it_is() {
    let mut page = Page::new(&config());
    page.rtt = Some(1_500);
    page.run(2_500);
    assert_eq!(page.monitor.last_rtt(), Some(ms(1_500)));
}

#[test]
fn an_outage_excludes_within_seconds() {
    let mut page = Page::new(&config());
    page.run(10_000);
    page.rtt = None;
    page.run(8_500);
    let exclusion = page.exclusion().expect("nothing was answered");
    assert_eq!(exclusion.reason, ExclusionReason::SustainedPing);
    // The first unanswered ping went out within a second; its timeout and two intervals follow.
    assert!(exclusion.evidence.decided_at_ms <= ms(10_000 + 1_000 + 5_000 + 2_000 + 100));
    assert_eq!(page.monitor.latency().lost, 3);
}

#[test]
fn a_lost_socket_is_no_slow_line() {
    let mut page = Page::new(&config());
    page.run(3_010);
    page.rtt = None;
    page.run(900);
    page.say(MonitorInput::Disconnected);
    page.run(60_000);
    assert_eq!(page.exclusion(), None);
    page.rtt = Some(20);
    page.say(MonitorInput::Connected);
    page.run(10_000);
    assert_eq!(page.exclusion(), None);
    assert_eq!(page.warnings(WarningKind::Ping), 0);
}

#[test]
fn a_main_thread_blocked_for_800_ms_of_every_second_is_no_slow_line() {
    for offset in (0..1_000).step_by(90) {
        let mut page = Page::new(&config());
        page.run(offset + 1);
        for _ in 0..60 {
            page.block(800);
            page.run(1_000);
        }
        assert_eq!(page.exclusion(), None, "offset {offset}");
        assert_eq!(page.warnings(WarningKind::Ping), 0, "offset {offset}");
        assert!(page.monitor.stalled() > ms(40_000), "offset {offset}");
    }
}

#[test]
fn a_slow_line_is_found_though_the_page_stalls() {
    let mut page = Page::new(&config());
    page.rtt = Some(2_700);
    for _ in 0..20 {
        page.block(200);
        page.run(1_000);
    }
    assert_eq!(
        page.exclusion().map(|exclusion| exclusion.reason),
        Some(ExclusionReason::SustainedPing)
    );
}

#[test]
fn a_block_longer_than_the_ping_timeout_is_no_outage() {
    let mut page = Page::new(&config());
    page.run(2_010);
    page.block(20_000);
    page.run(30_000);
    assert_eq!(page.exclusion(), None);
    assert_eq!(page.warnings(WarningKind::Ping), 0);
}

#[test]
fn hiding_or_pausing_clears_the_run_of_violations() {
    for (stop, go_on) in [
        (MonitorInput::Hidden, MonitorInput::Visible),
        (MonitorInput::Pause, MonitorInput::Resume),
    ] {
        let mut page = Page::new(&config());
        page.rtt = Some(300);
        page.run(2_500);
        page.say(stop);
        page.run(2_000);
        page.say(go_on);
        page.run(2_100);
        assert_eq!(page.exclusion(), None);
        page.run(3_000);
        assert!(page.exclusion().is_some());
    }
}

#[test]
fn samples_taken_while_hidden_are_kept_and_not_judged() {
    let mut page = Page::new(&MonitorConfig {
        tab: crate::config::TabConfig {
            warn_after: None,
            exclude_after: None,
        },
        ..config()
    });
    page.say(MonitorInput::Hidden);
    page.rtt = Some(900);
    page.run(20_000);
    assert_eq!(page.exclusion(), None);
    assert!(page.monitor.latency().count >= 18);
    assert!(page.monitor.samples().iter().all(|sample| !sample.judged));
}

#[test]
fn m_within_a_window_of_n_excludes_where_the_setting_says_so() {
    let mut within = config();
    within.ping.rule = PingRuleKind::WithinWindow;
    for (config, excluded) in [(config(), false), (within, true)] {
        let mut page = Page::new(&config);
        for rtt in [300, 300, 20, 300] {
            page.rtt = Some(rtt);
            page.run(1_000);
        }
        page.rtt = Some(20);
        page.run(3_000);
        assert_eq!(page.exclusion().is_some(), excluded);
    }
}

#[test]
fn a_measured_round_trip_repeated_every_frame_counts_once() {
    let mut page = Page::new(&config());
    page.run(1_000);
    for _ in 0..25 {
        page.say(MonitorInput::RttMeasured { rtt: ms(900) });
        page.run(33);
    }
    assert_eq!(page.exclusion(), None);
    for _ in 0..100 {
        page.say(MonitorInput::RttMeasured { rtt: ms(900) });
        page.run(33);
    }
    assert!(page.exclusion().is_some());
}

#[test]
fn while_the_game_measures_our_own_pings_are_telemetry() {
    let mut page = Page::new(&config());
    page.say(MonitorInput::RttMeasured { rtt: ms(30) });
    page.rtt = Some(900);
    for _ in 0..20 {
        page.run(1_000);
        page.say(MonitorInput::RttMeasured { rtt: ms(30) });
    }
    assert_eq!(page.exclusion(), None);
    assert!(
        page.monitor
            .samples()
            .iter()
            .any(|sample| sample.rtt_ms == Some(ms(900)))
    );
}

#[test]
fn ping_warnings_keep_five_seconds_apart() {
    let mut lenient = config();
    lenient.ping.window = 100;
    lenient.ping.required = 100;
    let mut page = Page::new(&lenient);
    page.rtt = Some(300);
    page.run(20_500);
    assert_eq!(page.warnings(WarningKind::Ping), 4);
}

#[test]
fn a_hidden_tab_is_warned_once_and_excluded_at_its_threshold() {
    let mut page = Page::new(&config());
    page.run(1_000);
    page.say(MonitorInput::Hidden);
    page.run(9_900);
    assert_eq!(page.warnings(WarningKind::Tab), 1);
    assert_eq!(page.exclusion(), None);
    page.run(200);
    let exclusion = page.exclusion().expect("hidden for ten seconds");
    assert_eq!(exclusion.reason, ExclusionReason::TabHidden);
    let Finding::TabHidden {
        hidden_ms,
        hidden_from_ms,
        ..
    } = exclusion.evidence.finding
    else {
        panic!("not the tab rule");
    };
    assert_eq!(hidden_from_ms, ms(1_000));
    assert!(hidden_ms >= ms(10_000) && hidden_ms <= ms(10_100));
}

#[test]
fn a_tab_hidden_while_no_timer_ran_is_judged_on_return() {
    let mut page = Page::new(&config());
    page.say(MonitorInput::Hidden);
    page.now += 4_000;
    page.say(MonitorInput::Visible);
    assert_eq!(page.warnings(WarningKind::Tab), 1);
    page.say(MonitorInput::Hidden);
    page.now += 12_000;
    page.say(MonitorInput::Visible);
    assert!(page.exclusion().is_some());
}

#[test]
fn a_tab_hidden_during_a_pause_counts_from_the_resume() {
    let mut page = Page::new(&config());
    page.say(MonitorInput::Pause);
    page.say(MonitorInput::Hidden);
    page.run(60_000);
    assert_eq!(page.exclusion(), None);
    page.say(MonitorInput::Resume);
    page.run(9_900);
    assert_eq!(page.exclusion(), None);
    page.run(200);
    assert!(page.exclusion().is_some());
    assert_eq!(
        page.monitor.focus_loss(ms(page.now)).total_background_ms,
        ms(70_100)
    );
}

#[test]
fn a_pause_is_no_way_out_of_a_period_that_was_over_the_threshold() {
    let mut page = Page::new(&config());
    page.say(MonitorInput::Hidden);
    page.now += 10_500;
    page.say(MonitorInput::Pause);
    assert!(page.exclusion().is_some());
}

#[test]
fn focus_loss_ends_the_session_where_it_is_set() {
    let mut patient = config();
    patient.tab.exclude_after = None;
    patient.focus_loss_timeout = Some(ms(30_000));
    let mut page = Page::new(&patient);
    page.say(MonitorInput::Hidden);
    page.run(30_050);
    assert!(
        page.seen
            .contains(&MonitorOutput::FocusLossTimeout { frame: Frame(0) })
    );
    assert!(page.monitor.focus_loss(ms(page.now)).was_timeout_triggered);
}

#[test]
fn nothing_is_judged_where_monitoring_is_off() {
    let mut page = Page::new(&MonitorConfig {
        enabled: false,
        ..config()
    });
    page.rtt = None;
    page.say(MonitorInput::Hidden);
    page.run(60_000);
    page.say(MonitorInput::Visible);
    assert_eq!(page.exclusion(), None);
    assert_eq!(page.warnings(WarningKind::Tab), 0);
    assert!(page.monitor.latency().lost > 50);
}

#[test]
fn the_researchers_rule_is_asked_every_interval_and_can_exclude() {
    let mut page = Page::new(&MonitorConfig {
        callback_interval_frames: Some(30),
        ..config()
    });
    let mut asked = 0;
    for frame in 0..90 {
        page.monitor.frame(Frame(frame));
        page.run(33);
        let questions: Vec<u64> = page
            .seen
            .iter()
            .filter_map(|output| match output {
                MonitorOutput::AskCallback { request_id, .. } => Some(*request_id),
                _ => None,
            })
            .collect();
        if questions.len() > asked {
            asked = questions.len();
            page.say(MonitorInput::CallbackAnswered(CallbackResult {
                exclude: asked == 3,
                message: Some("enough".to_owned()),
                request_id: questions.last().copied(),
                ..CallbackResult::default()
            }));
        }
    }
    assert_eq!(asked, 3);
    let exclusion = page.exclusion().expect("the third answer excludes");
    assert_eq!(exclusion.reason, ExclusionReason::CustomCallback);
    assert_eq!(exclusion.message, "enough");
}

#[test]
fn custom_messages_replace_the_built_in_ones() {
    let mut custom = config();
    custom.messages.tab_exclude = Some("Gone too long.".to_owned());
    let mut page = Page::new(&custom);
    page.say(MonitorInput::Hidden);
    page.run(11_000);
    assert_eq!(
        page.exclusion().map(|exclusion| exclusion.message.as_str()),
        Some("Gone too long.")
    );
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Pass(u64),
        Block(u64),
        Line(Option<u64>),
        Say(MonitorInput),
        Frame(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1..3_000_u64).prop_map(Step::Pass),
            1 => (1..9_000_u64).prop_map(Step::Block),
            2 => prop::option::weighted(0.8, 1..9_000_u64).prop_map(Step::Line),
            1 => (0..10_000_u64).prop_map(Step::Frame),
            4 => input().prop_map(Step::Say),
        ]
    }

    fn input() -> impl Strategy<Value = MonitorInput> {
        prop_oneof![
            Just(MonitorInput::Tick),
            (0..u64::MAX).prop_map(|posted| MonitorInput::Beat { posted: ms(posted) }),
            (0..100_u64).prop_map(|seq| MonitorInput::PingAnswered { seq }),
            prop::num::f64::ANY.prop_map(|rtt| MonitorInput::RttMeasured {
                rtt: Millis::new(rtt)
            }),
            Just(MonitorInput::Hidden),
            Just(MonitorInput::Visible),
            Just(MonitorInput::Blurred),
            Just(MonitorInput::Focused),
            Just(MonitorInput::Connected),
            Just(MonitorInput::Disconnected),
            Just(MonitorInput::Pause),
            Just(MonitorInput::Resume),
            (any::<bool>(), any::<bool>(), prop::option::of(0..9_u64)).prop_map(
                |(exclude, warn, request_id)| {
                    MonitorInput::CallbackAnswered(CallbackResult {
                        exclude,
                        warn,
                        message: None,
                        request_id,
                    })
                }
            ),
        ]
    }

    /// What a page can honestly do to its ping rule: no forged beats or answers.
    fn honest() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1..3_000_u64).prop_map(Step::Pass),
            2 => prop::option::weighted(0.8, 1..1_000_u64).prop_map(Step::Line),
            1 => Just(Step::Say(MonitorInput::Hidden)),
            2 => Just(Step::Say(MonitorInput::Visible)),
            1 => Just(Step::Say(MonitorInput::Pause)),
            2 => Just(Step::Say(MonitorInput::Resume)),
        ]
    }

    /// What an onlooker with a stopwatch writes down.
    #[derive(Default)]
    struct Onlooker {
        hidden: bool,
        paused: bool,
        /// Since when the tab has been hidden during play.
        counts_from: Option<u64>,
        /// When the participant stopped looking or play stopped.
        breaks: Vec<u64>,
    }

    impl Onlooker {
        fn note(&mut self, now: u64, input: &MonitorInput) {
            match input {
                MonitorInput::Hidden => self.hidden = true,
                MonitorInput::Visible => self.hidden = false,
                MonitorInput::Pause => self.paused = true,
                MonitorInput::Resume => self.paused = false,
                _ => return,
            }
            if self.hidden || self.paused {
                self.breaks.push(now);
            }
            match (self.hidden && !self.paused, self.counts_from) {
                (true, None) => self.counts_from = Some(now),
                (false, _) => self.counts_from = None,
                (true, Some(_)) => {}
            }
        }
    }

    fn walk(page: &mut Page, steps: Vec<Step>) -> Onlooker {
        let mut onlooker = Onlooker::default();
        for step in steps {
            match step {
                Step::Pass(duration) => page.run(duration),
                Step::Block(duration) => page.block(duration),
                Step::Line(rtt) => page.rtt = rtt,
                Step::Say(input) => {
                    onlooker.note(page.now, &input);
                    page.say(input);
                }
                Step::Frame(frame) => page.monitor.frame(Frame(frame)),
            }
            if page.exclusion().is_some() {
                break;
            }
        }
        onlooker
    }

    /// Three judged samples in a row, all over the limit, with no break in between.
    fn has_sustained_run(page: &Page, breaks: &[u64], over: impl Fn(&PingSample) -> bool) -> bool {
        let judged: Vec<&PingSample> = page
            .monitor
            .samples()
            .iter()
            .filter(|sample| sample.judged)
            .collect();
        judged.windows(3).any(|run| {
            let span = run[0].sent_ms.ceil()..=run[2].sent_ms.ceil();
            run.iter().all(|sample| over(sample)) && !breaks.iter().any(|at| span.contains(at))
        })
    }

    fn sample_key(sample: &PingSample) -> (Option<u64>, u64) {
        (sample.seq, sample.sent_ms.ceil())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_sequence_of_inputs_panics_or_judges_a_sample_twice(
            steps in prop::collection::vec(step(), 1..40),
            within in any::<bool>(),
        ) {
            let mut config = config();
            config.callback_interval_frames = Some(30);
            config.focus_loss_timeout = Some(ms(20_000));
            if within {
                config.ping.rule = PingRuleKind::WithinWindow;
            }
            let mut page = Page::new(&config);
            walk(&mut page, steps);
            let mut seqs: Vec<u64> =
                page.monitor.samples().iter().filter_map(|sample| sample.seq).collect();
            let all = seqs.len();
            seqs.sort_unstable();
            seqs.dedup();
            prop_assert_eq!(seqs.len(), all, "a ping gives one sample");
            let verdicts = page
                .seen
                .iter()
                .filter(|output| matches!(output, MonitorOutput::Exclude(_) | MonitorOutput::FocusLossTimeout { .. }))
                .count();
            prop_assert!(verdicts <= 1, "one verdict at most");
        }

        #[test]
        fn every_exclusion_is_at_its_threshold_and_none_is_missed(
            steps in prop::collection::vec(honest(), 1..60),
        ) {
            let config = config();
            let mut page = Page::new(&config);
            let onlooker = walk(&mut page, steps);
            let max = config.ping.max.unwrap();
            let over = |sample: &PingSample| sample.rtt_ms.is_none_or(|rtt| rtt > max);
            match page.exclusion() {
                Some(exclusion) => match &exclusion.evidence.finding {
                    Finding::TabHidden { hidden_ms, exclude_after_ms, .. } => {
                        prop_assert!(hidden_ms >= exclude_after_ms);
                    }
                    Finding::SustainedPing { samples, required_violations, .. } => {
                        let last = &samples[samples.len() - required_violations..];
                        prop_assert!(last.iter().all(over));
                        prop_assert!(last.iter().all(|sample| sample.judged));
                        let mut keys: Vec<_> = last.iter().map(sample_key).collect();
                        keys.dedup();
                        prop_assert_eq!(keys.len(), *required_violations, "distinct samples");
                    }
                    Finding::CustomCallback { .. } => prop_assert!(false, "no callback was set"),
                    #[cfg(feature = "json")]
                    Finding::Unresponsive { .. } => prop_assert!(false, "a page does not judge its silence"),
                },
                None => {
                    let hidden = onlooker.counts_from.map_or(0, |since| page.now - since);
                    prop_assert!(hidden < 10_050, "hidden for {hidden} ms");
                    prop_assert!(!has_sustained_run(&page, &onlooker.breaks, over));
                }
            }
        }

        #[test]
        fn pausing_never_excludes(steps in prop::collection::vec(honest(), 1..60)) {
            let mut page = Page::new(&config());
            page.say(MonitorInput::Pause);
            let steps = steps
                .into_iter()
                .filter(|step| !matches!(step, Step::Say(MonitorInput::Resume)))
                .collect();
            walk(&mut page, steps);
            prop_assert_eq!(page.exclusion(), None);
        }
    }
}
