//! Functions that the browser, the socket and the page call.

use std::rc::{Rc, Weak};

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

use crate::driver::Driver;

/// What a JavaScript function is called with; `undefined` where there is less.
pub(crate) type Arguments = [JsValue; 3];

/// A JavaScript function that reaches the session for as long as that lives.
///
/// It belongs to JavaScript's garbage collector and knows the session weakly: an emitter or a socket that still calls it
/// after `dispose()` (because it was in the middle of its listeners, or an ack came late) calls into nothing.
pub(crate) fn callback(
    driver: &Weak<Driver>,
    run: impl Fn(&Rc<Driver>, &Arguments) + 'static,
) -> Function {
    let driver = driver.clone();
    function(move |arguments| {
        if let Some(driver) = driver.upgrade().filter(|driver| !driver.is_disposed()) {
            run(&driver, arguments);
        }
    })
}

/// A JavaScript function that belongs to JavaScript's garbage collector.
pub(crate) fn function(run: impl Fn(&Arguments) + 'static) -> Function {
    boxed(Box::new(run))
}

// Not generic, and so compiled once: the browser downloads this.
fn boxed(run: Box<dyn Fn(&Arguments)>) -> Function {
    let closure = Closure::<dyn Fn(JsValue, JsValue, JsValue)>::new(move |first, second, third| {
        run(&[first, second, third]);
    });
    closure.into_js_value().unchecked_into()
}

/// When a listener is told.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    /// At the target itself, and on the way up from it.
    Target,
    /// Before the page's own listeners.
    Capture,
}

/// A listener on anything that has such a pair of methods; dropping it removes it.
pub(crate) struct Listener {
    remove: Box<dyn Fn()>,
}

impl Listener {
    /// A listener on an `EventTarget`.
    pub(crate) fn on(
        target: &EventTarget,
        name: &'static str,
        function: Function,
        phase: Phase,
    ) -> Result<Self, JsValue> {
        let capture = matches!(phase, Phase::Capture);
        target.add_event_listener_with_callback_and_bool(name, &function, capture)?;
        let target = target.clone();
        Ok(Self::removed_by(move || {
            // Nobody is left who could do something about a failure.
            let _ = target.remove_event_listener_with_callback_and_bool(name, &function, capture);
        }))
    }

    /// A listener that has been added and is removed this way.
    pub(crate) fn removed_by(remove: impl Fn() + 'static) -> Self {
        Self {
            remove: Box::new(remove),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        (self.remove)();
    }
}
