//! Draws core's overlays.

use std::rc::{Rc, Weak};

use stillhere_core::participant::{Overlay, OverlayKind, ParticipantInput};
use wasm_bindgen::prelude::*;
use web_sys::{Document, Element, Event, HtmlElement};

use crate::callback::{Listener, Phase, callback};
use crate::driver::Driver;
use crate::js::get;
use crate::view::{Stage, set_hidden, set_optional_text, set_text};

/// An overlay on show. Dropped, it is gone and the focus is where it was.
pub(crate) struct OverlayView {
    kind: OverlayKind,
    host: Element,
    heading: HtmlElement,
    message: HtmlElement,
    status: HtmlElement,
    code: HtmlElement,
    code_label: HtmlElement,
    code_text: HtmlElement,
    button: HtmlElement,
    focus_before: Option<HtmlElement>,
    _keys: Listener,
}

impl OverlayView {
    pub(crate) const fn kind(&self) -> OverlayKind {
        self.kind
    }

    pub(crate) fn open(
        stage: &Stage,
        driver: &Weak<Driver>,
        overlay: &Overlay,
    ) -> Result<Self, JsValue> {
        let focus_before = focused(&stage.document);
        let (host, backdrop) = stage.open(overlay.kind.element_id(), "backdrop")?;
        let card = stage.element("div", "card")?;
        backdrop.append_child(&card)?;
        for (name, value) in [
            ("role", "alertdialog"),
            ("aria-modal", "true"),
            ("aria-labelledby", "heading"),
            ("aria-describedby", "message"),
            ("tabindex", "-1"),
        ] {
            card.set_attribute(name, value)?;
        }
        let part = |parent: &HtmlElement, tag: &str, name: &str| -> Result<HtmlElement, JsValue> {
            let element = stage.element(tag, name)?;
            element.set_attribute("id", name)?;
            parent.append_child(&element)?;
            Ok(element)
        };
        let heading = part(&card, "h2", "heading")?;
        let message = part(&card, "p", "message")?;
        let status = part(&card, "p", "status")?;
        status.set_attribute("role", "status")?;
        status.set_attribute("aria-live", "polite")?;
        let code = part(&card, "p", "code")?;
        let code_label = part(&code, "span", "code-label")?;
        let code_text = part(&code, "strong", "code-text")?;
        let button = part(&card, "button", "continue")?;
        button.set_attribute("type", "button")?;
        let pressed = callback(driver, |driver, _, _, _| {
            driver.handle(ParticipantInput::Continue);
        });
        button.add_event_listener_with_callback_and_bool("click", &pressed, false)?;

        let (trapped_card, trapped_button) = (card.clone(), button.clone());
        let trap = callback(driver, move |_, event, _, _| {
            // The button is all that there is to go to.
            if get(&event, "key") == "Tab" {
                event.unchecked_into::<Event>().prevent_default();
                focus(if get(&trapped_button, "hidden").is_truthy() {
                    &trapped_card
                } else {
                    &trapped_button
                });
            }
        });
        let view = Self {
            kind: overlay.kind,
            _keys: Listener::on(&stage.document, "keydown", trap, Phase::Capture)?,
            host,
            heading,
            message,
            status,
            code,
            code_label,
            code_text,
            button,
            focus_before,
        };
        view.update(overlay);
        focus(&card);
        Ok(view)
    }

    /// New texts; the focus stays.
    pub(crate) fn update(&self, overlay: &Overlay) {
        set_text(&self.heading, &overlay.heading);
        set_text(&self.message, &overlay.message);
        set_text(&self.status, &overlay.status);
        if let Some(code) = &overlay.code {
            set_text(&self.code_label, &code.label);
            set_text(&self.code_text, &code.code);
        }
        set_hidden(&self.code, overlay.code.is_none());
        set_optional_text(&self.button, overlay.button.as_deref());
    }
}

impl Drop for OverlayView {
    fn drop(&mut self) {
        self.host.remove();
        if let Some(before) = self
            .focus_before
            .take()
            .filter(|before| get(before, "isConnected").is_truthy())
        {
            focus(&before);
        }
    }
}

/// What has the focus, inside of shadow roots too.
fn focused(document: &Document) -> Option<HtmlElement> {
    let mut root: JsValue = document.clone().into();
    let mut found = None;
    loop {
        let active = get(&root, "activeElement");
        if !active.is_object() {
            return found;
        }
        root = get(&active, "shadowRoot");
        found = Some(active.unchecked_into());
    }
}

fn focus(element: &HtmlElement) {
    // An element that cannot take the focus leaves it where it is.
    let _ = element.focus();
}

/// Shows an overlay, or replaces the texts of the one of its kind.
pub(crate) fn show(
    view: &mut Option<OverlayView>,
    stage: &Stage,
    driver: &Rc<Driver>,
    overlay: &Overlay,
) -> Result<(), JsValue> {
    if let Some(view) = view.as_ref().filter(|view| view.kind == overlay.kind) {
        view.update(overlay);
        return Ok(());
    }
    // One at a time; the one before gives the focus back first.
    view.take();
    *view = Some(OverlayView::open(stage, &Rc::downgrade(driver), overlay)?);
    Ok(())
}
