//! What overlays and banner share: a shadow root with our style, and text that is never anything but text.
//!
//! Properties are read and written by name: each that web-sys knows by type is an import of its own, some 80 bytes more
//! in the browser's (compressed) download.

use wasm_bindgen::prelude::*;
use web_sys::{CssStyleSheet, Document, Element, HtmlElement};

use crate::js::{get, list, push, record, set};

/// Where things are shown.
pub(crate) struct Stage {
    pub(crate) document: Document,
    /// The page's choice; the body if it made none.
    pub(crate) mount: Option<Element>,
    pub(crate) direction: Option<&'static str>,
}

impl Stage {
    /// A host in the page, with this content in its shadow root.
    pub(crate) fn open(&self, id: &str, content: &Element) -> Result<HtmlElement, JsValue> {
        let host = self.element("div", "")?;
        set(&host, "id", &id.into());
        let open = record();
        set(&open, "mode", &"open".into());
        let root = host.attach_shadow(open.unchecked_ref())?;
        // A constructed sheet: the style of an element or a `<style>` is refused by a strict Content-Security-Policy.
        let sheet = CssStyleSheet::new()?;
        sheet.replace_sync(include_str!("view.css"))?;
        let sheets = list();
        push(&sheets, &sheet);
        set(&root, "adoptedStyleSheets", &sheets);
        root.append_child(content)?;
        if let Some(direction) = self.direction {
            set(content, "dir", &direction.into());
        }
        let mount = self.mount.clone().map(JsValue::from);
        let mount = mount
            .or_else(|| given(&self.document, "body"))
            .or_else(|| given(&self.document, "documentElement"))
            .unwrap_or_default();
        mount.unchecked_ref::<Element>().append_child(&host)?;
        Ok(host)
    }

    pub(crate) fn element(&self, tag: &str, class: &str) -> Result<HtmlElement, JsValue> {
        let element: HtmlElement = self.document.create_element(tag)?.unchecked_into();
        set(&element, "className", &class.into());
        Ok(element)
    }
}

/// The property of an object if there is something.
pub(crate) fn given(object: &JsValue, key: &str) -> Option<JsValue> {
    let value = get(object, key);
    value.is_object().then_some(value)
}

/// Changes a text only if it differs: what is written is read out again by screen readers.
pub(crate) fn write(element: &Element, text: &str) {
    if get(element, "textContent") != text {
        set(element, "textContent", &text.into());
    }
}

/// Nothing to read, nothing to see.
pub(crate) fn write_or_hide(element: &Element, text: Option<&str>) {
    write(element, text.unwrap_or_default());
    hide(element, text.is_none());
}

/// Hides an element, or shows it.
pub(crate) fn hide(element: &Element, hidden: bool) {
    set(element, "hidden", &hidden.into());
}
