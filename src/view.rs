//! What overlays and banner share: a shadow root with our style, and text that is never anything but text.
//!
//! Properties are read and written by name: each that web-sys knows by type is an import of its own, some 80 bytes more
//! in the browser's (compressed) download.

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;
use web_sys::{CssStyleSheet, Document, Element, HtmlElement};

use crate::js::{get, set};

/// Where things are shown.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) document: Document,
    /// The page's choice; the body if it made none.
    pub(crate) mount: Option<Element>,
    pub(crate) direction: Option<&'static str>,
}

impl Stage {
    /// A host in the page whose shadow root holds one element, which is answered.
    pub(crate) fn open(&self, id: &str, class: &str) -> Result<(Element, HtmlElement), JsValue> {
        let host = self.document.create_element("div")?;
        host.set_attribute("id", id)?;
        let open = Object::new();
        set(&open, "mode", &"open".into());
        let root = host.attach_shadow(open.unchecked_ref())?;
        // A constructed sheet: the style of an element or a `<style>` is refused by a strict Content-Security-Policy.
        let sheet = CssStyleSheet::new()?;
        sheet.replace_sync(include_str!("view.css"))?;
        set(&root, "adoptedStyleSheets", &Array::of1(&sheet));
        let content = self.element("div", class)?;
        root.append_child(&content)?;
        if let Some(direction) = self.direction {
            content.set_attribute("dir", direction)?;
        }
        let mount = self
            .mount
            .clone()
            .or_else(|| self.document.body().map(Into::into));
        mount
            .or_else(|| self.document.document_element())
            .ok_or(JsValue::UNDEFINED)?
            .append_child(&host)?;
        Ok((host, content))
    }

    pub(crate) fn element(&self, tag: &str, class: &str) -> Result<HtmlElement, JsValue> {
        let element: HtmlElement = self.document.create_element(tag)?.unchecked_into();
        element.set_attribute("class", class)?;
        Ok(element)
    }
}

/// Changes a text only if it differs: what is written is read out again by screen readers.
pub(crate) fn set_text(element: &Element, text: &str) {
    if get(element, "textContent") != text {
        set(element, "textContent", &text.into());
    }
}

/// Nothing to read, nothing to see.
pub(crate) fn set_optional_text(element: &HtmlElement, text: Option<&str>) {
    set_text(element, text.unwrap_or_default());
    set_hidden(element, text.is_none());
}

/// Shows or hides an element.
pub(crate) fn set_hidden(element: &HtmlElement, hidden: bool) {
    set(element, "hidden", &hidden.into());
}
