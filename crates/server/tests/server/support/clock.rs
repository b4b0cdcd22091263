use futures_util::future::BoxFuture;
use stillhere_core::time::Millis;
use stillhere_server::clock::Clock;
use tokio::sync::watch;

/// Stands still until it is moved.
pub struct ManualClock(watch::Sender<Millis>);

impl ManualClock {
    pub fn new() -> Self {
        Self(watch::Sender::new(Millis::from(1_700_000_000_000_u64)))
    }

    pub fn advance(&self, ms: u64) {
        self.0.send_modify(|now| *now = *now + Millis::from(ms));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        *self.0.borrow()
    }

    fn sleep_until(&self, moment: Millis) -> BoxFuture<'static, ()> {
        let mut time = self.0.subscribe();
        Box::pin(async move {
            let _ = time.wait_for(|now| *now >= moment).await;
        })
    }
}
