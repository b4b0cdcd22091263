//! What must arrive: sent until acked, with growing pauses.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// The first pause; each next one is twice as long.
const FIRST_PAUSE_MS: f64 = 1_000.0;
/// No pause is longer.
const LONGEST_PAUSE_MS: f64 = 10_000.0;

/// One thing that is sent until it is acked. What it is stays with the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    attempts: u32,
    /// When to send next; `None` while there is nobody to send to.
    due: Option<Millis>,
}

impl Owed {
    /// Owes something from now on.
    #[must_use]
    pub const fn new(now: Millis) -> Self {
        Self {
            attempts: 0,
            due: Some(now),
        }
    }

    /// When it is to be sent next; `None` while there is nobody to send to.
    #[must_use]
    pub const fn due(&self) -> Option<Millis> {
        self.due
    }

    /// How often it was sent.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether it is to be sent now; if so the next attempt is planned.
    pub fn take_turn(&mut self, now: Millis) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        let doublings = self.attempts.min(10);
        let pause = (FIRST_PAUSE_MS * f64::from(1u32 << doublings)).min(LONGEST_PAUSE_MS);
        self.attempts += 1;
        self.due = Some(now + Millis::new(pause));
        true
    }

    /// The other end can be reached again: the next attempt is due at once.
    pub fn hurry(&mut self, now: Millis) {
        self.due = Some(now);
    }

    /// The other end cannot be reached: no attempt until [`Owed::hurry`].
    pub fn hold(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_a_reconnect_ends_them() {
        let mut owed = Owed::new(Millis::ZERO);
        let mut sent_at = Vec::new();
        for ms in 0..40_000_u64 {
            if owed.take_turn(Millis::from(ms)) {
                sent_at.push(ms);
            }
        }
        assert_eq!(sent_at, [0, 1_000, 3_000, 7_000, 15_000, 25_000, 35_000]);
        owed.hold();
        assert!(!owed.take_turn(Millis::from(90_000)));
        owed.hurry(Millis::from(90_001));
        assert!(owed.take_turn(Millis::from(90_001)));
    }
}
