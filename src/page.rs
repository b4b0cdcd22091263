//! The page: what is shown, what the browser tells, and a clock. Ours is the meaning; the handwork is in `js/page.js`.
//!
//! Each function of the browser that Rust calls is an import with its glue, some 80 bytes more in the (compressed)
//! download, and what is done with it is shorter in the browser's own language.

use std::rc::Rc;

use stillhere_core::monitor::BEAT;
use stillhere_core::participant::{Overlay, OverlayKind, ParticipantInput};
use stillhere_core::time::Millis;
use wasm_bindgen::prelude::*;

use crate::callback::{Listener, callback};
use crate::driver::Driver;
use crate::js::{record, set};

#[wasm_bindgen(module = "/js/page.js")]
extern "C" {
    fn watch(tell: &JsValue) -> JsValue;
    fn tick(worker: bool, url: Option<&str>, interval: f64, beat: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = isHidden)]
    pub(crate) fn is_hidden() -> bool;
    #[wasm_bindgen(js_name = hasPage)]
    pub(crate) fn has_page() -> bool;
    pub(crate) fn go(url: &str);
    pub(crate) fn stored(key: &str) -> Option<String>;
    pub(crate) fn store(key: &str, value: &str);

    #[wasm_bindgen(js_name = Banner)]
    type BannerView;
    #[wasm_bindgen(constructor, catch, js_class = "Banner")]
    fn new(stage: &JsValue, text: &str) -> Result<BannerView, JsValue>;
    #[wasm_bindgen(method)]
    fn read(this: &BannerView);
    #[wasm_bindgen(method)]
    fn close(this: &BannerView);

    type Dialog;
    #[wasm_bindgen(constructor, catch)]
    fn new(stage: &JsValue, id: &str, pressed: &JsValue) -> Result<Dialog, JsValue>;
    #[wasm_bindgen(method)]
    fn update(
        this: &Dialog,
        heading: &str,
        message: &str,
        status: &str,
        countdown: Option<&str>,
        label: Option<&str>,
        code: Option<&str>,
        button: Option<&str>,
    );
    #[wasm_bindgen(method)]
    fn focus(this: &Dialog);
    #[wasm_bindgen(method)]
    fn close(this: &Dialog);
}

/// Where and how things are shown.
pub(crate) fn stage(mount: Option<&JsValue>, direction: Option<&str>) -> JsValue {
    let stage = record();
    if let Some(mount) = mount {
        set(&stage, "mount", mount);
    }
    if let Some(direction) = direction {
        set(&stage, "direction", &direction.into());
    }
    set(&stage, "css", &include_str!("page.css").into());
    stage
}

/// Whether the participant is looking: tells how it is now, and from now on whatever changes.
pub(crate) fn listen(driver: &Rc<Driver>) {
    let told = callback(&Rc::downgrade(driver), |driver, what, _, _| {
        // In the order of the names in `js/page.js`.
        let input = match what.as_f64().map(|what| what as u8) {
            Some(2) => ParticipantInput::Hidden,
            Some(3) => {
                driver.handle(ParticipantInput::Hidden);
                ParticipantInput::PageHide
            }
            Some(4) => ParticipantInput::Blurred,
            Some(5) => ParticipantInput::Focused,
            Some(6) => ParticipantInput::Online,
            _ => ParticipantInput::Visible,
        };
        driver.handle(input);
    });
    driver.keep(Listener::ended_by(watch(&told)));
}

/// Starts the session's heartbeat.
pub(crate) fn start_ticker(driver: &Rc<Driver>, worker: bool, url: Option<&str>) {
    let beat = callback(&Rc::downgrade(driver), |driver, posted, _, _| {
        if let Some(posted) = posted.as_f64() {
            driver.beat(Millis::new(posted));
        }
    });
    driver.keep(Listener::ended_by(tick(worker, url, BEAT.as_f64(), &beat)));
}

/// How long a banner can be read.
const SHOWN: Millis = Millis::new(6_000.0);

/// A banner on show. Dropped, it is gone.
pub(crate) struct Banner {
    view: BannerView,
    until: Millis,
}

impl Banner {
    pub(crate) fn open(stage: &JsValue, text: &str, now: Millis) -> Result<Self, JsValue> {
        Ok(Self {
            view: BannerView::new(stage, text)?,
            until: now + SHOWN,
        })
    }

    /// Time passed; whether the banner is still to be seen. Nobody reads it in a hidden tab.
    pub(crate) fn tick(&mut self, now: Millis) -> bool {
        self.view.read();
        if is_hidden() {
            self.until = now + SHOWN;
        }
        now < self.until
    }
}

impl Drop for Banner {
    fn drop(&mut self) {
        self.view.close();
    }
}

/// An overlay on show. Dropped, it is gone and the focus is where it was.
pub(crate) struct OverlayView {
    kind: OverlayKind,
    dialog: Dialog,
}

impl OverlayView {
    pub(crate) const fn kind(&self) -> OverlayKind {
        self.kind
    }

    fn update(&self, overlay: &Overlay) {
        let code = overlay.code.as_ref();
        self.dialog.update(
            &overlay.heading,
            &overlay.message,
            &overlay.status,
            overlay.countdown.as_deref(),
            code.map(|code| code.label.as_str()),
            code.map(|code| code.code.as_str()),
            overlay.button.as_deref(),
        );
    }
}

impl Drop for OverlayView {
    fn drop(&mut self) {
        self.dialog.close();
    }
}

/// Shows an overlay, or replaces the texts of the one of its kind; the focus stays then.
pub(crate) fn show(
    view: &mut Option<OverlayView>,
    stage: &JsValue,
    driver: &Rc<Driver>,
    overlay: &Overlay,
) -> Result<(), JsValue> {
    if let Some(view) = view.as_ref().filter(|view| view.kind == overlay.kind) {
        view.update(overlay);
        return Ok(());
    }
    // One at a time; the one before gives the focus back first.
    view.take();
    let pressed = callback(&Rc::downgrade(driver), |driver, _, _, _| {
        driver.handle(ParticipantInput::Continue);
    });
    let opened = view.insert(OverlayView {
        kind: overlay.kind,
        dialog: Dialog::new(stage, overlay.kind.element_id(), &pressed)?,
    });
    opened.update(overlay);
    opened.dialog.focus();
    Ok(())
}
