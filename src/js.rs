//! Small helpers at the boundary to JavaScript. The handwork is in `js/values.js`.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/values.js")]
extern "C" {
    /// What a value is: nothing, a truth value, a number, a text, something else, a record.
    pub(crate) fn kind(value: &JsValue) -> u8;
    /// The property of an object; `undefined` for whatever has none.
    pub(crate) fn get(object: &JsValue, key: &str) -> JsValue;
    /// An item of a list; `undefined` beyond its end.
    #[wasm_bindgen(js_name = get)]
    pub(crate) fn item(list: &JsValue, index: u32) -> JsValue;
    /// Sets a property of an object of ours.
    pub(crate) fn set(object: &JsValue, key: &str, value: &JsValue);
    #[wasm_bindgen(js_name = set)]
    pub(crate) fn set_by_key(object: &JsValue, key: &JsValue, value: &JsValue);
    /// An object without properties.
    pub(crate) fn record() -> JsValue;
    /// A list without items.
    pub(crate) fn list() -> JsValue;
    pub(crate) fn push(list: &JsValue, value: &JsValue);
    pub(crate) fn merge(ours: &JsValue, theirs: &JsValue);
    pub(crate) fn keys(value: &JsValue) -> JsValue;
    pub(crate) fn show(value: &JsValue) -> String;
    /// A copy of plain data that nobody else holds. Whatever JSON cannot carry is an error here, not when it is sent.
    #[wasm_bindgen(catch)]
    pub(crate) fn copy(value: &JsValue) -> Result<JsValue, JsValue>;
    /// An error as the page gets it: a real `Error` with a `code`.
    pub(crate) fn failure(code: &str, message: &str) -> JsValue;
    /// For the page's developer.
    pub(crate) fn report(error: &JsValue);
    pub(crate) fn warn(text: &str);
    /// Calls a function of the page. What it throws is reported and stays there.
    pub(crate) fn call(function: &JsValue, argument: &JsValue);
    /// The game's own data.
    #[wasm_bindgen(catch)]
    pub(crate) fn ask(source: &JsValue) -> Result<JsValue, JsValue>;
    /// A promise, with `resolve` and `reject` beside it.
    pub(crate) fn deferred() -> JsValue;
    #[wasm_bindgen(catch)]
    pub(crate) fn subscribe(
        socket: &JsValue,
        name: &str,
        listener: &JsValue,
    ) -> Result<JsValue, JsValue>;
    pub(crate) fn emit(
        socket: &JsValue,
        name: &str,
        payload: &JsValue,
        number: u32,
        acked: &JsValue,
    );
    pub(crate) fn authorise(socket: &JsValue, own: &JsValue, token: &str);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub(crate) fn monotonic_now() -> f64;
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub(crate) fn wall_now() -> f64;
    #[wasm_bindgen(js_namespace = Math)]
    pub(crate) fn random() -> f64;
}

/// The items of a list as text; what is none is left out.
pub(crate) fn texts(list: &JsValue) -> Vec<String> {
    let mut texts = Vec::new();
    for index in 0..u32::MAX {
        let item = item(list, index);
        if item.is_undefined() {
            break;
        }
        texts.extend(item.as_string());
    }
    texts
}
