//! A page, its socket and a session on it, as the tests use them.

// Every test file compiles this module and uses a part of it.
#![allow(dead_code)]

use js_sys::{Array, Function, JSON, Promise, Reflect};
use serde_json::{Value, json};
use stillhere::ParticipantSession;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/tests/support/page.js")]
extern "C" {
    #[derive(Clone)]
    pub type FakeSocket;
    #[wasm_bindgen(constructor)]
    pub fn new() -> FakeSocket;
    #[wasm_bindgen(method)]
    pub fn deliver(this: &FakeSocket, event: &str, payload: &JsValue);
    #[wasm_bindgen(method, js_name = deliverForAck)]
    fn deliver_for_ack(this: &FakeSocket, event: &str, payload: &JsValue) -> Array;
    #[wasm_bindgen(method, js_name = answer)]
    fn answer_js(this: &FakeSocket, event: &str, body: &JsValue);
    #[wasm_bindgen(method, js_name = ackLast)]
    fn ack_last_js(this: &FakeSocket, event: &str, body: &JsValue);
    #[wasm_bindgen(method, js_name = payloads)]
    fn payloads_js(this: &FakeSocket, event: &str) -> Array;
    #[wasm_bindgen(method, js_name = listenerCount)]
    pub fn listener_count(this: &FakeSocket) -> u32;
    #[wasm_bindgen(method, js_name = outstandingAcks)]
    pub fn outstanding_acks(this: &FakeSocket) -> Array;

    #[wasm_bindgen(js_name = setHidden)]
    pub fn set_hidden(hidden: bool);
    #[wasm_bindgen(js_name = until)]
    fn until_js(condition: &Closure<dyn FnMut() -> bool>, what: &str) -> Promise;
    #[wasm_bindgen(js_name = textOf)]
    pub fn text_of(id: &str, part: Option<&str>) -> Option<String>;
    #[wasm_bindgen(js_name = partOf)]
    pub fn part_of(id: &str, part: &str) -> Option<web_sys::HtmlElement>;
    pub fn focused() -> web_sys::Element;
    pub fn press(key: &str) -> bool;

    pub type ConsoleListener;
    #[wasm_bindgen(js_name = listenToConsole)]
    pub fn listen_to_console(level: &str) -> ConsoleListener;
    #[wasm_bindgen(method, getter)]
    pub fn said(this: &ConsoleListener) -> Array;
    #[wasm_bindgen(method)]
    pub fn stop(this: &ConsoleListener);

    pub type Audit;
    pub fn audit(socket: &FakeSocket) -> Audit;
    #[wasm_bindgen(method)]
    pub fn counts(this: &Audit) -> JsValue;
    #[wasm_bindgen(method, js_name = workersEver)]
    pub fn workers_ever(this: &Audit) -> u32;
    #[wasm_bindgen(method, js_name = stop)]
    pub fn stop_audit(this: &Audit);

    pub type BrokenWorkers;
    #[wasm_bindgen(js_name = breakWorkers)]
    pub fn break_workers(how: &str) -> BrokenWorkers;
    #[wasm_bindgen(method, getter)]
    pub fn asked(this: &BrokenWorkers) -> Array;
    #[wasm_bindgen(method, js_name = stop)]
    pub fn mend(this: &BrokenWorkers);
}

impl FakeSocket {
    /// Delivers an event.
    pub fn tell(&self, event: &str, payload: Value) {
        self.deliver(event, &js(&payload));
    }

    /// Delivers an event that is to be acked; what the acks said.
    pub fn tell_for_ack(&self, event: &str, payload: Value) -> Value {
        value(&self.deliver_for_ack(event, &js(&payload)))
    }

    /// Delivers an event that is nothing but an ack.
    pub fn deliver_for_ack_without_payload(&self, event: &str) -> JsValue {
        self.deliver_for_ack(event, &JsValue::UNDEFINED).into()
    }

    /// From now on every such event is acked at once.
    pub fn answer(&self, event: &str, body: Value) {
        self.answer_js(event, &js(&body));
    }

    /// Acks what was sent last under this name.
    pub fn ack_last(&self, event: &str, body: Value) {
        self.ack_last_js(event, &js(&body));
    }

    /// What was sent under this name.
    pub fn payloads(&self, event: &str) -> Vec<Value> {
        match value(&self.payloads_js(event)) {
            Value::Array(payloads) => payloads,
            other => panic!("{other}"),
        }
    }
}

/// A value as JavaScript's.
pub fn js(value: &Value) -> JsValue {
    JSON::parse(&value.to_string()).unwrap()
}

/// What JSON says of a JavaScript value; `null` of `undefined`.
pub fn value(value: &JsValue) -> Value {
    let text = JSON::stringify(value)
        .ok()
        .and_then(|text| text.as_string());
    text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

/// A property.
pub fn get(object: &JsValue, key: &str) -> JsValue {
    Reflect::get(object, &key.into()).unwrap()
}

/// An object of JavaScript values.
pub fn object(entries: &[(&str, &JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (key, value) in entries {
        Reflect::set(&object, &(*key).into(), value).unwrap();
    }
    object.into()
}

/// Waits for what the page does by itself.
pub async fn until(what: &str, condition: impl FnMut() -> bool + 'static) {
    let condition = Closure::new(condition);
    JsFuture::from(until_js(&condition, what)).await.unwrap();
}

/// The code of what was thrown, which must be a real error with a message.
pub fn code_of(error: &JsValue) -> String {
    assert!(error.is_instance_of::<js_sys::Error>(), "{error:?}");
    assert_ne!(get(error, "message"), "");
    get(error, "code").as_string().unwrap()
}

/// A session as the page holds it: the JavaScript class of the package.
pub struct Session {
    pub js: JsValue,
}

impl Session {
    pub fn try_attach(socket: &JsValue, options: &JsValue) -> Result<Self, JsValue> {
        let options = (!options.is_undefined()).then(|| options.clone().unchecked_into());
        let js = ParticipantSession::attach(socket.clone().unchecked_into(), options)?;
        Ok(Self { js })
    }

    pub fn attach(socket: &FakeSocket, options: &JsValue) -> Self {
        Self::try_attach(socket, options).unwrap()
    }

    pub fn try_call(&self, method: &str, args: &[JsValue]) -> Result<JsValue, JsValue> {
        let function: Function = get(&self.js, method).dyn_into().unwrap();
        Reflect::apply(
            &function,
            &self.js,
            &args.iter().cloned().collect::<Array>(),
        )
    }

    pub fn call(&self, method: &str, args: &[JsValue]) -> JsValue {
        self.try_call(method, args).unwrap()
    }

    pub fn status(&self) -> Value {
        value(&self.call("status", &[]))
    }

    /// What the page is told from now on under this name.
    pub fn hear(&self, event: &str) -> Heard {
        let heard = Heard::new();
        self.call("on", &[event.into(), heard.function()]);
        heard
    }

    /// Listens with a function of the test's own.
    pub fn on(&self, event: &str, run: impl FnMut(JsValue) + 'static) -> Function {
        let run = Closure::<dyn FnMut(JsValue)>::new(run).into_js_value();
        self.call("on", &[event.into(), run]).unchecked_into()
    }
}

/// What the page was told.
#[derive(Clone)]
pub struct Heard(Array);

impl Heard {
    pub fn new() -> Self {
        Self(Array::new())
    }

    /// A function that writes down what it is called with.
    pub fn function(&self) -> JsValue {
        let heard = self.0.clone();
        Closure::<dyn FnMut(JsValue)>::new(move |payload: JsValue| {
            heard.push(&payload);
        })
        .into_js_value()
    }

    pub fn count(&self) -> usize {
        self.0.length() as usize
    }

    pub fn payloads(&self) -> Value {
        value(&self.0)
    }

    pub async fn first(&self, what: &str) -> Value {
        let heard = self.clone();
        until(what, move || heard.count() > 0).await;
        self.payloads()[0].clone()
    }
}

/// A game under way; what is left of it in the page goes with it.
pub struct Game {
    pub socket: FakeSocket,
    pub session: Session,
}

pub const EXPERIMENT: &str = "tests";

impl Game {
    /// Attaches, joins and is seated in a game that may begin.
    pub fn start(metadata: Value, options: &JsValue) -> Self {
        let socket = FakeSocket::new();
        socket.answer(
            "join_game",
            json!({"ok": true, "participant_id": "ada", "participant_token": "t0", "status": "waiting"}),
        );
        let session = Session::attach(&socket, options);
        session.call(
            "join",
            &[js(&json!({"participantId": "ada", "sceneId": "grid"}))],
        );
        socket.tell(
            "pyodide_player_assigned",
            json!({"player_id": 0, "game_id": "g1", "game_seed": 42, "num_players": 2}),
        );
        socket.tell("pyodide_game_ready", ready(metadata));
        assert_eq!(session.status()["state"], "playing");
        Self { socket, session }
    }

    /// A monitored game without further settings.
    pub fn plain() -> Self {
        Self::start(json!({}), &JsValue::UNDEFINED)
    }

    pub fn partner_excluded(&self, message: &str) {
        let payload = json!({
            "message": message, "frame_number": 12, "reason": "partner_exclusion", "game_id": "g1",
            "delivery_id": "d1",
        });
        assert_eq!(
            self.socket.tell_for_ack("partner_excluded", payload),
            json!([{"ok": true}])
        );
    }

    pub fn trigger_export(&self) {
        let payload = json!({
            "is_partial": true, "termination_reason": "partner_exclusion", "termination_frame": 12,
            "game_id": "g1", "delivery_id": "d2",
        });
        assert_eq!(
            self.socket.tell_for_ack("trigger_data_export", payload),
            json!([{"ok": true}])
        );
    }
}

impl Drop for Game {
    fn drop(&mut self) {
        self.session.call("dispose", &[]);
        set_hidden(false);
    }
}

/// The payload of `pyodide_game_ready`.
pub fn ready(metadata: Value) -> Value {
    let mut scene = json!({
        "scene_id": "grid", "experiment_id": EXPERIMENT, "continuous_monitoring_enabled": true, "speed": 3,
    });
    for (key, value) in metadata.as_object().unwrap() {
        scene[key] = value.clone();
    }
    json!({
        "game_id": "g1", "players": [0, 1], "player_subjects": {"0": "ada", "1": "bert"},
        "scene_metadata": scene,
    })
}

/// Takes the token of an earlier test out of the browser's storage.
pub fn forget_token() {
    let storage = web_sys::window().unwrap().local_storage().unwrap().unwrap();
    storage.remove_item("stillhere:token:ada").unwrap();
}
