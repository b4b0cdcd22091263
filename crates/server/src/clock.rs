//! What time it is. The only place that asks the system.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use stillhere_core::time::{Millis, Timeline};

/// A clock that counts milliseconds since the Unix epoch. Tests bring one that they move themselves.
pub trait Clock: Send + Sync + 'static {
    /// This moment.
    fn now(&self) -> Millis;

    /// Waits until a moment has come.
    fn sleep_until(&self, moment: Millis) -> BoxFuture<'static, ()>;
}

/// The system's clock: the wall clock at the start of the process, and the time since then. Round trips
/// are measured by it, so it never runs backwards, whoever sets the wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// A machine may sleep meanwhile, so nobody waits for long without looking.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// Whether the machine slept is looked at no more often than this.
const LOOK_EVERY_MS: u64 = 50;

/// Both clocks, joined: the time that a machine slept has passed for its games too.
struct Line {
    start: Instant,
    timeline: Mutex<Timeline>,
    /// What is added to the time since the start, as the bits of a number; it only ever grows. All games ask
    /// for the time with every message, so they do not queue for it.
    offset: AtomicU64,
    /// When the wall clock was last looked at, in milliseconds since the start.
    looked: AtomicU64,
}

static LINE: LazyLock<Line> = LazyLock::new(|| {
    let wall = wall_ms();
    Line {
        start: Instant::now(),
        timeline: Mutex::new(Timeline::new(0.0, wall)),
        offset: AtomicU64::new(wall.to_bits()),
        looked: AtomicU64::new(0),
    }
});

impl Line {
    fn now(&self) -> f64 {
        let passed = self.start.elapsed().as_secs_f64() * 1_000.0;
        let looked = self.looked.load(Ordering::Relaxed);
        if passed as u64 >= looked + LOOK_EVERY_MS {
            self.look(passed);
        }
        passed + f64::from_bits(self.offset.load(Ordering::Acquire))
    }

    fn look(&self, passed: f64) {
        let mut timeline = self.timeline.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have looked meanwhile, and later.
        if self.looked.fetch_max(passed as u64, Ordering::Relaxed) >= passed as u64 {
            return;
        }
        let moment = timeline.read(passed, wall_ms());
        let offset = timeline.wall_at(moment).as_f64() - passed;
        // Of positive numbers the greater one has the greater bits.
        self.offset.fetch_max(offset.to_bits(), Ordering::Release);
    }
}

fn wall_ms() -> f64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_secs_f64() * 1_000.0
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        // Whole milliseconds, as they are stored.
        Millis::new(LINE.now().floor())
    }

    fn sleep_until(&self, moment: Millis) -> BoxFuture<'static, ()> {
        let clock = *self;
        Box::pin(async move {
            loop {
                let left = Duration::from_millis((moment - clock.now()).ceil());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clock_tells_the_time_and_never_runs_backwards() {
        let mut last = SystemClock.now();
        assert!((last.as_f64() - wall_ms()).abs() < 60_000.0);
        for _ in 0..10_000 {
            let now = SystemClock.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[tokio::test]
    async fn a_moment_that_is_waited_for_has_come() {
        let moment = SystemClock.now() + Millis::new(20.0);
        SystemClock.sleep_until(moment).await;
        assert!(SystemClock.now() >= moment);
    }
}
