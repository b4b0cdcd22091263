//! The warning that does not get in the way.

use stillhere_core::time::Millis;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use crate::view::{Stage, write};
use crate::visibility::is_hidden;

/// How long it can be read.
const SHOWN: Millis = Millis::new(6_000.0);

/// A banner on show. Dropped, it is gone.
pub(crate) struct Banner {
    host: HtmlElement,
    region: HtmlElement,
    /// The text until it is written: screen readers read what appears in a region that they know.
    note: Option<HtmlElement>,
    until: Millis,
}

impl Banner {
    pub(crate) fn open(stage: &Stage, text: &str, now: Millis) -> Result<Self, JsValue> {
        let region = stage.element("div", "banner")?;
        region.set_attribute("role", "status")?;
        region.set_attribute("aria-live", "polite")?;
        let note = stage.element("p", "note")?;
        write(&note, text);
        Ok(Self {
            host: stage.open("monitorWarningBanner", &region)?,
            region,
            note: Some(note),
            until: now + SHOWN,
        })
    }

    /// Time passed; whether the banner is still to be seen. Nobody reads it in a hidden tab.
    pub(crate) fn tick(&mut self, stage: &Stage, now: Millis) -> bool {
        if let Some(note) = self.note.take() {
            // Nothing but a page that took our banner apart could fail here, and then there is no banner.
            let _ = self.region.append_child(&note);
        }
        if is_hidden(&stage.document) {
            self.until = now + SHOWN;
        }
        now < self.until
    }
}

impl Drop for Banner {
    fn drop(&mut self) {
        self.host.remove();
    }
}
