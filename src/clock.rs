//! The browser's two clocks as one line of time.

use stillhere_core::time::{Millis, Timeline};

use crate::js::{monotonic_now, wall_now};
use crate::shared::Shared;

/// Counts from the creation of the session.
pub(crate) struct Clock {
    line: Shared<Timeline>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            line: Shared::new(Timeline::new(monotonic_now(), wall_now())),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.line
            .with(|line| line.read(monotonic_now(), wall_now()))
    }

    /// The wall clock when this one was zero.
    pub(crate) fn epoch(&self) -> Millis {
        self.line.with(|line| line.wall_at(Millis::ZERO))
    }
}
