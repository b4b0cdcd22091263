//! JavaScript values as core reads them.

use js_sys::{Array, JSON, Object, Reflect};
use stillhere_core::source::{Kind, Source};
use wasm_bindgen::{JsCast, JsValue};

/// A value from the socket or the page.
#[derive(Clone, Debug)]
pub(crate) struct JsSource(pub(crate) JsValue);

impl Source for JsSource {
    fn kind(&self) -> Kind {
        let value = &self.0;
        if value.is_null() || value.is_undefined() {
            Kind::Null
        } else if let Some(flag) = value.as_bool() {
            Kind::Bool(flag)
        } else if let Some(number) = value.as_f64() {
            Kind::Number(number)
        } else if let Some(text) = value.as_string() {
            Kind::Text(text)
        } else if value.is_object() && !Array::is_array(value) {
            Kind::Record
        } else {
            // Functions and other things that JSON lacks are, like lists, nothing that any reader takes.
            Kind::List
        }
    }

    fn field(&self, key: &str) -> Option<Self> {
        Reflect::get(&self.0, &key.into())
            .ok()
            .filter(|value| !value.is_undefined())
            .map(Self)
    }

    fn keys(&self) -> Vec<String> {
        self.0
            .dyn_ref::<Object>()
            .map(|object| {
                Object::keys(object)
                    .iter()
                    .filter_map(|key| key.as_string())
                    .collect()
            })
            .unwrap_or_default()
    }

    fn show(&self) -> String {
        JSON::stringify(&self.0)
            .ok()
            .and_then(|text| text.as_string())
            .or_else(|| self.0.js_typeof().as_string())
            .unwrap_or_default()
    }
}
