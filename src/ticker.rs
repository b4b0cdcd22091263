//! The session's heartbeat.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::callback::Interval;
use stillhere_core::monitor::BEAT;
use stillhere_core::source::text;
use stillhere_core::time::Millis;
use wasm_bindgen::prelude::*;
use web_sys::Worker;

use crate::callback::{Listener, Phase, callback};
use crate::driver::Driver;
use crate::js::get;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = import, js_name = meta)]
    static IMPORT_META: JsValue;
}

/// The worker's script, seen from the folder of the generated module.
const SCRIPT: &str = "../js/ticker.js";

/// What beats. Dropped, it stops.
pub(crate) enum Ticker {
    Worker {
        worker: Worker,
        _listeners: [Listener; 2],
    },
    Interval {
        _interval: Interval,
    },
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Self::Worker { worker, .. } = self {
            worker.terminate();
        }
    }
}

/// Starts the first ticker that the browser lets us have: the packaged script, which a strict Content-Security-Policy
/// allows; the same script inline, for bundlers that leave the file behind; a timer of the page itself.
pub(crate) fn start(driver: &Rc<Driver>, worker: bool, url: Option<String>) {
    let scripts = if worker {
        let packaged = url.or_else(packaged_script);
        let inline = String::from(js_sys::encode_uri_component(include_str!(
            "../js/ticker.js"
        )));
        [packaged, Some(text(&["data:text/javascript,", &inline]))]
            .into_iter()
            .flatten()
            .collect()
    } else {
        Vec::new()
    };
    start_next(driver, scripts);
}

fn packaged_script() -> Option<String> {
    // Classic bundles have no address of their own.
    let module = IMPORT_META.with(|meta| get(meta, "url")).as_string()?;
    // By bytes: `str`'s own search is made for far longer texts, and as much larger.
    let query = module.bytes().position(|byte| byte == b'?');
    let path = &module.as_bytes()[..query.unwrap_or(module.len())];
    let folder = path.iter().rposition(|byte| *byte == b'/')? + 1;
    Some(module.get(..folder)?.to_owned() + SCRIPT)
}

fn start_next(driver: &Rc<Driver>, mut scripts: Vec<String>) {
    while !scripts.is_empty() {
        let script = scripts.remove(0);
        if let Ok(ticker) = start_worker(driver, &script, scripts.clone()) {
            driver.set_ticker(ticker);
            return;
        }
    }
    driver.set_ticker(start_interval(driver));
}

fn start_worker(driver: &Rc<Driver>, script: &str, others: Vec<String>) -> Result<Ticker, JsValue> {
    let worker = Worker::new(script)?;
    let weak = Rc::downgrade(driver);
    let beat = callback(&weak, |driver, event, _, _| {
        if let Some(posted) = get(&event, "data").as_f64() {
            driver.beat(Millis::new(posted));
        }
    });
    // Browsers tell by an event, not by an exception, that a policy forbids the script or that there is none.
    let refused = callback(&weak, move |driver, _, _, _| {
        start_next(driver, others.clone());
    });
    let ticker = Ticker::Worker {
        _listeners: [
            Listener::on(&worker, "message", beat, Phase::Target)?,
            Listener::on(&worker, "error", refused, Phase::Target)?,
        ],
        worker: worker.clone(),
    };
    worker.post_message(&BEAT.as_f64().into())?;
    Ok(ticker)
}

fn start_interval(driver: &Rc<Driver>) -> Ticker {
    let weak = Rc::downgrade(driver);
    let last = Cell::new(driver.now());
    let interval = Interval::new(u32::try_from(BEAT.ceil()).unwrap_or(u32::MAX), move || {
        if let Some(driver) = weak.upgrade() {
            // Due one interval after the last one was handled: what is above that, the page stood still.
            let posted = last.get() + BEAT;
            last.set(driver.now());
            driver.beat(posted);
        }
    });
    Ticker::Interval {
        _interval: interval,
    }
}
