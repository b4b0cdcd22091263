//! Whether the participant is looking: the browser's page-lifecycle events.

use std::rc::Rc;

use stillhere_core::participant::ParticipantInput;
use wasm_bindgen::prelude::*;
use web_sys::{Document, EventTarget, Window};

use crate::callback::{Listener, Phase, callback};
use crate::driver::Driver;
use crate::js::get;

/// What an event says. `Either` leaves it to the document.
#[derive(Clone, Copy)]
enum Says {
    Either,
    Hidden,
    Blurred,
    Focused,
}

const DOCUMENT_EVENTS: &[(&str, Says)] = &[
    ("visibilitychange", Says::Either),
    ("freeze", Says::Hidden),
    ("resume", Says::Either),
];

const WINDOW_EVENTS: &[(&str, Says)] = &[
    ("pagehide", Says::Hidden),
    ("pageshow", Says::Either),
    ("blur", Says::Blurred),
    ("focus", Says::Focused),
];

/// Tells how it is now, and from now on whatever changes.
pub(crate) fn watch(
    driver: &Rc<Driver>,
    window: &Window,
    document: &Document,
) -> Result<(), JsValue> {
    if is_hidden(document) {
        driver.handle(ParticipantInput::Hidden);
    }
    if !document.has_focus().unwrap_or(true) {
        driver.handle(ParticipantInput::Blurred);
    }
    listen(driver, document, document, DOCUMENT_EVENTS)?;
    listen(driver, window, document, WINDOW_EVENTS)
}

fn listen(
    driver: &Rc<Driver>,
    target: &EventTarget,
    document: &Document,
    events: &'static [(&'static str, Says)],
) -> Result<(), JsValue> {
    for (name, says) in events {
        let document = document.clone();
        let told = callback(&Rc::downgrade(driver), move |driver, _, _, _| {
            driver.handle(match says {
                Says::Either if is_hidden(&document) => ParticipantInput::Hidden,
                Says::Either => ParticipantInput::Visible,
                Says::Hidden => ParticipantInput::Hidden,
                Says::Blurred => ParticipantInput::Blurred,
                Says::Focused => ParticipantInput::Focused,
            });
        });
        driver.keep(Listener::on(target, name, told, Phase::Target)?);
    }
    Ok(())
}

/// Whether the page cannot be seen.
pub(crate) fn is_hidden(document: &Document) -> bool {
    get(document, "hidden").is_truthy()
}
