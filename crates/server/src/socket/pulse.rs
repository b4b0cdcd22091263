//! How late the server itself is: a ticker whose beats show when nothing was handled in time.
//!
//! One for all watches. What the server took for itself is never held against a participant.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stillhere_core::monitor::BEAT;
use stillhere_core::time::Millis;

use crate::state::State;

/// 10 s of beats. A watch has its turn every half a second, unless its socket's task waits for the
/// storage; beats that are older by then are forgotten, and with them the delays that they showed.
const KEPT_BEATS: usize = 200;

/// One beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Beat {
    pub(super) due: Millis,
    pub(super) handled: Millis,
}

#[derive(Debug, Default)]
struct Beats {
    latest: VecDeque<Beat>,
    count: u64,
}

/// The latest beats.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<Beats>);

impl Pulse {
    fn lock(&self) -> MutexGuard<'_, Beats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, beat: Beat) {
        let mut beats = self.lock();
        if beats.latest.len() == KEPT_BEATS {
            beats.latest.pop_front();
        }
        beats.latest.push_back(beat);
        beats.count += 1;
    }

    /// How many beats there have been.
    pub(super) fn count(&self) -> u64 {
        self.lock().count
    }

    /// Whether a beat is overdue: it will show that the server stood still, so nothing should be
    /// judged before it.
    pub(super) fn is_behind(&self, now: Millis) -> bool {
        let latest = self.lock().latest.back().copied();
        latest.is_some_and(|beat| now - beat.handled > BEAT + BEAT)
    }

    /// The beats after so many, as far as they are kept, and how many there have been by now.
    pub(super) fn since(&self, seen: u64) -> (Vec<Beat>, u64) {
        let beats = self.lock();
        let new = usize::try_from(beats.count - seen).unwrap_or(usize::MAX);
        let known = beats.latest.len().saturating_sub(new);
        (
            beats.latest.iter().skip(known).copied().collect(),
            beats.count,
        )
    }
}

/// Beats from now on.
pub(super) fn start(state: &Arc<State>) {
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let clock = &state.clock;
        loop {
            let due = clock.now() + BEAT;
            clock.sleep_until(due).await;
            let handled = clock.now();
            state.pulse.note(Beat { due, handled });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_gets_each_beat_once_as_far_as_it_is_kept() {
        let pulse = Pulse::default();
        let beat = |at: u64| Beat {
            due: Millis::from(at),
            handled: Millis::from(at + 1),
        };
        assert_eq!(pulse.since(0), (vec![], 0));
        pulse.note(beat(50));
        pulse.note(beat(100));
        assert_eq!(pulse.since(0), (vec![beat(50), beat(100)], 2));
        assert_eq!(pulse.since(1), (vec![beat(100)], 2));
        assert!(!pulse.is_behind(Millis::from(200)));
        assert!(pulse.is_behind(Millis::from(210)));
        for at in 0..1_000 {
            pulse.note(beat(at));
        }
        let (beats, count) = pulse.since(2);
        assert_eq!((beats.len(), count), (KEPT_BEATS, 1_002));
        assert_eq!(beats.last(), Some(&beat(999)));
        assert_eq!(pulse.since(count).0, []);
    }
}
