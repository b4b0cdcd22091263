//! When the page itself stood still, told apart from a slow network.
//!
//! Python, rendering or garbage collection may block the page's main thread while an answer waits
//! in its queue. A ticker beats outside of that thread; a beat that was posted long before it was
//! handled shows that the thread stood still in between.

use crate::queue::take_first;
use crate::time::Millis;

/// How often the ticker beats.
pub const BEAT: Millis = Millis::new(50.0);

/// A beat handled this much later than the promptest one was held up by the page.
const PROMPT: Millis = Millis::new(25.0);

/// The ticker's clock has another origin: it is set by the promptest of so many beats (5 s).
const CALIBRATION_BEATS: usize = 100;

/// The first beats are set aside for so long: a page that is busy from the start would take its own
/// lateness for the ticker's clock.
const FIRST_LOOK: Millis = Millis::new(1_000.0);

/// More stalls than can lie within one ping's flight.
const KEPT_STALLS: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stall {
    from: Millis,
    to: Millis,
}

/// Collects the stalls that the beats show.
#[derive(Clone, Debug, Default)]
pub(super) struct StallLog {
    lags: Vec<f64>,
    /// Beats of the first look, as (handled, posted).
    set_aside: Option<Vec<(Millis, Millis)>>,
    first_beat_handled: Option<Millis>,
    last_beat_handled: Option<Millis>,
    last_beat_posted: Option<Millis>,
    stalls: Vec<Stall>,
    total: Millis,
}

impl StallLog {
    /// A beat that the ticker posted at `posted`, by its own clock, is handled now.
    pub(super) fn beat(&mut self, now: Millis, posted: Millis) {
        let first = *self.first_beat_handled.get_or_insert(now);
        if self.lags.len() == CALIBRATION_BEATS {
            take_first(&mut self.lags);
        }
        self.lags.push(now.as_f64() - posted.as_f64());
        if self.last_beat_handled.is_none() {
            let set_aside = self.set_aside.get_or_insert_default();
            set_aside.push((now, posted));
            if now - first >= FIRST_LOOK {
                for (handled, posted) in std::mem::take(set_aside) {
                    self.place(handled, posted);
                }
                self.set_aside = None;
            }
            return;
        }
        self.place(now, posted);
    }

    /// Puts a beat on the page's own clock.
    fn place(&mut self, now: Millis, posted: Millis) {
        let promptest = self.lags.iter().copied().fold(f64::INFINITY, f64::min);
        let late = Millis::new(now.as_f64() - posted.as_f64() - promptest);
        self.placed(now, now - late);
    }

    /// A beat that was posted at `posted_here`, by the clock that it is handled by.
    fn placed(&mut self, now: Millis, posted_here: Millis) {
        if now - posted_here > PROMPT {
            // The page was last seen alive when it handled the beat before; that one may be long
            // ago if the ticker itself was held up, which is no fault of the page.
            let alive = self.last_beat_handled.unwrap_or_default();
            self.note(Stall {
                from: alive.max(posted_here - BEAT),
                to: now,
            });
        }
        self.last_beat_handled = Some(now);
        self.last_beat_posted = Some(posted_here);
    }

    fn note(&mut self, stall: Stall) {
        if let Some(last) = self.stalls.last_mut()
            && stall.from <= last.to + BEAT
        {
            // Between two stalls the page hardly breathed: an answer may have waited through both.
            self.total = self.total + (stall.to - last.to);
            last.to = stall.to;
            return;
        }
        if self.stalls.len() == KEPT_STALLS {
            take_first(&mut self.stalls);
        }
        self.total = self.total + (stall.to - stall.from);
        self.stalls.push(stall);
    }

    /// Whether the beats show all that happened up to a moment.
    #[must_use]
    pub(super) fn knows_up_to(&self, moment: Millis) -> bool {
        self.last_beat_posted.is_some_and(|posted| posted >= moment)
    }

    /// How long an answer that was handled at `to` may have waited in the page's queue.
    ///
    /// Only the stall that ended with the handling counts: had the answer come before it, it would
    /// have been handled before it.
    #[must_use]
    pub(super) fn waited(&self, from: Millis, to: Millis) -> Millis {
        self.stalls
            .iter()
            .rev()
            .find(|stall| stall.from < to && to <= stall.to + BEAT)
            .map_or(Millis::ZERO, |stall| to - stall.from.max(from))
    }

    /// How long the page stood still between two moments, all in all.
    #[must_use]
    pub(super) fn between(&self, from: Millis, to: Millis) -> Millis {
        self.stalls.iter().fold(Millis::ZERO, |sum, stall| {
            sum + (stall.to.min(to) - stall.from.max(from))
        })
    }

    /// How long what is handled now may have waited for the page, as far as the page can tell.
    ///
    /// The beats of a block may be handled after it, so a block shows first by beats that are missing.
    #[must_use]
    pub(super) fn held_up(&self, now: Millis) -> Millis {
        let missing = self
            .last_beat_handled
            .map_or(Millis::ZERO, |handled| now - handled);
        if missing > BEAT + PROMPT {
            return missing;
        }
        self.waited(Millis::ZERO, now)
    }

    /// How long the page stood still since the session began.
    #[must_use]
    pub(super) const fn total(&self) -> Millis {
        self.total
    }
}

/// What only the server needs, where ticker and page share one clock and pages tell of stalls.
#[cfg(feature = "json")]
impl StallLog {
    /// A beat that was due at `posted` is handled now, both by the same clock.
    pub(super) fn beat_by_one_clock(&mut self, now: Millis, posted: Millis) {
        self.placed(now, posted);
    }

    /// Takes over a stall that was told of. It ends after all that are known.
    pub(super) fn add(&mut self, from: Millis, to: Millis) {
        let mut added = Stall { from, to };
        while let Some(last) = self.stalls.last()
            && last.to + BEAT >= added.from
        {
            added.from = added.from.min(last.from);
            added.to = added.to.max(last.to);
            self.stalls.pop();
        }
        if self.stalls.len() == KEPT_STALLS {
            take_first(&mut self.stalls);
        }
        self.stalls.push(added);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn ms(value: f64) -> Millis {
        Millis::new(value)
    }

    /// Beats every 50 ms on a clock that is 1,000,000 ms ahead; those posted within a block are
    /// handled at its end, in order.
    fn beats(log: &mut StallLog, until: f64, blocks: &[(f64, f64)]) {
        let mut at = 0.0;
        while at <= until {
            let handled = blocks
                .iter()
                .find(|(from, to)| (*from..*to).contains(&at))
                .map_or(at, |(_, to)| *to);
            log.beat(ms(handled), ms(at + 1_000_000.0));
            at += 50.0;
        }
    }

    #[test]
    fn prompt_beats_show_no_stall_whatever_the_tickers_clock_says() {
        let mut log = StallLog::default();
        beats(&mut log, 2_000.0, &[]);
        assert_eq!(log.total(), Millis::ZERO);
        assert!(log.knows_up_to(ms(2_000.0)));
        assert!(!log.knows_up_to(ms(2_001.0)));
    }

    #[test]
    fn an_answer_that_waited_through_a_block_is_relieved_of_it() {
        let mut log = StallLog::default();
        beats(&mut log, 2_000.0, &[(510.0, 1_310.0)]);
        // Sent at 500, answered within the block, handled when it ended.
        let waited = log.waited(ms(500.0), ms(1_310.0));
        assert!(waited >= ms(800.0) && waited <= ms(810.0), "{waited:?}");
        assert_eq!(log.between(ms(1_400.0), ms(2_000.0)), Millis::ZERO);
    }

    #[test]
    fn a_block_before_the_answer_came_is_not_taken_off() {
        let mut log = StallLog::default();
        beats(&mut log, 3_000.0, &[(510.0, 1_310.0)]);
        // A slow line: the answer came long after the page was free again.
        assert_eq!(log.waited(ms(500.0), ms(2_500.0)), Millis::ZERO);
        assert!(log.between(ms(500.0), ms(2_500.0)) >= ms(800.0));
    }

    #[test]
    fn what_is_handled_after_a_block_was_held_up_whether_or_not_the_beats_came_first() {
        let mut log = StallLog::default();
        beats(&mut log, 3_000.0, &[]);
        // The block lasts until 9,000: no beat of it has been handled yet.
        assert_eq!(log.held_up(ms(9_000.0)), ms(6_000.0));
        log.beat(ms(9_000.0), ms(1_003_050.0));
        assert!(log.held_up(ms(9_000.0)) >= ms(5_950.0));
        log.beat(ms(9_050.0), ms(1_009_050.0));
        log.beat(ms(9_100.0), ms(1_009_100.0));
        assert_eq!(log.held_up(ms(9_110.0)), Millis::ZERO, "long over");
    }

    #[cfg(feature = "json")]
    #[test]
    fn a_stall_that_was_told_of_joins_those_that_were_seen() {
        let mut log = StallLog::default();
        log.add(ms(1_000.0), ms(1_500.0));
        log.add(ms(3_000.0), ms(4_000.0));
        log.add(ms(3_500.0), ms(5_000.0));
        log.add(ms(2_500.0), ms(5_000.0));
        assert_eq!(log.between(ms(0.0), ms(9_000.0)), ms(3_000.0));
        assert_eq!(log.waited(ms(2_600.0), ms(5_000.0)), ms(2_400.0));
    }

    #[test]
    fn a_ticker_whose_clock_jumped_is_trusted_again_within_seconds() {
        let mut log = StallLog::default();
        beats(&mut log, 1_000.0, &[]);
        for beat in 0..200 {
            let at = 1_050.0 + f64::from(beat) * 50.0;
            log.beat(ms(at), ms(at + 500_000.0));
        }
        assert_eq!(log.waited(ms(10_000.0), ms(11_000.0)), Millis::ZERO);
    }
}
