//! JavaScript values as core reads them.

use stillhere_core::source::{Kind, Source};
use wasm_bindgen::JsValue;

use crate::js::{get, keys, kind, show, texts};

/// A value from the socket or the page.
#[derive(Clone, Debug)]
pub(crate) struct JsSource(pub(crate) JsValue);

impl Source for JsSource {
    fn kind(&self) -> Kind {
        let value = &self.0;
        // In the order of the names in `js/values.js`.
        match kind(value) {
            0 => Kind::Null,
            1 => Kind::Bool(value.is_truthy()),
            2 => Kind::Number(value.as_f64().unwrap_or(f64::NAN)),
            3 => Kind::Text(value.as_string().unwrap_or_default()),
            5 => Kind::Record,
            _ => Kind::List,
        }
    }

    fn field(&self, key: &str) -> Option<Self> {
        let value = get(&self.0, key);
        (!value.is_undefined()).then_some(Self(value))
    }

    fn keys(&self) -> Vec<String> {
        if kind(&self.0) == 5 {
            texts(&keys(&self.0))
        } else {
            Vec::new()
        }
    }

    fn show(&self) -> String {
        show(&self.0)
    }
}
