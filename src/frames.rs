//! The frames that the game reaches, on their way to core.

use wasm_bindgen::prelude::*;

use crate::js::{pave, reached, record, set};

/// Whole numbers above this are not exact in JavaScript.
const MAX_FRAME: f64 = 9_007_199_254_740_991.0;

/// The latest frame, kept in JavaScript until it is asked for.
pub(crate) struct Frames {
    lane: JsValue,
}

impl Frames {
    /// Nothing passes until it is opened.
    pub(crate) fn new() -> Self {
        Self { lane: record() }
    }

    /// Gives a session its quick way.
    pub(crate) fn open(&self, session: &JsValue) {
        pave(session, &self.lane);
    }

    /// Whatever comes now is looked at by the session first.
    pub(crate) fn close(&self) {
        set(&self.lane, "open", &JsValue::FALSE);
    }

    /// A frame that did not pass by itself; whether it is one.
    pub(crate) fn reach(&self, frame: f64) -> bool {
        // A number that is no whole one, or below zero, becomes another one by this.
        let is_frame = frame as u64 as f64 == frame && frame <= MAX_FRAME;
        if is_frame {
            set(&self.lane, "frame", &frame.into());
        }
        is_frame
    }

    /// The frame that was reached since this was last asked, if any was.
    pub(crate) fn take(&self) -> Option<u64> {
        let frame = reached(&self.lane);
        (frame >= 0.0).then_some(frame as u64)
    }
}
