//! The browser's two clocks as one line of time.

use js_sys::Date;
use stillhere_core::time::{Millis, Timeline};
use wasm_bindgen::prelude::*;

use crate::shared::Shared;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn monotonic_now() -> f64;
}

/// Counts from the creation of the session.
pub(crate) struct Clock {
    line: Shared<Timeline>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            line: Shared::new(Timeline::new(monotonic_now(), Date::now())),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.line
            .with(|line| line.read(monotonic_now(), Date::now()))
    }

    /// The wall clock when this one was zero.
    pub(crate) fn epoch(&self) -> Millis {
        self.line.with(|line| line.wall_at(Millis::ZERO))
    }
}
