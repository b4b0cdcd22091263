//! After `dispose()` nothing is left; and the ticker takes what the browser lets it have.

#![cfg(target_arch = "wasm32")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Function;
use serde_json::{Value, json};
use support::{
    FakeSocket, Game, Session, audit, break_workers, get, js, set_hidden, text_of, until, value,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NONE: JsValue = JsValue::UNDEFINED;

fn nothing() -> Value {
    json!({"listeners": 0, "socketListeners": 0, "timers": 0, "workers": 0, "nodes": 0})
}

/// A session with everything on show: overlay, banner, and pings that nobody has acked.
async fn busy_game(options: Value) -> Game {
    let game = Game::start(
        json!({"continuous_max_ping": 10, "ping_interval_ms": 5, "reconnect_grace_ms": 60_000}),
        &js(&options),
    );
    game.session.hear("warning");
    let source = Function::new_no_args("return {}");
    game.session.call("setMetricsSource", &[source.into()]);
    game.session.call("recordPing", &[500.into()]);
    let socket = game.socket.clone();
    until("pings and the banner", move || {
        socket.payloads("ping").len() > 3 && text_of("monitorWarningBanner", Some("p")).is_some()
    })
    .await;
    game.socket
        .tell("p2p_pause", json!({"game_id": "g1", "pause_frame": 3}));
    assert!(text_of("reconnectingOverlay", None).is_some());
    game
}

async fn leaves_nothing(options: Value, expect_worker: bool, ended: bool) {
    let socket = FakeSocket::new();
    let audit = audit(&socket);
    let game = busy_game(options).await;
    let during = value(&audit.counts());
    if ended {
        game.partner_excluded("Bye.");
        game.trigger_export();
        assert!(text_of("partnerExcludedOverlay", None).is_some());
    }
    assert!(during["listeners"].as_u64().unwrap() >= 7, "{during}");
    assert!(during["nodes"].as_u64().unwrap() >= 2, "{during}");
    assert_eq!(during["workers"], u64::from(expect_worker), "{during}");
    assert_eq!(during["timers"], u64::from(!expect_worker), "{during}");
    assert!(game.socket.listener_count() >= 15);

    game.session.call("dispose", &[]);
    assert_eq!(value(&audit.counts()), nothing());
    assert_eq!(game.socket.listener_count(), 0);

    // What still arrives finds nobody, and breaks nothing.
    let sent = game.socket.outstanding_acks();
    assert!(sent.length() > 4);
    for ack in sent.iter() {
        ack.unchecked_into::<Function>()
            .call1(&NONE, &js(&json!({"ok": true})))
            .unwrap();
    }
    set_hidden(true);
    set_hidden(false);
    game.socket.tell("pong", json!({"seq": 1}));
    assert_eq!(value(&audit.counts()), nothing());
    audit.stop_audit();
}

#[wasm_bindgen_test]
async fn dispose_leaves_nothing_of_a_session_with_a_worker() {
    for ended in [false, true] {
        leaves_nothing(json!({}), true, ended).await;
    }
}

#[wasm_bindgen_test]
async fn dispose_leaves_nothing_of_a_session_without_a_worker() {
    for ended in [false, true] {
        leaves_nothing(json!({"worker": false}), false, ended).await;
    }
}

#[wasm_bindgen_test]
fn a_listener_that_was_about_to_be_called_finds_a_disposed_session() {
    let socket = FakeSocket::new();
    let session: Rc<RefCell<Option<Session>>> = Rc::default();
    // The page listens too and was there first: ours is next in the emitter's list when the page disposes of the session.
    let page = {
        let session = Rc::clone(&session);
        Closure::<dyn FnMut()>::new(move || {
            session.borrow().as_ref().unwrap().call("dispose", &[]);
        })
    };
    let on: Function = get(&socket, "on").unchecked_into();
    on.call2(&socket, &"p2p_pause".into(), page.as_js_value())
        .unwrap();
    *session.borrow_mut() = Some(Session::attach(&socket, &NONE));
    socket.tell("p2p_pause", json!({"game_id": "g1", "pause_frame": 1}));
    assert_eq!(socket.listener_count(), 1, "the page's own");
}

/// The game's clock moves: a hidden tab is excluded.
async fn ticks(game: &Game) {
    let warned = game.session.hear("warning");
    set_hidden(true);
    warned.first("the warning, which needs a ticker").await;
}

const SHORT: &str = r#"{"continuous_tab_warning_ms": 20, "continuous_tab_exclude_ms": 60000}"#;

#[wasm_bindgen_test]
async fn a_refused_worker_is_replaced_by_a_timer() {
    for how in ["throws", "errors"] {
        let broken = break_workers(how);
        let audit = audit(&FakeSocket::new());
        let game = Game::start(serde_json::from_str(SHORT).unwrap(), &NONE);
        ticks(&game).await;
        let asked = value(&broken.asked());
        assert!(
            asked[0].as_str().unwrap().ends_with("/js/ticker.js"),
            "{asked}"
        );
        assert!(
            asked[1]
                .as_str()
                .unwrap()
                .starts_with("data:text/javascript,"),
            "{asked}"
        );
        assert_eq!(asked.as_array().unwrap().len(), 2);
        drop(game);
        assert_eq!(value(&audit.counts())["timers"], 0);
        audit.stop_audit();
        broken.mend();
    }
}

#[wasm_bindgen_test]
async fn a_script_that_is_not_there_is_replaced_by_the_one_inside() {
    let audit = audit(&FakeSocket::new());
    let options = js(&json!({"workerUrl": "/not/there.js"}));
    let game = Game::start(serde_json::from_str(SHORT).unwrap(), &options);
    ticks(&game).await;
    assert_eq!(audit.workers_ever(), 2);
    assert_eq!(value(&audit.counts())["workers"], 1);
    drop(game);
    assert_eq!(value(&audit.counts()), nothing());
    audit.stop_audit();
}

#[wasm_bindgen_test]
async fn no_worker_is_made_where_the_page_wants_none() {
    let audit = audit(&FakeSocket::new());
    let game = Game::start(
        serde_json::from_str(SHORT).unwrap(),
        &js(&json!({"worker": false})),
    );
    ticks(&game).await;
    assert_eq!(audit.workers_ever(), 0);
    drop(game);
    assert_eq!(value(&audit.counts()), nothing());
    audit.stop_audit();
}
