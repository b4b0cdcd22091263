//! The page's own handlers.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Function;
use stillhere_core::participant::PageEvent;
use stillhere_core::source::{listed, text};
use wasm_bindgen::prelude::*;

use crate::callback::callback;
use crate::driver::Driver;
use crate::js::{call, failure, get};
use crate::shared::Shared;

struct Handler {
    id: u32,
    name: &'static str,
    function: Function,
}

/// Who listens to what.
#[derive(Default)]
pub(crate) struct PageEvents {
    handlers: Shared<Vec<Handler>>,
    next_id: Cell<u32>,
}

impl PageEvents {
    /// Adds a handler; the function that removes it again.
    pub(crate) fn add(
        &self,
        driver: &Rc<Driver>,
        event: &JsValue,
        handler: JsValue,
    ) -> Result<Function, JsValue> {
        let asked = event.as_string().unwrap_or_default();
        let Some(name) = PageEvent::NAMES.iter().find(|name| **name == asked) else {
            let allowed = listed(PageEvent::NAMES, ", ");
            return Err(failure(
                "invalid_argument",
                &text(&["there is no event \"", &asked, "\", allowed is ", &allowed]),
            ));
        };
        let Ok(function) = handler.dyn_into() else {
            return Err(failure(
                "invalid_argument",
                "on(event, handler): the handler must be a function",
            ));
        };
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        self.handlers
            .with(|handlers| handlers.push(Handler { id, name, function }));
        Ok(callback(&Rc::downgrade(driver), move |driver, _| {
            driver
                .events
                .handlers
                .with(|handlers| handlers.retain(|handler| handler.id != id));
        }))
    }

    /// Tells all who listen at this moment.
    pub(crate) fn tell(&self, driver: &Driver, name: &str, payload: &JsValue) {
        let listening: Vec<Function> = self.handlers.with(|handlers| {
            handlers
                .iter()
                .filter(|handler| handler.name == name)
                .map(|handler| handler.function.clone())
                .collect()
        });
        if listening.is_empty() && name == "error" {
            // An error that nobody hears must not vanish.
            crate::js::report(&get(payload, "message"));
        }
        for function in listening {
            if driver.is_disposed() {
                return;
            }
            call(&function, payload);
        }
    }

    pub(crate) fn clear(&self) {
        self.handlers.take();
    }
}
