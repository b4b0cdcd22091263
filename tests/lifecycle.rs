//! Sessions come and go while the page stays, as components do; and several may be there at once.

#![cfg(target_arch = "wasm32")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Promise, Reflect};
use serde_json::{Value, json};
use support::{
    FakeSocket, Game, Heard, Session, audit, code_of, focused, forget_token, get, js,
    listen_to_console, object, part_of, press, ready, set_hidden, text_of, until, value,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NONE: JsValue = JsValue::UNDEFINED;
const PARTNERS: &str = "partnerExcludedOverlay";
const WAITING: &str = "reconnectingOverlay";

#[wasm_bindgen(module = "/tests/support/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = clearOutbox)]
    fn clear_outbox() -> Promise;
    fn noise(bytes: u32) -> String;

    #[derive(Clone)]
    type FakeServer;
    #[wasm_bindgen(constructor)]
    fn new() -> FakeServer;
    #[wasm_bindgen(method, setter)]
    fn set_deaf(this: &FakeServer, requests: u32);
    #[wasm_bindgen(method)]
    fn stop(this: &FakeServer);
}

impl FakeServer {
    async fn with_empty_outbox() -> Self {
        JsFuture::from(clear_outbox()).await.unwrap();
        Self::new()
    }

    fn requests(&self) -> usize {
        Array::from(&get(self, "requests")).length() as usize
    }

    fn documents(&self) -> Value {
        value(&get(self, "documents"))
    }
}

fn nothing() -> Value {
    json!({"listeners": 0, "socketListeners": 0, "timers": 0, "workers": 0, "nodes": 0})
}

/// How a page gives a session up.
#[derive(Clone, Copy, Debug)]
enum End {
    Dispose,
    Free,
    Symbol,
}

const ENDS: [End; 3] = [End::Dispose, End::Free, End::Symbol];

impl End {
    fn function(self, session: &JsValue) -> Function {
        let key = match self {
            Self::Dispose => "dispose".into(),
            Self::Free => "free".into(),
            Self::Symbol => get(&get(&js_sys::global(), "Symbol"), "dispose"),
        };
        // WebKit knows no `Symbol.dispose` yet, and so nobody writes `using` there.
        let key = if key.is_undefined() {
            "dispose".into()
        } else {
            key
        };
        Reflect::get(session, &key).unwrap().unchecked_into()
    }

    fn run(self, session: &JsValue) {
        self.function(session).call0(session).unwrap();
    }
}

fn disposed(result: Result<JsValue, JsValue>) {
    assert_eq!(code_of(&result.unwrap_err()), "disposed");
}

#[wasm_bindgen_test]
fn a_session_is_over_however_the_page_gives_it_up() {
    for end in ENDS {
        let socket = FakeSocket::new();
        let audit = audit(&socket);
        let session = Session::attach(&socket, &NONE);
        let unsubscribe = session.on("error", |_| ());
        end.run(&session.js);
        assert_eq!(value(&audit.counts()), nothing(), "{end:?}");
        assert_eq!(socket.listener_count(), 0, "{end:?}");
        let nothing = Function::new_no_args("");
        for (method, args) in [
            ("join", vec![js(&json!({"participantId": "ada"}))]),
            ("frame", vec![1.into()]),
            ("episodeStarted", vec![]),
            ("episodeCompleted", vec![]),
            ("pause", vec![]),
            ("resume", vec![]),
            ("recordPing", vec![5.into()]),
            ("setMetricsSource", vec![JsValue::NULL]),
            ("status", vec![]),
            ("exportMetrics", vec![]),
            ("complete", vec![]),
            ("on", vec!["ready".into(), nothing.into()]),
        ] {
            disposed(session.try_call(method, &args));
        }
        unsubscribe.call0(&NONE).unwrap();
        for again in ENDS {
            again.run(&session.js);
        }
        audit.stop_audit();
    }
}

#[wasm_bindgen_test]
async fn attached_disposed_of_and_attached_again_a_session_works_on_the_same_socket() {
    forget_token();
    let socket = FakeSocket::new();
    let audit = audit(&socket);
    socket.answer(
        "join_game",
        json!({"ok": true, "participant_id": "ada", "participant_token": "t0", "status": "waiting"}),
    );
    let first = Session::attach(&socket, &NONE);
    let first_heard = first.hear("ready");
    let listeners = socket.listener_count();
    let first_joined = first.call("join", &[js(&json!({"participantId": "ada"}))]);
    End::Symbol.run(&first.js);
    let second = Session::attach(&socket, &NONE);
    assert_eq!(socket.listener_count(), listeners);
    // The first one was answered already; the second asks for itself.
    JsFuture::from(Promise::from(first_joined)).await.unwrap();
    second.call("join", &[js(&json!({"participantId": "ada"}))]);
    assert_eq!(socket.payloads("join_game").len(), 2);
    assert_eq!(
        socket.payloads("join_game")[1]["participant_token"],
        "t0",
        "it is the same participant"
    );
    let heard = second.hear("ready");
    socket.tell(
        "pyodide_player_assigned",
        json!({"player_id": 0, "game_id": "g1", "game_seed": 42, "num_players": 2}),
    );
    socket.tell("pyodide_game_ready", ready(json!({"ping_interval_ms": 5})));
    assert_eq!((first_heard.count(), heard.count()), (0, 1));
    let pinging = socket.clone();
    until("a ping", move || !pinging.payloads("ping").is_empty()).await;
    second.call("dispose", &[]);
    assert_eq!(value(&audit.counts()), nothing());
    audit.stop_audit();
}

#[wasm_bindgen_test]
fn the_socket_is_given_back_as_it_was() {
    let game = Game::plain();
    assert_eq!(
        value(&get(&game.socket, "auth")),
        json!({"study": 7, "participant_token": "t0"})
    );
    game.session.call("dispose", &[]);
    assert_eq!(value(&get(&game.socket, "auth")), json!({"study": 7}));

    // Unless the page has set another one since.
    let game = Game::plain();
    Reflect::set(&game.socket, &"auth".into(), &js(&json!({"study": 8}))).unwrap();
    game.session.call("dispose", &[]);
    assert_eq!(value(&get(&game.socket, "auth")), json!({"study": 8}));
}

#[wasm_bindgen_test]
fn disposed_of_while_an_overlay_is_shown() {
    let input: web_sys::HtmlElement = {
        let document = web_sys::window().unwrap().document().unwrap();
        let input = document.create_element("input").unwrap();
        document.body().unwrap().append_child(&input).unwrap();
        input.unchecked_into()
    };
    input.focus().unwrap();
    let game = Game::plain();
    game.partner_excluded("Bye.");
    assert_eq!(text_of(PARTNERS, Some("#message")).unwrap(), "Bye.");
    assert_ne!(focused(), *input);
    End::Symbol.run(&game.session.js);
    assert_eq!(text_of(PARTNERS, None), None);
    assert_eq!(focused(), *input);
    input.remove();
}

#[wasm_bindgen_test]
async fn disposed_of_while_a_join_is_under_way() {
    forget_token();
    let socket = FakeSocket::new();
    let session = Session::attach(&socket, &NONE);
    let joined: Promise = session
        .call("join", &[js(&json!({"participantId": "ada"}))])
        .unchecked_into();
    End::Free.run(&session.js);
    disposed(JsFuture::from(joined).await);
    socket.ack_last(
        "join_game",
        json!({"ok": true, "participant_id": "ada", "participant_token": "late", "status": "waiting"}),
    );
    assert_eq!(value(&get(&socket, "auth")), json!({"study": 7}));
}

#[wasm_bindgen_test]
async fn disposed_of_while_an_upload_is_under_way() {
    let server = FakeServer::with_empty_outbox().await;
    server.set_deaf(1);
    let game = Game::plain();
    let big = Function::new_no_args(&format!("return {{ big: {:?} }}", noise(900_000)));
    game.session.call("setMetricsSource", &[big.into()]);
    game.session.call("complete", &[]);
    let asked = server.clone();
    until("the upload", move || asked.requests() > 0).await;
    let errors = listen_to_console("error");
    game.session.call("dispose", &[]);
    assert_eq!(server.documents(), json!({}));

    // What it could not send is left over for whoever comes next, in the same page too.
    let socket = FakeSocket::new();
    let next = Session::attach(&socket, &NONE);
    let told = next.hear("leftOvers");
    assert_eq!(
        told.first("the left-overs").await,
        json!({"sent": 1, "left": 0})
    );
    assert_eq!(server.documents().as_object().unwrap().len(), 1);
    assert_eq!(errors.said().length(), 0);
    errors.stop();
    next.call("dispose", &[]);
    server.stop();
}

/// A handler that disposes of the session, which is put in once it is there.
fn disposing(end: End) -> (JsValue, Rc<RefCell<JsValue>>) {
    let session = Rc::new(RefCell::new(JsValue::UNDEFINED));
    let held = Rc::clone(&session);
    let run = Closure::<dyn FnMut() -> JsValue>::new(move || {
        end.run(&held.borrow());
        js(&json!({"game": "data"}))
    });
    (run.into_js_value(), session)
}

#[wasm_bindgen_test]
fn disposed_of_in_a_handler_of_the_session_itself() {
    let errors = listen_to_console("error");
    for end in ENDS {
        let game = Game::plain();
        let (handler, session) = disposing(end);
        *session.borrow_mut() = game.session.js.clone();
        game.session
            .call("on", &["partnerExcluded".into(), handler]);
        let after = game.session.hear("partnerExcluded");
        let acks = game.socket.tell_for_ack(
            "partner_excluded",
            json!({"message": "Bye.", "frame_number": 12, "reason": "partner_exclusion", "game_id": "g1"}),
        );
        assert_eq!(
            acks,
            json!([{"ok": true}]),
            "the server is told all the same"
        );
        assert_eq!(after.count(), 0);
        assert_eq!(text_of(PARTNERS, None), None);
        assert_eq!(game.socket.listener_count(), 0);
    }
    assert_eq!(errors.said().length(), 0, "{:?}", errors.said());
    errors.stop();
}

#[wasm_bindgen_test]
async fn disposed_of_in_a_hook_of_the_page() {
    for hook in ["onStop", "navigate"] {
        let (handler, session) = disposing(End::Symbol);
        let game = Game::start(json!({}), &object(&[(hook, &handler)]));
        *session.borrow_mut() = game.session.js.clone();
        game.socket.answer(
            "emit_multiplayer_metrics",
            json!({"ok": true, "duplicate": false}),
        );
        game.socket.answer(
            "end_game_request_redirect",
            json!({"ok": true, "redirect_url": "/next", "redirect_timeout": 80, "completion_code": "C"}),
        );
        game.socket
            .answer("multiplayer_game_complete", json!({"ok": true}));
        game.session.call("complete", &[]);
        let socket = game.socket.clone();
        until("the end", move || socket.listener_count() == 0).await;
        disposed(game.session.try_call("status", &[]));
        assert_eq!(text_of("sessionCompleteOverlay", None), None);
    }
}

#[wasm_bindgen_test]
fn disposed_of_where_the_games_data_is_asked_for() {
    let game = Game::plain();
    let (source, session) = disposing(End::Free);
    *session.borrow_mut() = game.session.js.clone();
    game.session.call("setMetricsSource", &[source]);
    let metrics = value(&game.session.call("exportMetrics", &[]));
    assert_eq!(metrics["game"], "data");
    disposed(game.session.try_call("exportMetrics", &[]));
}

/// A second game in the same page; its overlay, if any, is the later one.
fn two_games() -> [Game; 2] {
    [Game::plain(), Game::plain()]
}

#[wasm_bindgen_test]
fn what_happens_to_one_session_happens_to_it_alone() {
    let [one, other] = two_games();
    let heard = other.session.hear("partnerExcluded");
    let listeners = other.socket.listener_count();
    one.session.call("frame", &[7.into()]);
    one.partner_excluded("Bye.");
    assert_eq!(one.session.status()["state"], "ended");
    assert_eq!(other.session.status()["state"], "playing");
    assert_eq!(other.session.status()["frame"], 0);
    assert_eq!(heard.count(), 0);
    one.session.call("dispose", &[]);
    assert_eq!(other.socket.listener_count(), listeners);
    assert_eq!(
        value(&get(&other.socket, "auth"))["participant_token"],
        "t0"
    );
    other
        .socket
        .tell("p2p_pause", json!({"game_id": "g1", "pause_frame": 3}));
    assert!(text_of(WAITING, None).is_some());
}

#[wasm_bindgen_test]
async fn the_ticker_of_one_session_outlives_the_other() {
    let metadata = json!({"continuous_tab_warning_ms": 20, "continuous_tab_exclude_ms": 60_000});
    for worker in [true, false] {
        let options = js(&json!({"worker": worker}));
        let one = Game::start(metadata.clone(), &options);
        let other = Game::start(metadata.clone(), &options);
        let warned = other.session.hear("warning");
        one.session.call("dispose", &[]);
        set_hidden(true);
        warned.first("the warning, which needs a ticker").await;
        drop(other);
    }
}

#[wasm_bindgen_test]
fn two_overlays_do_not_fight_for_the_focus() {
    let [one, other] = two_games();
    one.partner_excluded("Bye.");
    let first = focused();
    other
        .socket
        .tell("p2p_pause", json!({"game_id": "g1", "pause_frame": 3}));
    let second = part_of(WAITING, ".card").unwrap();
    assert_eq!(focused(), *second);
    assert!(press("Tab"));
    assert_eq!(focused(), *second, "the later overlay keeps the focus");

    // The earlier one goes, the later one stays where it is; then the other way round.
    one.session.call("dispose", &[]);
    assert_eq!(focused(), *second);
    drop(one);
    let third = Game::plain();
    third.partner_excluded("Bye again.");
    let last = focused();
    assert!(last != first && last != *second);
    third.session.call("dispose", &[]);
    assert_eq!(focused(), *second);
}

#[wasm_bindgen_test]
async fn what_one_session_sends_is_not_left_over_for_the_other() {
    let server = FakeServer::with_empty_outbox().await;
    let one = Game::plain();
    let exported = one.session.hear("exported");
    one.session.call("complete", &[]);
    let waiting = one.socket.payloads("emit_multiplayer_metrics");
    assert_eq!(waiting.len(), 1);
    let other = Game::plain();
    let left_overs: Heard = other.session.hear("leftOvers");
    let told = left_overs.first("the left-overs of nobody").await;
    assert_eq!(told, json!({"sent": 0, "left": 0}));
    assert_eq!(server.requests(), 0);
    one.socket.ack_last(
        "emit_multiplayer_metrics",
        json!({"ok": true, "export_id": waiting[0]["export_id"], "duplicate": false}),
    );
    exported.first("the ack").await;
    server.stop();
}
