//! The hidden-tab rule, and the periods in which the participant was not looking.

use crate::config::TabConfig;
use crate::exclusion::Finding;
use crate::metrics::{AwayPeriod, FocusLoss};
use crate::time::Millis;

#[derive(Clone, Copy, Debug, Default)]
struct Hidden {
    since: Millis,
    /// What is judged counts from here: a pause does not count. `None` while paused.
    counts_from: Option<Millis>,
    warned: bool,
}

/// What a hidden period leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum VisibilityVerdict {
    Warn,
    Exclude(Finding),
    FocusLossTimeout,
}

/// Watches one tab.
#[derive(Clone, Debug, Default)]
pub(super) struct VisibilityRule {
    config: Option<TabConfig>,
    focus_loss_timeout: Option<Millis>,
    hidden: Option<Hidden>,
    unfocused_since: Option<Millis>,
    running: bool,
    background: Vec<AwayPeriod>,
    unfocused: Vec<AwayPeriod>,
}

impl VisibilityRule {
    /// `tab` is `None` while monitoring is switched off.
    pub(super) fn configure(&mut self, tab: Option<TabConfig>, focus_loss_timeout: Option<Millis>) {
        self.config = tab;
        self.focus_loss_timeout = focus_loss_timeout;
    }

    pub(super) const fn is_hidden(&self) -> bool {
        self.hidden.is_some()
    }

    pub(super) fn hidden_for(&self, now: Millis) -> Millis {
        self.hidden
            .map_or(Millis::ZERO, |hidden| now - hidden.since)
    }

    /// Judging starts or stops. A period that is under way counts from the resume.
    pub(super) fn set_running(&mut self, running: bool, now: Millis) {
        if self.running == running {
            return;
        }
        self.running = running;
        if let Some(hidden) = &mut self.hidden {
            hidden.counts_from = running.then_some(now);
        }
    }

    pub(super) fn hide(&mut self, now: Millis) {
        if self.hidden.is_none() {
            self.hidden = Some(Hidden {
                since: now,
                counts_from: self.running.then_some(now),
                warned: false,
            });
        }
    }

    /// Ends the hidden period. Judge first: the period that ends may be over a threshold.
    pub(super) fn show(&mut self, now: Millis) {
        if let Some(hidden) = self.hidden.take() {
            self.background.push(period(hidden.since, Some(now), now));
        }
    }

    pub(super) fn blur(&mut self, now: Millis) {
        self.unfocused_since.get_or_insert(now);
    }

    pub(super) fn focus(&mut self, now: Millis) {
        if let Some(since) = self.unfocused_since.take() {
            self.unfocused.push(period(since, Some(now), now));
        }
    }

    pub(super) const fn has_focus(&self) -> bool {
        self.hidden.is_none() && self.unfocused_since.is_none()
    }

    pub(super) fn judge(&mut self, now: Millis) -> Option<VisibilityVerdict> {
        let hidden = self.hidden.as_mut()?;
        let counts_from = hidden.counts_from?;
        let elapsed = now - counts_from;
        let tab = self.config.as_ref();
        if let Some(exclude_after) = tab.and_then(|tab| tab.exclude_after)
            && elapsed >= exclude_after
        {
            return Some(VisibilityVerdict::Exclude(Finding::TabHidden {
                exclude_after_ms: exclude_after,
                hidden_from_ms: counts_from,
                hidden_ms: elapsed,
            }));
        }
        if self
            .focus_loss_timeout
            .is_some_and(|timeout| elapsed >= timeout)
        {
            return Some(VisibilityVerdict::FocusLossTimeout);
        }
        if !hidden.warned
            && tab
                .and_then(|tab| tab.warn_after)
                .is_some_and(|warn_after| elapsed >= warn_after)
        {
            hidden.warned = true;
            return Some(VisibilityVerdict::Warn);
        }
        None
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let hidden = self.hidden?;
        let counts_from = hidden.counts_from?;
        let tab = self.config.as_ref();
        let warn = tab
            .and_then(|tab| tab.warn_after)
            .filter(|_| !hidden.warned);
        let exclude = tab.and_then(|tab| tab.exclude_after);
        [warn, exclude, self.focus_loss_timeout]
            .into_iter()
            .flatten()
            .min()
            .map(|threshold| counts_from + threshold)
    }

    pub(super) fn telemetry(&self, now: Millis, was_timeout_triggered: bool) -> FocusLoss {
        let mut background = self.background.clone();
        background.extend(self.hidden.map(|hidden| period(hidden.since, None, now)));
        let mut unfocused = self.unfocused.clone();
        unfocused.extend(self.unfocused_since.map(|since| period(since, None, now)));
        FocusLoss {
            total_background_ms: total(&background),
            period_count: background.len(),
            background_periods: background,
            total_unfocused_ms: total(&unfocused),
            unfocused_periods: unfocused,
            timeout_ms: self.focus_loss_timeout,
            was_timeout_triggered,
        }
    }
}

/// What only the server needs, which watches thousands for hours.
#[cfg(feature = "json")]
impl VisibilityRule {
    /// Forgets the periods that are over.
    pub(super) fn forget_periods(&mut self) {
        self.background.clear();
        self.unfocused.clear();
    }
}

fn period(start: Millis, end: Option<Millis>, now: Millis) -> AwayPeriod {
    AwayPeriod {
        start,
        end,
        duration_ms: end.unwrap_or(now) - start,
    }
}

fn total(periods: &[AwayPeriod]) -> Millis {
    periods
        .iter()
        .fold(Millis::ZERO, |sum, period| sum + period.duration_ms)
}
