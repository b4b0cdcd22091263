//! The warning that does not get in the way.

use stillhere_core::time::Millis;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement};

use crate::view::{Stage, set_text};

/// How long it can be read.
const SHOWN: Millis = Millis::new(6_000.0);

/// A banner on show. Dropped, it is gone.
pub(crate) struct Banner {
    host: Element,
    region: HtmlElement,
    /// The text until it is written: screen readers read what appears in a region that they know.
    note: Option<HtmlElement>,
    until: Millis,
}

impl Banner {
    pub(crate) fn open(stage: &Stage, text: &str, now: Millis) -> Result<Self, JsValue> {
        let (host, region) = stage.open("monitorWarningBanner", "banner")?;
        let note = stage.element("p", "note")?;
        set_text(&note, text);
        let banner = Self {
            host,
            region,
            note: Some(note),
            until: now + SHOWN,
        };
        banner.region.set_attribute("role", "status")?;
        banner.region.set_attribute("aria-live", "polite")?;
        Ok(banner)
    }

    /// Time passed; whether the banner is still to be seen. Nobody reads it in a hidden tab.
    pub(crate) fn tick(&mut self, now: Millis, hidden: bool) -> Result<bool, JsValue> {
        if let Some(note) = self.note.take() {
            self.region.append_child(&note)?;
        }
        if hidden {
            self.until = now + SHOWN;
        }
        Ok(now < self.until)
    }
}

impl Drop for Banner {
    fn drop(&mut self) {
        self.host.remove();
    }
}
