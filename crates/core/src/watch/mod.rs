//! The server's own watch on one participant during play.
//!
//! A page judges itself first, as it sees most. But a page can be changed, frozen or cut off, so the
//! server runs the same rules on what it sees by itself: round trips of its own probes, what the
//! page's reports say, and silence. What a page says to its own advantage is believed only as far
//! as an honest page would need it.

mod allowance;
mod claims;
mod event;

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::config::{MonitorConfig, PingConfig, PingRuleKind};
use crate::exclusion::{Evidence, Exclusion, ExclusionReason, Finding, Side, Silent};
use crate::ids::Frame;
use crate::monitor::{Monitor, MonitorOutput, SilenceRule};
use crate::queue::take_first;
use crate::session::Verdict;
use crate::time::Millis;
use crate::wire::ProbeAnswer;

use claims::{Account, Claims};

pub use event::{WatchInput, WatchOutput};

/// How often a watch wants a [`WatchInput::Tick`].
pub const TICK: Millis = Millis::new(500.0);

/// So much earlier an honest page speaks, whose verdict then counts.
pub const HEAD_START: Millis = Millis::new(2_000.0);

/// More than any verdict rests on.
const KEPT_SAMPLES: usize = 64;

/// A hidden time that began so much later than the one that is known is another one.
const ANOTHER_HIDDEN_TIME: Millis = Millis::new(1_000.0);

const SILENT_PAGE: &str =
    "Nothing was heard from your browser for too long while the game was running.";
const SILENT_MONITOR: &str =
    "Your page did not answer connection checks for too long while the game was running.";

/// The watch on one participant in one game, over whatever connection. See the [module](self).
///
/// Time is milliseconds since the Unix epoch. Inputs may be handed over some time after they
/// happened, as long as they come in order.
#[derive(Clone, Debug)]
pub struct Watch {
    monitor: Monitor,
    page: SilenceRule,
    prober: SilenceRule,
    claims: Claims,
    ping_max: Option<Millis>,
    tab_exclude: Option<Millis>,
    presence_required: bool,
    has_answered: bool,
    playing: bool,
    /// The latest moment of an input.
    at: Millis,
    last_visible: Millis,
    /// Since when the page has been judged, without a break.
    run_since: Millis,
    /// A verdict that waits for the page to speak first.
    held: Option<(Millis, Exclusion)>,
    over: bool,
    outputs: Vec<WatchOutput>,
}

impl Watch {
    /// A watch that begins now, with a fresh run. It judges once it is told that the game runs.
    #[must_use]
    pub fn new(config: &MonitorConfig, now: Millis) -> Self {
        let mut monitor = Monitor::new(Side::Server, Millis::ZERO);
        let later = with_head_start(config);
        monitor.configure(&later);
        monitor.connect(now);
        let silence = config.silence_exclude.filter(|_| config.enabled);
        let mut page = SilenceRule::new(Silent::Page, silence);
        page.expect(now);
        let mut watch = Self {
            monitor,
            page,
            prober: SilenceRule::new(Silent::Monitor, silence),
            claims: Claims::new(price_of_a_claim(&later.ping)),
            ping_max: config.ping.max.filter(|_| config.enabled),
            tab_exclude: config.tab.exclude_after,
            presence_required: config.presence_required,
            has_answered: false,
            playing: false,
            at: now,
            last_visible: now,
            run_since: now,
            held: None,
            over: false,
            outputs: Vec::new(),
        };
        watch.settle(now);
        watch
    }

    /// Whether nothing is judged any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// The next thing to do; drain until `None` after every [`Watch::handle`].
    pub fn poll(&mut self) -> Option<WatchOutput> {
        take_first(&mut self.outputs)
    }

    /// Something happened.
    pub fn handle(&mut self, now: Millis, input: WatchInput) {
        if self.over {
            return;
        }
        match input {
            WatchInput::Beat { posted } => self.monitor.beat_by_one_clock(now, posted),
            WatchInput::Reconnected => {
                self.heard(now);
                self.monitor.reconnect(now);
            }
            WatchInput::Heard => self.heard(now),
            WatchInput::Tick => {
                self.pass(now);
                self.judge(now);
            }
            WatchInput::Reported {
                hidden,
                paused,
                frame,
            } => {
                self.heard(now);
                self.pass(now);
                self.claims.paused.say(paused, self.playing);
                self.settle(now);
                self.reached(frame);
                if let Some(hidden) = hidden {
                    self.visibility(now, hidden);
                }
            }
            WatchInput::ProbeAnswered { seq, answer } => {
                self.heard(now);
                self.pass(now);
                self.probe_answered(now, seq, answer.filter(|answer| answer.seq == seq));
            }
            WatchInput::Playing(playing) => {
                self.pass(now);
                self.playing = playing;
                self.page.set_running(playing, now);
                self.prober.set_running(playing, now);
                self.settle(now);
            }
            WatchInput::GameOver => {
                self.over = true;
                self.outputs.clear();
            }
        }
    }

    fn heard(&mut self, now: Millis) {
        self.page.heard(now);
        self.page.expect(now);
    }

    fn reached(&mut self, frame: Option<Frame>) {
        if let Some(frame) = frame.filter(|frame| *frame > self.monitor.current_frame()) {
            self.monitor.frame(frame);
        }
    }

    /// Time passed since the last input.
    fn pass(&mut self, now: Millis) {
        let elapsed = now - self.at;
        self.at = self.at.max(now);
        if self.playing {
            self.claims.pass(elapsed);
            self.settle(now);
        }
    }

    /// Draws the consequences of what is believed.
    fn settle(&mut self, now: Millis) {
        let judged = self.playing && !self.claims.paused.is_believed();
        if judged && self.monitor.is_paused() {
            self.run_since = now;
        }
        self.monitor.run(judged, now);
        self.monitor.judge_samples(
            self.presence_required || self.has_answered,
            !self.claims.hidden.is_doubted(),
        );
    }

    /// The page says for how long its tab has been hidden.
    fn visibility(&mut self, now: Millis, hidden: Millis) {
        if hidden == Millis::ZERO {
            self.last_visible = now;
            self.show(now);
            return;
        }
        let since = (now - hidden).max(self.last_visible).max(self.run_since);
        if self.monitor.is_hidden()
            && self.monitor.hidden_for(now) > (now - since) + ANOTHER_HIDDEN_TIME
        {
            self.show(since);
        }
        if !self.monitor.is_hidden() {
            self.claims.hidden.say(true, self.playing);
            // A tab that is no longer excused must not interrupt its run for a moment either.
            self.settle(now);
            self.monitor.hidden_since(since);
        }
    }

    fn show(&mut self, at: Millis) {
        self.claims.hidden.say(false, self.playing);
        self.monitor.visible(at);
        self.settle(at);
    }

    fn probe_answered(&mut self, now: Millis, seq: u64, answer: Option<ProbeAnswer>) {
        self.prober.heard(now);
        self.has_answered = true;
        self.settle(now);
        if let Some(answer) = answer {
            self.stalled(now, seq, answer.stalled_ms);
            self.reached(Some(answer.frame_number));
            // Even a time that is not known is told from a visible tab.
            let hidden = answer.hidden_ms.max(Millis::new(1.0));
            self.visibility(now, if answer.hidden { hidden } else { Millis::ZERO });
        }
        self.monitor.answered(seq, now);
    }

    /// The page says that it stood still just before it answered.
    fn stalled(&mut self, now: Millis, seq: u64, told: Millis) {
        let Some(sent) = self.monitor.asked_at(seq) else {
            return;
        };
        let told = told.min(now - sent);
        // Several probes wait through one stall; it is paid for once.
        let known = self.monitor.stalled_between(now - told, now);
        let claimed = told - known;
        if claimed == Millis::ZERO {
            return;
        }
        let is_slow = self.ping_max.is_some_and(|max| now - sent > max);
        let matters = is_slow && !self.monitor.is_paused();
        let believed = self.claims.stalled(seq, claimed, matters);
        if believed > Millis::ZERO {
            self.monitor.believe_stall(now - (known + believed), now);
        }
    }

    fn judge(&mut self, now: Millis) {
        self.monitor.tick(now, self.run_since);
        while let Some(output) = self.monitor.poll() {
            match output {
                MonitorOutput::SendPing(ping) => self.probe(now, ping.seq),
                MonitorOutput::Exclude(exclusion) => self.found(now, exclusion),
                MonitorOutput::FocusLossTimeout { frame } => {
                    self.outputs.push(WatchOutput::FocusLost { frame });
                    self.over = true;
                }
                // Warnings are the page's own business, and so is the researcher's rule.
                MonitorOutput::Warn(_) | MonitorOutput::AskCallback { .. } => {}
            }
        }
        self.monitor.keep_samples(KEPT_SAMPLES);
        if let Some((_, exclusion)) = self.held.take_if(|(due, _)| now >= *due) {
            self.conclude(&exclusion);
        }
        let stalled = |from, to| self.monitor.stalled_between(from, to);
        let silence = self.page.judge(now, stalled);
        if let Some(finding) = silence.or_else(|| self.prober.judge(now, stalled)) {
            self.conclude(&self.unresponsive(now, finding));
        }
    }

    fn probe(&mut self, now: Millis, seq: Option<u64>) {
        if self.presence_required || self.has_answered {
            self.prober.expect(now);
        }
        self.outputs
            .extend(seq.map(|seq| WatchOutput::Probe { seq }));
    }

    /// A rule of the monitor was broken.
    fn found(&mut self, now: Millis, mut exclusion: Exclusion) {
        match &mut exclusion.evidence.finding {
            // The rest of the time was the head start.
            Finding::TabHidden {
                exclude_after_ms, ..
            } => {
                *exclude_after_ms = self.tab_exclude.unwrap_or(*exclude_after_ms);
                // It was judged by a time without the server's delays.
                exclusion.evidence.decided_at_ms = now;
                exclusion.evidence.decided_at_timestamp = now;
            }
            Finding::SustainedPing { samples, .. }
                if samples.last().is_some_and(|sample| sample.rtt_ms.is_some()) =>
            {
                self.held = Some((now + HEAD_START, exclusion));
                return;
            }
            _ => {}
        }
        self.conclude(&exclusion);
    }

    fn unresponsive(&self, now: Millis, finding: Finding) -> Exclusion {
        let message = match finding {
            Finding::Unresponsive {
                silent: Silent::Monitor,
                ..
            } => SILENT_MONITOR,
            _ => SILENT_PAGE,
        };
        Exclusion {
            reason: ExclusionReason::Unresponsive,
            frame: self.monitor.current_frame(),
            message: message.to_owned(),
            evidence: Evidence {
                decided_by: Side::Server,
                decided_at_ms: now,
                decided_at_timestamp: now,
                finding,
            },
        }
    }

    fn conclude(&mut self, exclusion: &Exclusion) {
        if self.over {
            return;
        }
        self.over = true;
        let testimony = Testimony {
            evidence: &exclusion.evidence,
            claims: self.claims.account(),
        };
        self.outputs.push(WatchOutput::Verdict(Verdict {
            reason: exclusion.reason,
            frame: exclusion.frame,
            decided_by: Side::Server,
            message: Some(exclusion.message.clone()),
            evidence: serde_json::to_string(&testimony).ok(),
        }));
    }
}

/// What a verdict rests on, and what the page had said to its own advantage.
#[derive(Serialize)]
struct Testimony<'a> {
    #[serde(flatten)]
    evidence: &'a Evidence,
    claims: Account<'a>,
}

/// What a claim of being paused or hidden costs: as long as it can put off a verdict, since it wipes
/// out the run of violations and what is on its way. So at half of the time coming back, no two claims
/// of a kind in a row can keep the rule from being judged in between.
fn price_of_a_claim(ping: &PingConfig) -> Millis {
    let samples = |count: usize| {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Millis::new(ping.interval.max(TICK).as_f64() * f64::from(count))
    };
    let run = samples(ping.required) + ping.timeout;
    match ping.rule {
        PingRuleKind::Consecutive => run,
        PingRuleKind::WithinWindow => run.max(samples(ping.window)),
    }
}

/// A hidden tab may be visible again, and a late answer tell of a stall, before the server knows.
/// So these rules wait for the head start themselves, and a verdict by them is not held.
fn with_head_start(config: &MonitorConfig) -> MonitorConfig {
    let mut later = config.clone();
    later.callback_interval_frames = None;
    later.ping.timeout = config.ping.timeout + HEAD_START;
    later.tab.warn_after = None;
    later.tab.exclude_after = config.tab.exclude_after.map(|after| after + HEAD_START);
    later.focus_loss_timeout = config.focus_loss_timeout.map(|after| after + HEAD_START);
    later
}
