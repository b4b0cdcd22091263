//! What only the server's [`Watch`](crate::watch::Watch) does with a monitor: it learns of things
//! after they happened, doubts what it is told, and stands still itself now and then.

use crate::time::Millis;

use super::Monitor;

impl Monitor {
    /// The participant's connection is there.
    pub(crate) fn connect(&mut self, now: Millis) {
        self.ping.set_connected(true, now);
    }

    /// The connection was replaced by another one. What was asked over the older one is lost.
    pub(crate) fn reconnect(&mut self, now: Millis) {
        self.ping.set_connected(false, now);
        self.ping.set_connected(true, now);
    }

    /// A beat of the server's own ticker.
    pub(crate) fn beat_by_one_clock(&mut self, now: Millis, posted: Millis) {
        self.stalls.beat_by_one_clock(now, posted);
    }

    /// Time passed: judge, and ask the next question. The page has been judged since `judged_since`.
    pub(crate) fn tick(&mut self, now: Millis, judged_since: Millis) {
        let verdict = self.ping.judge(&self.stalls, now);
        self.ping_verdict(verdict, now);
        // A hidden tab is judged by the time in which the server was awake, all of it: a report that
        // the tab is visible again may wait in the server's own queue, and a machine that was paused,
        // or whose clock was set, sees a time pass in which nobody could report anything.
        let hidden_since = (now - self.visibility.hidden_for(now)).max(judged_since);
        self.judge(now - self.stalls.between(hidden_since, now));
        self.send_due(now);
    }

    /// Whether the page is judged from now on. Whatever was too long was found by a tick.
    pub(crate) fn run(&mut self, running: bool, now: Millis) {
        if self.running != running {
            self.switch(running, now);
        }
    }

    /// The tab has been hidden since a moment that may lie in the past.
    pub(crate) fn hidden_since(&mut self, since: Millis) {
        self.visibility.hide(since);
        self.update_attention();
    }

    /// The tab is visible, nobody knows since when. Whatever was too long was found by a tick.
    pub(crate) fn visible(&mut self, now: Millis) {
        self.visibility.show(now);
        self.update_attention();
    }

    /// Whether samples are judged at all, and whether a hidden tab excuses.
    pub(crate) fn judge_samples(&mut self, samples_count: bool, hiding_excuses: bool) {
        self.samples_count = samples_count;
        self.hiding_excuses = hiding_excuses;
        self.update_attention();
    }

    /// When a ping was sent that has not been answered.
    pub(crate) fn asked_at(&self, seq: u64) -> Option<Millis> {
        self.ping.asked_at(seq)
    }

    /// A ping was answered. It is judged by a tick.
    pub(crate) fn answered(&mut self, seq: u64, now: Millis) {
        self.ping.answer(seq, now);
    }

    /// The page says that it stood still, and is believed.
    pub(crate) fn believe_stall(&mut self, from: Millis, to: Millis) {
        self.stalls.add(from, to);
    }

    /// How long server or page stood still between two moments.
    pub(crate) fn stalled_between(&self, from: Millis, to: Millis) -> Millis {
        self.stalls.between(from, to)
    }

    /// Forgets the telemetry that no rule looks at any more.
    pub(crate) fn keep_samples(&mut self, kept: usize) {
        self.ping.keep_samples(kept);
        self.visibility.forget_periods();
    }
}
