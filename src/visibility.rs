//! Whether the participant is looking: the browser's page-lifecycle events.

use std::rc::Rc;

use stillhere_core::participant::ParticipantInput;
use wasm_bindgen::prelude::*;
use web_sys::{Document, EventTarget, Window};

use crate::callback::{Listener, Phase, callback};
use crate::driver::Driver;
use crate::js::get;

/// What an event says. `Looks` leaves it to the document.
#[derive(Clone, Copy)]
enum Says {
    Looks,
    Hidden,
    Gone,
    Blurred,
    Focused,
    Online,
}

const DOCUMENT_EVENTS: &[(&str, Says)] = &[
    ("visibilitychange", Says::Looks),
    ("freeze", Says::Hidden),
    ("resume", Says::Looks),
];

const WINDOW_EVENTS: &[(&str, Says)] = &[
    ("pagehide", Says::Gone),
    ("pageshow", Says::Looks),
    ("blur", Says::Blurred),
    ("focus", Says::Focused),
    ("online", Says::Online),
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
    listen(driver, document, DOCUMENT_EVENTS)?;
    listen(driver, window, WINDOW_EVENTS)
}

fn listen(
    driver: &Rc<Driver>,
    target: &EventTarget,
    events: &'static [(&'static str, Says)],
) -> Result<(), JsValue> {
    for (name, says) in events {
        let told = callback(&Rc::downgrade(driver), move |driver, _| {
            driver.handle(match says {
                Says::Looks if is_hidden(&driver.stage.document) => ParticipantInput::Hidden,
                Says::Looks => ParticipantInput::Visible,
                Says::Hidden => ParticipantInput::Hidden,
                Says::Gone => {
                    driver.handle(ParticipantInput::Hidden);
                    ParticipantInput::PageHide
                }
                Says::Blurred => ParticipantInput::Blurred,
                Says::Focused => ParticipantInput::Focused,
                Says::Online => ParticipantInput::Online,
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
