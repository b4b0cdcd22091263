//! What time it is. The only place that asks the system.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use stillhere_core::time::Millis;

/// A clock that counts milliseconds since the Unix epoch. Tests bring one that they move themselves.
pub trait Clock: Send + Sync + 'static {
    /// This moment.
    fn now(&self) -> Millis;

    /// Waits until a moment has come.
    fn sleep_until(&self, moment: Millis) -> BoxFuture<'static, ()>;
}

/// The system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The wall clock may be set while somebody sleeps, so nobody sleeps for long without looking.
const LONGEST_NAP: Duration = Duration::from_secs(60);

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Millis::from(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
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
