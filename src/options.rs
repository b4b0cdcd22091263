//! What a page may set when it attaches a session.

use js_sys::Function;
use stillhere_core::participant::Messages;
use stillhere_core::source::{Fields, Kind, Source, listed, text};
use wasm_bindgen::prelude::*;
use web_sys::Element;

use crate::js::{failure, record, warn};
use crate::js_source::JsSource;

const KEYS: &[&str] = &[
    "onStop",
    "messages",
    "direction",
    "mount",
    "navigate",
    "worker",
    "workerUrl",
];

/// The options, checked.
pub(crate) struct Options {
    /// Stops the page's game loop.
    pub(crate) on_stop: Option<Function>,
    /// The texts' direction; the page's own if absent.
    pub(crate) direction: Option<&'static str>,
    /// Where overlays go; the body if absent.
    pub(crate) mount: Option<Element>,
    /// Leaves the page; `location.assign` if absent.
    pub(crate) navigate: Option<Function>,
    /// Whether the ticker may be a Web Worker.
    pub(crate) worker: bool,
    /// Where its script is; beside the package if absent.
    pub(crate) worker_url: Option<String>,
}

impl Options {
    /// Reads the options, and the texts that participants may read; `undefined` and `null` are none.
    pub(crate) fn parse(options: JsValue) -> Result<(Self, Messages), JsValue> {
        let source = JsSource(if options.is_null() || options.is_undefined() {
            record()
        } else {
            options
        });
        let mut fields = Fields::of(&source, "options");
        let mut unknown: Vec<String> = fields
            .keys()
            .into_iter()
            .filter(|key| !KEYS.contains(&key.as_str()))
            .collect();

        let mut messages = Messages::default();
        fields.record("messages", |texts| {
            for key in texts.keys() {
                match messages.get_mut(&key) {
                    Some(message) => {
                        if let Some(given) = texts.text(&key) {
                            *message = given.into();
                        }
                    }
                    None => unknown.push(text(&["messages.", &key])),
                }
            }
        });
        let parsed = Self {
            on_stop: function(&mut fields, "onStop"),
            direction: fields.word("direction", &[("ltr", "ltr"), ("rtl", "rtl")]),
            mount: element(&mut fields, "mount"),
            navigate: function(&mut fields, "navigate"),
            worker: fields.flag("worker").unwrap_or(true),
            worker_url: fields.text("workerUrl"),
        };
        let parsed = fields
            .finish(parsed)
            .map_err(|errors| failure("invalid_options", &errors.message()))?;
        if !unknown.is_empty() {
            let unknown = listed(&unknown, ", ");
            warn(&text(&[
                "stillhere: options ignored, not known: ",
                &unknown,
            ]));
        }
        Ok((parsed, messages))
    }
}

fn function(fields: &mut Fields<JsSource>, key: &str) -> Option<Function> {
    let given = fields.given(key)?.0.dyn_into().ok();
    if given.is_none() {
        fields.refuse(key, "a function");
    }
    given
}

fn element(fields: &mut Fields<JsSource>, key: &str) -> Option<Element> {
    let given = fields.given(key)?;
    // An element of another frame is not an instance of this frame's class.
    let is_element = given.kind() == Kind::Record
        && given.field("nodeType").map(|node| node.kind()) == Some(Kind::Number(1.0));
    if !is_element {
        fields.refuse(key, "an element of the page");
        return None;
    }
    Some(given.0.unchecked_into())
}
