//! The session's heartbeat.

use std::rc::Rc;

use js_sys::Function;
use stillhere_core::monitor::BEAT;
use stillhere_core::time::Millis;
use wasm_bindgen::prelude::*;

use crate::callback::{Listener, callback};
use crate::driver::Driver;
use crate::js::call;

#[wasm_bindgen(module = "/js/page.js")]
extern "C" {
    fn tick(worker: bool, url: Option<&str>, interval: f64, beat: &Function) -> Function;
}

/// Starts it, by the first clock that the browser lets us have.
pub(crate) fn start(driver: &Rc<Driver>, worker: bool, url: Option<&str>) {
    let beat = callback(&Rc::downgrade(driver), |driver, [posted, ..]| {
        if let Some(posted) = posted.as_f64() {
            driver.beat(Millis::new(posted));
        }
    });
    let end = tick(worker, url, BEAT.as_f64(), &beat);
    driver.keep(Listener::removed_by(move || {
        call(&end, &JsValue::UNDEFINED);
    }));
}
