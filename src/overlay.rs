//! Draws core's overlays.

use std::rc::{Rc, Weak};

use js_sys::Function;
use stillhere_core::participant::{Overlay, OverlayKind, ParticipantInput};
use wasm_bindgen::prelude::*;
use web_sys::{Document, Event, HtmlElement};

use crate::callback::{Listener, Phase, callback};
use crate::driver::Driver;
use crate::js::{get, set};
use crate::view::{Stage, given, hide, write, write_or_hide};

/// What an overlay is made of: the parent's place in this list, the tag, and the name that is id and class alike.
const PARTS: [(usize, &str, &str); 11] = [
    (0, "div", "backdrop"),
    (BACKDROP, "div", "card"),
    (CARD, "h2", "heading"),
    (CARD, "p", "message"),
    (CARD, "p", "status"),
    (CARD, "p", "spoken"),
    (CARD, "p", "countdown"),
    (CARD, "p", "code"),
    (CODE, "span", "code-label"),
    (CODE, "strong", "code-text"),
    (CARD, "button", "continue"),
];
const BACKDROP: usize = 0;
const CARD: usize = 1;
const HEADING: usize = 2;
const MESSAGE: usize = 3;
const STATUS: usize = 4;
/// What screen readers read of the countdown.
const SPOKEN: usize = 5;
const COUNTDOWN: usize = 6;
const CODE: usize = 7;
const CODE_LABEL: usize = 8;
const CODE_TEXT: usize = 9;
const BUTTON: usize = 10;

const ATTRIBUTES: [(usize, &str, &str); 11] = [
    (CARD, "role", "alertdialog"),
    (CARD, "aria-modal", "true"),
    (CARD, "aria-labelledby", "heading"),
    (CARD, "aria-describedby", "message"),
    (CARD, "tabindex", "-1"),
    (STATUS, "role", "status"),
    (STATUS, "aria-live", "polite"),
    (SPOKEN, "role", "status"),
    (SPOKEN, "aria-live", "polite"),
    (COUNTDOWN, "aria-hidden", "true"),
    (BUTTON, "type", "button"),
];

/// An overlay on show. Dropped, it is gone and the focus is where it was.
pub(crate) struct OverlayView {
    kind: OverlayKind,
    host: HtmlElement,
    parts: Vec<HtmlElement>,
    focus_before: Option<HtmlElement>,
    _listeners: [Listener; 2],
}

impl OverlayView {
    pub(crate) const fn kind(&self) -> OverlayKind {
        self.kind
    }

    fn open(stage: &Stage, driver: &Weak<Driver>, overlay: &Overlay) -> Result<Self, JsValue> {
        let focus_before = focused(&stage.document);
        let (_, tag, name) = PARTS[BACKDROP];
        let backdrop = stage.element(tag, name)?;
        let host = stage.open(overlay.kind.element_id(), &backdrop)?;
        let mut parts = vec![backdrop];
        for (parent, tag, name) in &PARTS[CARD..] {
            let part = stage.element(tag, name)?;
            set(&part, "id", &(*name).into());
            parts[*parent].append_child(&part)?;
            parts.push(part);
        }
        for (part, name, value) in ATTRIBUTES {
            parts[part].set_attribute(name, value)?;
        }
        let pressed = callback(driver, |driver, _| {
            driver.handle(ParticipantInput::Continue);
        });
        let view = Self {
            kind: overlay.kind,
            focus_before,
            _listeners: [
                Listener::on(&parts[BUTTON], "click", pressed, Phase::Target)?,
                Listener::on(
                    &stage.document,
                    "keydown",
                    trap(driver, &host, &parts),
                    Phase::Capture,
                )?,
            ],
            host,
            parts,
        };
        view.update(overlay);
        focus(&view.parts[CARD]);
        Ok(view)
    }

    /// New texts; the focus stays.
    fn update(&self, overlay: &Overlay) {
        let parts = &self.parts;
        write(&parts[HEADING], &overlay.heading);
        write(&parts[MESSAGE], &overlay.message);
        write(&parts[STATUS], &overlay.status);
        let countdown = overlay.countdown.as_deref();
        // Read out once, when it begins: every second would be too often.
        if countdown.is_none() || get(&parts[SPOKEN], "textContent") == "" {
            write(&parts[SPOKEN], countdown.unwrap_or_default());
        }
        write_or_hide(&parts[COUNTDOWN], countdown);
        if let Some(code) = &overlay.code {
            write(&parts[CODE_LABEL], &code.label);
            write(&parts[CODE_TEXT], &code.code);
        }
        hide(&parts[CODE], overlay.code.is_none());
        write_or_hide(&parts[BUTTON], overlay.button.as_deref());
    }
}

/// Keeps the focus on the button, which is all that there is to go to.
fn trap(driver: &Weak<Driver>, host: &HtmlElement, parts: &[HtmlElement]) -> Function {
    let host = host.clone();
    let (card, button) = (parts[CARD].clone(), parts[BUTTON].clone());
    callback(driver, move |_, [event, ..]| {
        // Where another session's overlay has the focus, that one keeps it.
        if get(event, "key") == "Tab" && !is_another_overlay(&get(event, "target"), &host) {
            event.unchecked_ref::<Event>().prevent_default();
            let is_hidden = get(&button, "hidden").is_truthy();
            focus(if is_hidden { &card } else { &button });
        }
    })
}

impl Drop for OverlayView {
    fn drop(&mut self) {
        let now = get(&get(&self.host, "ownerDocument"), "activeElement");
        self.host.remove();
        let before = self.focus_before.take();
        let before = before.filter(|before| get(before, "isConnected").is_truthy());
        if let Some(before) = before.filter(|_| !is_another_overlay(&now, &self.host)) {
            focus(&before);
        }
    }
}

/// Whether it is the host of another session's overlay.
fn is_another_overlay(element: &JsValue, own: &JsValue) -> bool {
    let id = get(element, "id");
    element != own && OverlayKind::ALL.iter().any(|kind| id == kind.element_id())
}

/// What has the focus, inside of shadow roots too.
fn focused(document: &Document) -> Option<HtmlElement> {
    let mut root = JsValue::from(document);
    let mut found = None;
    while let Some(active) = given(&root, "activeElement") {
        root = get(&active, "shadowRoot");
        found = Some(active.unchecked_into());
    }
    found
}

fn focus(element: &HtmlElement) {
    // An element that cannot take the focus leaves it where it is.
    let _ = element.focus();
}

/// Shows an overlay, or replaces the texts of the one of its kind.
pub(crate) fn show(
    view: &mut Option<OverlayView>,
    driver: &Rc<Driver>,
    overlay: &Overlay,
) -> Result<(), JsValue> {
    if let Some(view) = view.as_ref().filter(|view| view.kind == overlay.kind) {
        view.update(overlay);
        return Ok(());
    }
    // One at a time; the one before gives the focus back first.
    view.take();
    *view = Some(OverlayView::open(
        &driver.stage,
        &Rc::downgrade(driver),
        overlay,
    )?);
    Ok(())
}
