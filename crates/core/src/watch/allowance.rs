//! How much of what a page says of itself is believed: as much as an honest page needs.

use crate::time::Millis;

/// Time that is spent at once and comes back slowly (a token bucket).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Allowance {
    left: Millis,
    capacity: Millis,
    /// How much comes back in a millisecond.
    refill: f64,
}

impl Allowance {
    /// A full one.
    pub(super) const fn new(capacity: Millis, refill: f64) -> Self {
        Self {
            left: capacity,
            capacity,
            refill,
        }
    }

    /// Time passed in which it refills.
    pub(super) fn earn(&mut self, elapsed: Millis) {
        let earned = Millis::new(elapsed.as_f64() * self.refill);
        self.left = (self.left + earned).min(self.capacity);
    }

    /// Spends what is wanted, or what is left of it.
    pub(super) fn take(&mut self, wanted: Millis) -> Millis {
        let granted = wanted.min(self.left);
        self.left = self.left - granted;
        granted
    }

    pub(super) fn is_spent(&self) -> bool {
        self.left == Millis::ZERO
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

    #[test]
    fn what_is_wanted_is_granted_until_nothing_is_left() {
        let mut allowance = Allowance::new(ms(10_000), 0.5);
        assert_eq!(allowance.take(ms(7_000)), ms(7_000));
        assert_eq!(allowance.take(ms(7_000)), ms(3_000));
        assert!(allowance.is_spent());
        assert_eq!(allowance.take(ms(1)), ms(0));
    }

    #[test]
    fn it_refills_with_time_and_never_beyond_its_size() {
        let mut allowance = Allowance::new(ms(10_000), 0.5);
        allowance.take(ms(10_000));
        allowance.earn(ms(4_000));
        assert_eq!(allowance.take(ms(10_000)), ms(2_000));
        allowance.earn(ms(1_000_000));
        assert_eq!(allowance.take(ms(20_000)), ms(10_000));
    }
}
