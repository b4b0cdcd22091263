//! What time it is. The only place that asks the system.

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

/// Both clocks, joined: the time that a machine slept has passed for its games too.
static LINE: LazyLock<Mutex<(Instant, Timeline)>> =
    LazyLock::new(|| Mutex::new((Instant::now(), Timeline::new(0.0, wall_ms()))));

fn wall_ms() -> f64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default().as_secs_f64() * 1_000.0
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, timeline) = &mut *line;
        let moment = timeline.read(start.elapsed().as_secs_f64() * 1_000.0, wall_ms());
        // Whole milliseconds, as they are stored.
        Millis::new(timeline.wall_at(moment).as_f64().floor())
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
