//! The sustained-ping rule.
//!
//! One sample is one round trip, matched to its question by number, and counts once. An outage
//! counts: an unanswered ping is a violation. What was measured while the participant's tab was
//! hidden or the game paused is kept as telemetry and never judged.

use crate::config::{PingConfig, PingRuleKind};
use crate::exclusion::{Finding, PingOrigin, PingSample};
use crate::queue::take_first;
use crate::time::Millis;

use super::stall::StallLog;

/// At most one ping warning in this time.
const WARNING_PAUSE: Millis = Millis::new(5_000.0);
/// Without beats (a ticker that was killed) answers are judged after this time all the same.
const BEAT_PATIENCE: Millis = Millis::new(3_000.0);

#[derive(Clone, Copy, Debug)]
struct Asked {
    seq: u64,
    sent: Millis,
    attention: u64,
    /// Its time was up: it has been judged, a late answer changes nothing.
    expired: bool,
}

#[derive(Clone, Copy, Debug)]
struct Answered {
    asked: Asked,
    at: Millis,
}

/// What a judged sample leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PingVerdict {
    Warn,
    Exclude(Finding),
}

/// Keeps the questions, the samples and the run of violations.
#[derive(Clone, Debug)]
pub(super) struct PingRule {
    config: PingConfig,
    asked: Vec<Asked>,
    answered: Vec<Answered>,
    recent: Vec<PingSample>,
    samples: Vec<PingSample>,
    next_seq: u64,
    next_ping: Millis,
    connected: bool,
    /// Grows whenever hiding or pausing clears the run; a sample must lie within one value.
    attention: u64,
    attentive: bool,
    last_warning: Option<Millis>,
    last_frontend: Option<Millis>,
}

impl PingRule {
    pub(super) const fn new(config: PingConfig) -> Self {
        Self {
            config,
            asked: Vec::new(),
            answered: Vec::new(),
            recent: Vec::new(),
            samples: Vec::new(),
            next_seq: 0,
            next_ping: Millis::ZERO,
            connected: false,
            attention: 0,
            attentive: false,
            last_warning: None,
            last_frontend: None,
        }
    }

    pub(super) fn configure(&mut self, config: PingConfig) {
        self.config = config;
        self.clear_run();
    }

    pub(super) fn samples(&self) -> &[PingSample] {
        &self.samples
    }

    /// The last round trip that was measured.
    pub(super) fn last_rtt(&self) -> Option<Millis> {
        self.samples.iter().rev().find_map(|sample| sample.rtt_ms)
    }

    /// Whether samples count from now on; a change clears the run of violations.
    pub(super) fn set_attentive(&mut self, attentive: bool) {
        if self.attentive != attentive {
            self.attentive = attentive;
            self.clear_run();
        }
    }

    fn clear_run(&mut self) {
        self.attention += 1;
        self.recent.clear();
    }

    /// The socket came or went. A lost socket is the server's business, not a slow line: what was
    /// asked over it is written down as lost and not judged.
    pub(super) fn set_connected(&mut self, connected: bool, now: Millis) {
        if self.connected == connected {
            return;
        }
        self.connected = connected;
        if connected {
            self.next_ping = now;
            return;
        }
        for asked in std::mem::take(&mut self.asked) {
            if !asked.expired {
                self.samples.push(unanswered(asked, Millis::ZERO, false));
            }
        }
    }

    /// The number of the ping to send now, if one is due.
    pub(super) fn ask(&mut self, now: Millis) -> Option<u64> {
        if !self.connected || now < self.next_ping {
            return None;
        }
        self.next_ping = now + self.config.interval;
        let seq = self.next_seq;
        self.next_seq += 1;
        self.asked.push(Asked {
            seq,
            sent: now,
            attention: self.attention,
            expired: false,
        });
        Some(seq)
    }

    /// An answer arrived.
    pub(super) fn answer(&mut self, seq: u64, now: Millis) {
        let position = self.asked.iter().position(|asked| asked.seq == seq);
        let Some(asked) = position.map(|position| self.asked.remove(position)) else {
            return;
        };
        if !asked.expired {
            self.answered.push(Answered { asked, at: now });
        }
    }

    /// The game measured a round trip by its own means. While it does, our own are telemetry only.
    pub(super) fn measured(&mut self, rtt: Millis, now: Millis) -> Option<PingVerdict> {
        // A game that reports every frame repeats itself: a value counts once per ping interval.
        let fresh = self
            .last_frontend
            .is_none_or(|last| now - last >= self.config.interval);
        let judged = fresh && self.attentive && self.config.max.is_some();
        if fresh {
            self.last_frontend = Some(now);
        }
        let sample = PingSample {
            seq: None,
            sent_ms: now,
            rtt_ms: Some(rtt),
            stalled_ms: Millis::ZERO,
            origin: PingOrigin::Frontend,
            judged,
        };
        self.record(sample, now)
    }

    /// Judges what can be judged now. Call after every beat.
    pub(super) fn judge(&mut self, stalls: &StallLog, now: Millis) -> Option<PingVerdict> {
        let mut verdict = None;
        while let Some(answered) = self.answered.first().copied() {
            if !stalls.knows_up_to(answered.at) && now - answered.at < BEAT_PATIENCE {
                break;
            }
            take_first(&mut self.answered);
            verdict = strongest(verdict, self.settle(answered, stalls, now));
        }
        for index in 0..self.asked.len() {
            let asked = self.asked[index];
            if asked.expired || now - asked.sent < self.config.timeout {
                continue;
            }
            let stalled = stalls.between(asked.sent, now);
            if (now - asked.sent) - stalled < self.config.timeout {
                continue;
            }
            self.asked[index].expired = true;
            let judged = self.counts(asked);
            verdict = strongest(
                verdict,
                self.record(unanswered(asked, stalled, judged), now),
            );
        }
        // An answer this late is of no use to anybody.
        while self
            .asked
            .first()
            .is_some_and(|asked| asked.expired && self.asked.len() > 64)
        {
            take_first(&mut self.asked);
        }
        verdict
    }

    fn settle(
        &mut self,
        answered: Answered,
        stalls: &StallLog,
        now: Millis,
    ) -> Option<PingVerdict> {
        let stalled = stalls.waited(answered.asked.sent, answered.at);
        let sample = PingSample {
            seq: Some(answered.asked.seq),
            sent_ms: answered.asked.sent,
            rtt_ms: Some((answered.at - answered.asked.sent) - stalled),
            stalled_ms: stalled,
            origin: PingOrigin::Socket,
            judged: self.counts(answered.asked),
        };
        self.record(sample, now)
    }

    fn counts(&self, asked: Asked) -> bool {
        let frontend_measures = self
            .last_frontend
            .is_some_and(|last| last + self.config.timeout >= asked.sent);
        self.attentive
            && asked.attention == self.attention
            && self.config.max.is_some()
            && !frontend_measures
    }

    fn record(&mut self, sample: PingSample, now: Millis) -> Option<PingVerdict> {
        self.samples.push(sample);
        let max = self.config.max?;
        if !sample.judged {
            return None;
        }
        if self.recent.len() == self.config.window {
            take_first(&mut self.recent);
        }
        self.recent.push(sample);
        if !is_violation(&sample, max) {
            return None;
        }
        if self.is_sustained(max) {
            return Some(PingVerdict::Exclude(Finding::SustainedPing {
                max_ping_ms: max,
                violation_window: self.config.window,
                required_violations: self.config.required,
                ping_rule: self.config.rule,
                samples: self.recent.clone(),
            }));
        }
        let quiet = self
            .last_warning
            .is_none_or(|last| now - last >= WARNING_PAUSE);
        quiet.then(|| {
            self.last_warning = Some(now);
            PingVerdict::Warn
        })
    }

    fn is_sustained(&self, max: Millis) -> bool {
        let required = self.config.required;
        match self.config.rule {
            PingRuleKind::Consecutive => {
                self.recent.len() >= required
                    && self
                        .recent
                        .iter()
                        .rev()
                        .take(required)
                        .all(|sample| is_violation(sample, max))
            }
            PingRuleKind::WithinWindow => {
                self.recent
                    .iter()
                    .filter(|sample| is_violation(sample, max))
                    .count()
                    >= required
            }
        }
    }

    /// When this rule next needs to be looked at.
    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let ping = self.connected.then_some(self.next_ping);
        let timeout = self
            .asked
            .iter()
            .find(|asked| !asked.expired)
            .map(|asked| asked.sent + self.config.timeout);
        let answer = self
            .answered
            .first()
            .map(|answered| answered.at + BEAT_PATIENCE);
        [ping, timeout, answer].into_iter().flatten().min()
    }
}

/// What only the server needs, which watches thousands for hours.
#[cfg(feature = "json")]
impl PingRule {
    /// When a ping was sent that has not been answered.
    pub(super) fn asked_at(&self, seq: u64) -> Option<Millis> {
        let asked = self.asked.iter().find(|asked| asked.seq == seq)?;
        Some(asked.sent)
    }

    /// Forgets all samples but the latest.
    pub(super) fn keep_samples(&mut self, kept: usize) {
        let old = self.samples.len().saturating_sub(kept);
        self.samples.drain(..old);
    }
}

fn is_violation(sample: &PingSample, max: Millis) -> bool {
    sample.rtt_ms.is_none_or(|rtt| rtt > max)
}

fn unanswered(asked: Asked, stalled: Millis, judged: bool) -> PingSample {
    PingSample {
        seq: Some(asked.seq),
        sent_ms: asked.sent,
        rtt_ms: None,
        stalled_ms: stalled,
        origin: PingOrigin::Socket,
        judged,
    }
}

fn strongest(first: Option<PingVerdict>, second: Option<PingVerdict>) -> Option<PingVerdict> {
    match (&first, &second) {
        (Some(PingVerdict::Exclude(_)), _) | (Some(_), None) => first,
        _ => second,
    }
}
