//! The silence rule, judged by the server only: a page that is not heard does not judge itself.

use crate::exclusion::{Finding, Silent};
use crate::time::Millis;

/// Watches for one kind of sign of life.
#[derive(Clone, Debug)]
pub(crate) struct SilenceRule {
    silent: Silent,
    exclude_after: Option<Millis>,
    last_heard: Option<Millis>,
    /// Since when something is waited for; `None` while nothing is.
    waiting_since: Option<Millis>,
    /// Silence counts from here at the earliest; `None` while the game does not run.
    counts_from: Option<Millis>,
}

impl SilenceRule {
    /// `exclude_after` is `None` to judge nothing.
    pub(crate) const fn new(silent: Silent, exclude_after: Option<Millis>) -> Self {
        Self {
            silent,
            exclude_after,
            last_heard: None,
            waiting_since: None,
            counts_from: None,
        }
    }

    /// The game runs or waits. Silence while it waits does not count.
    pub(crate) fn set_running(&mut self, running: bool, now: Millis) {
        if self.counts_from.is_some() != running {
            self.counts_from = running.then_some(now);
        }
    }

    /// A sign of life is expected from now on, if none was before.
    pub(crate) fn expect(&mut self, now: Millis) {
        self.waiting_since.get_or_insert(now);
    }

    /// A sign of life. What is expected next, [`SilenceRule::expect`] says.
    pub(crate) fn heard(&mut self, at: Millis) {
        self.last_heard = Some(self.last_heard.unwrap_or_default().max(at));
        self.waiting_since = None;
    }

    /// Whether the silence is too long by now; `delays` is how long the server itself stood still
    /// between two moments.
    pub(crate) fn judge(
        &self,
        now: Millis,
        delays: impl Fn(Millis, Millis) -> Millis,
    ) -> Option<Finding> {
        let exclude_after = self.exclude_after?;
        let since = self.waiting_since?.max(self.counts_from?);
        let silence = (now - since) - delays(since, now);
        (silence >= exclude_after).then_some(Finding::Unresponsive {
            silent: self.silent,
            exclude_after_ms: exclude_after,
            last_heard_ms: self.last_heard,
            silence_ms: silence,
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn ms(value: u64) -> Millis {
        Millis::from(value)
    }

    fn running() -> SilenceRule {
        let mut rule = SilenceRule::new(Silent::Page, Some(ms(15_000)));
        rule.set_running(true, ms(1_000));
        rule.expect(ms(1_000));
        rule
    }

    fn prompt(_: Millis, _: Millis) -> Millis {
        Millis::ZERO
    }

    #[test]
    fn silence_is_found_at_its_threshold_and_tells_what_was_heard_last() {
        let mut rule = running();
        rule.heard(ms(2_000));
        rule.expect(ms(2_000));
        assert_eq!(rule.judge(ms(16_999), prompt), None);
        assert_eq!(
            rule.judge(ms(17_000), prompt),
            Some(Finding::Unresponsive {
                silent: Silent::Page,
                exclude_after_ms: ms(15_000),
                last_heard_ms: Some(ms(2_000)),
                silence_ms: ms(15_000),
            })
        );
    }

    #[test]
    fn silence_while_the_game_waits_does_not_count() {
        let mut rule = running();
        rule.set_running(false, ms(5_000));
        assert_eq!(rule.judge(ms(90_000), prompt), None);
        rule.set_running(true, ms(90_000));
        rule.set_running(true, ms(104_000));
        assert_eq!(rule.judge(ms(104_999), prompt), None);
        assert!(rule.judge(ms(105_000), prompt).is_some());
    }

    #[test]
    fn where_nothing_is_expected_nothing_is_missed() {
        let mut rule = running();
        rule.heard(ms(2_000));
        assert_eq!(rule.judge(ms(90_000), prompt), None);
    }

    #[test]
    fn the_servers_own_delays_are_taken_off() {
        let rule = running();
        assert_eq!(rule.judge(ms(20_000), |_, _| ms(5_000)), None);
        assert!(rule.judge(ms(21_000), |_, _| ms(5_000)).is_some());
    }

    #[test]
    fn null_switches_the_rule_off() {
        let mut rule = SilenceRule::new(Silent::Page, None);
        rule.set_running(true, ms(0));
        rule.expect(ms(0));
        assert_eq!(rule.judge(ms(1_000_000), prompt), None);
    }
}
