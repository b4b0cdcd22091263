//! Small helpers at the boundary to JavaScript.

use js_sys::{Error, Function, JSON, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::Window;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = window)]
    static WINDOW: Option<Window>;
}

/// The page's window. `web_sys::window` looks for the global object in four places, which a page does not need.
pub(crate) fn window() -> Option<Window> {
    WINDOW.with(Clone::clone)
}

/// An error as the page gets it: a real `Error` with a `code`.
pub(crate) fn failure(code: &str, message: &str) -> JsValue {
    let error = Error::new(message);
    set(&error, "code", &code.into());
    error.into()
}

/// The property of an object; `undefined` for whatever has none.
pub(crate) fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED)
}

/// The method of an object, if it has it.
pub(crate) fn has_method(object: &JsValue, key: &str) -> bool {
    get(object, key).is_function()
}

/// Sets a property of an object of ours.
pub(crate) fn set(object: &JsValue, key: &str, value: &JsValue) {
    if let Err(error) = Reflect::set(object, &key.into(), value) {
        report(&error);
    }
}

/// A copy of plain data that nobody else holds. Whatever JSON cannot carry is an error here, not when it is sent.
pub(crate) fn plain_copy(value: &JsValue) -> Result<JsValue, JsValue> {
    match JSON::stringify(value)?.as_string() {
        Some(text) => JSON::parse(&text),
        None => Ok(JsValue::UNDEFINED),
    }
}

/// Calls a function of the page. What it throws is reported and stays there.
pub(crate) fn call(function: &Function, argument: &JsValue) {
    if let Err(error) = function.call1(&JsValue::UNDEFINED, argument) {
        report(&error);
    }
}

/// For the page's developer.
pub(crate) fn report(error: &JsValue) {
    web_sys::console::error_2(&"stillhere:".into(), error);
}
