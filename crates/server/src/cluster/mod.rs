//! Several servers on one database. The database decides everything; what is here makes it quick, and
//! looks after the games of servers that are gone.

mod address;
mod members;
mod news;
mod relay;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::state::State;

pub use address::RedisUrl;
pub(crate) use members::{NotAlone, enter, leave_to_others};
pub(crate) use news::tell;
pub(crate) use relay::Relay;

/// Rings when other servers may have left something to tell.
#[derive(Debug, Default)]
pub(crate) struct Bell(Notify);

impl Bell {
    fn ring(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn rung(&self) {
        self.0.notified().await;
    }
}

/// Gives signs of life and listens from now on, if the store is shared.
pub(crate) fn start(state: &Arc<State>) {
    if state.store.shared().is_none() {
        return;
    }
    tokio::spawn(members::watch(Arc::clone(state)));
    tokio::spawn(news::listen(Arc::clone(state)));
    relay::start(state);
}
