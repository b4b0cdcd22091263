//! What a page may set, and what it is told if it sets something else.

#![cfg(target_arch = "wasm32")]

mod support;

use js_sys::Function;
use serde_json::json;
use support::{FakeSocket, Game, Session, code_of, get, js, listen_to_console, object, value};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NONE: JsValue = JsValue::UNDEFINED;

fn message_of(socket: &JsValue, options: &JsValue, code: &str) -> String {
    let error = Session::try_attach(socket, options).err().unwrap();
    assert_eq!(code_of(&error), code);
    get(&error, "message").as_string().unwrap()
}

#[wasm_bindgen_test]
fn every_bad_option_is_named_at_once() {
    let socket = FakeSocket::new();
    let options = js(&json!({
        "direction": "up", "worker": "no", "workerUrl": 5, "mount": "#app", "onStop": 1, "navigate": {},
        "messages": {"saving": 3, "saved": "ok"},
    }));
    let message = message_of(&socket, &options, "invalid_options");
    for part in [
        "`direction` is \"up\", allowed is \"ltr\" or \"rtl\"",
        "`worker` is \"no\", allowed is true or false",
        "`workerUrl` is 5, allowed is text",
        "`mount` is \"#app\", allowed is an element of the page",
        "`onStop` is 1, allowed is a function",
        "`navigate` is {}, allowed is a function",
        "`messages.saving` is 3, allowed is text",
    ] {
        assert!(message.contains(part), "{part}\nnot in\n{message}");
    }
    assert_eq!(socket.listener_count(), 0);
}

#[wasm_bindgen_test]
fn options_that_are_no_object_are_refused() {
    let socket = FakeSocket::new();
    for (options, shown) in [
        (js(&json!("fast")), "\"fast\""),
        (js(&json!([1])), "[1]"),
        (Function::new_no_args("").into(), "function"),
    ] {
        let message = message_of(&socket, &options, "invalid_options");
        assert_eq!(
            message,
            format!("`options` is {shown}, allowed is an object")
        );
    }
}

#[wasm_bindgen_test]
fn what_is_no_socket_is_refused() {
    let half = object(&[
        ("emit", &Function::new_no_args("")),
        ("on", &Function::new_no_args("")),
    ]);
    assert!(message_of(&half, &NONE, "invalid_argument").contains("`off`"));
    for nothing in [NONE, JsValue::NULL, 5.into()] {
        assert!(message_of(&nothing, &NONE, "invalid_argument").contains("`emit`"));
    }
}

#[wasm_bindgen_test]
fn unknown_options_are_told_once_and_ignored() {
    let console = listen_to_console("warn");
    let options =
        json!({"onstop": 1, "theme": "dark", "messages": {"heading": "x", "saved": "Done."}});
    let game = Game::start(json!({}), &js(&options));
    console.stop();
    assert_eq!(
        value(&console.said()),
        json!(["stillhere: options ignored, not known: onstop, theme, messages.heading"])
    );
    game.session.call("complete", &[]);
    game.socket
        .ack_last("emit_multiplayer_metrics", json!({"ok": true}));
    assert_eq!(
        support::text_of("sessionCompleteOverlay", Some("#status")).unwrap(),
        "Done."
    );
}

#[wasm_bindgen_test]
fn null_is_as_good_as_nothing() {
    let game = Game::start(json!({}), &JsValue::NULL);
    drop(game);
    let all_null = js(
        &json!({"onStop": null, "messages": null, "direction": null, "mount": null,
        "navigate": null, "worker": null, "workerUrl": null}),
    );
    drop(Game::start(json!({}), &all_null));
}

#[wasm_bindgen_test]
fn a_socket_that_does_not_say_is_taken_to_be_connected() {
    for (connected, expected) in [(JsValue::UNDEFINED, true), (JsValue::FALSE, false)] {
        let socket = FakeSocket::new();
        js_sys::Reflect::set(&socket, &"connected".into(), &connected).unwrap();
        let session = Session::attach(&socket, &NONE);
        assert_eq!(session.status()["connected"], expected);
        assert_eq!(socket.payloads("ping").len(), usize::from(expected));
        session.call("dispose", &[]);
    }
}
