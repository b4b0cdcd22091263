//! Functions that the browser, the socket and the page call.

use std::rc::{Rc, Weak};

use wasm_bindgen::prelude::*;

use crate::driver::Driver;
use crate::js::call;

/// A JavaScript function that reaches the session for as long as that lives.
///
/// It belongs to JavaScript's garbage collector and knows the session weakly: an emitter or a socket that still calls it
/// after `dispose()` (because it was in the middle of its listeners, or an ack came late) calls into nothing.
pub(crate) fn callback(
    driver: &Weak<Driver>,
    run: impl Fn(&Rc<Driver>, JsValue, JsValue, JsValue) + 'static,
) -> JsValue {
    let driver = driver.clone();
    let closure = Closure::<dyn Fn(JsValue, JsValue, JsValue)>::new(move |first, second, third| {
        if let Some(driver) = driver.upgrade().filter(|driver| !driver.is_disposed()) {
            run(&driver, first, second, third);
        }
    });
    closure.into_js_value()
}

/// Something that goes on in the browser until this is dropped.
pub(crate) struct Listener(JsValue);

impl Listener {
    /// What this function ends.
    pub(crate) const fn ended_by(end: JsValue) -> Self {
        Self(end)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        call(&self.0, &JsValue::UNDEFINED);
    }
}
