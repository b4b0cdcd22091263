//! Time, always given by the caller.

use std::ops::{Add, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment or a duration in milliseconds. Always finite and never negative.
///
/// In the browser a moment counts from the creation of the session on the monotonic clock; on the
/// server it counts from the Unix epoch, so that deadlines survive a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Millis(f64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0.0);

    /// Milliseconds from a clock. What no clock can say (NaN, infinite, negative) becomes zero.
    // Never inlined: it is everywhere, and the browser would download it as often.
    #[inline(never)]
    #[must_use]
    pub const fn new(ms: f64) -> Self {
        if ms.is_finite() && ms > 0.0 {
            Self(ms)
        } else {
            Self::ZERO
        }
    }

    /// The number of milliseconds.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        self.0
    }

    /// Whole milliseconds, rounded up: a timer set to it never fires early.
    #[must_use]
    pub fn ceil(self) -> u64 {
        self.0.ceil() as u64
    }

    /// The later of two moments.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The earlier of two moments.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

impl Eq for Millis {}

// Total because a `Millis` is never NaN.
#[expect(
    clippy::derive_ord_xor_partial_ord,
    reason = "never NaN, so the two agree"
)]
impl Ord for Millis {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl From<u64> for Millis {
    fn from(ms: u64) -> Self {
        Self::new(ms as f64)
    }
}

impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.0 + other.0)
    }
}

/// The time between two moments; zero if the second one is later.
impl Sub for Millis {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.0 - other.0)
    }
}

// A whole number stays one on the wire: MUG sends and expects integers.
impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0 < 9e15 {
            serializer.serialize_u64(self.0 as u64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::new)
    }
}

/// Joins a monotonic clock and the wall clock into one line of time that also counts sleep.
///
/// Monotonic clocks stand still while a device sleeps, on most systems. A participant whose laptop
/// slept for a minute was away for a minute, so a jump of the wall clock that the monotonic clock
/// did not see is added. Small differences are drift or clock adjustments and are left alone.
#[derive(Clone, Debug)]
pub struct Timeline {
    first: (f64, f64),
    last: (f64, f64),
    slept: f64,
}

/// A jump below this is drift or a small adjustment of the wall clock, not sleep.
const SLEEP_JUMP_MS: f64 = 2_000.0;

impl Timeline {
    /// Starts the line: this moment is zero.
    #[must_use]
    pub const fn new(monotonic_ms: f64, wall_ms: f64) -> Self {
        Self {
            first: (monotonic_ms, wall_ms),
            last: (monotonic_ms, wall_ms),
            slept: 0.0,
        }
    }

    /// The moment on the line at this reading of both clocks.
    pub fn read(&mut self, monotonic_ms: f64, wall_ms: f64) -> Millis {
        let passed = monotonic_ms - self.last.0;
        let jump = (wall_ms - self.last.1) - passed;
        if jump > SLEEP_JUMP_MS {
            self.slept += jump;
        }
        self.last = (monotonic_ms, wall_ms);
        Millis::new(monotonic_ms - self.first.0 + self.slept)
    }

    /// The wall clock (milliseconds since the Unix epoch) at a moment of the line.
    #[must_use]
    pub fn wall_at(&self, moment: Millis) -> Millis {
        Millis::new(self.first.1) + moment
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_device_that_slept_is_judged_by_the_time_that_passed() {
        let mut line = Timeline::new(100.0, 1_000_000.0);
        assert_eq!(line.read(200.0, 1_000_100.0), Millis::new(100.0));
        assert_eq!(line.read(300.0, 1_060_200.0), Millis::new(60_200.0));
        assert_eq!(line.read(400.0, 1_060_300.0), Millis::new(60_300.0));
    }

    #[test]
    fn a_wall_clock_set_back_changes_nothing() {
        let mut line = Timeline::new(0.0, 1_000_000.0);
        assert_eq!(line.read(1_000.0, 400_000.0), Millis::new(1_000.0));
        assert_eq!(line.read(2_000.0, 401_000.0), Millis::new(2_000.0));
    }

    #[test]
    fn whole_milliseconds_stay_whole() {
        let mut line = Timeline::new(0.0, 0.0);
        assert_eq!(line.read(f64::NAN, 0.0), Millis::ZERO);
        assert_eq!(Millis::new(-1.0), Millis::ZERO);
        assert_eq!(Millis::new(5.0) - Millis::new(7.0), Millis::ZERO);
        assert_eq!(Millis::new(1.2).ceil(), 2);
    }
}
