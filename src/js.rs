//! Small helpers at the boundary to JavaScript. The handwork is in `js/values.js`.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::Window;

#[wasm_bindgen(module = "/js/values.js")]
extern "C" {
    /// The page's window. `web_sys::window` looks for the global object in four places, which a page does not need.
    #[wasm_bindgen(js_name = theWindow)]
    pub(crate) fn window() -> Option<Window>;
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
    pub(crate) fn call(function: &Function, argument: &JsValue);
    /// The metrics with a copy of the game's own data beside them, and what was wrong with those: two items.
    pub(crate) fn compose(ours: &JsValue, source: &JsValue) -> JsValue;
    /// Samples, out of six numbers for each; NaN is none.
    pub(crate) fn samples(numbers: &[f64]) -> JsValue;
    /// Lets the page end a session by `free()` and by `Symbol.dispose` as by `dispose()`.
    pub(crate) fn disposable(session: &JsValue);
    /// Keeps the frames of a session in `lane` until they are asked for.
    pub(crate) fn pave(session: &JsValue, lane: &JsValue);
    /// The frame that was reached since this was last asked; else -1.
    pub(crate) fn reached(lane: &JsValue) -> f64;
    /// A promise, with `resolve` and `reject` beside it.
    pub(crate) fn deferred() -> JsValue;
    #[wasm_bindgen(catch)]
    pub(crate) fn subscribe(
        socket: &JsValue,
        name: &str,
        listener: &Function,
    ) -> Result<Function, JsValue>;
    pub(crate) fn emit(
        socket: &JsValue,
        name: &str,
        payload: &JsValue,
        number: u32,
        acked: &JsValue,
    );
    pub(crate) fn authorise(socket: &JsValue, own: &JsValue, token: &str);
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
