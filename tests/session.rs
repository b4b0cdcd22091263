//! The session through the page's own eyes: joining, playing, events, errors.

#![cfg(target_arch = "wasm32")]

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Promise};
use serde_json::{Value, json};
use support::{
    FakeSocket, Game, Session, code_of, forget_token, get, js, object, ready, set_hidden, until,
    value,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NONE: JsValue = JsValue::UNDEFINED;

fn joined(token: &str) -> Value {
    json!({"ok": true, "participant_id": "ada", "participant_token": token, "status": "waiting"})
}

async fn join(session: &Session, options: Value) -> Result<Value, JsValue> {
    let promise: Promise = session.call("join", &[js(&options)]).unchecked_into();
    JsFuture::from(promise).await.map(|answer| value(&answer))
}

#[wasm_bindgen_test]
async fn join_resolves_with_who_the_participant_is() {
    forget_token();
    let socket = FakeSocket::new();
    socket.answer("join_game", joined("t1"));
    let session = Session::attach(&socket, &NONE);
    let answer = join(&session, json!({"participantId": "ada", "sceneId": "grid"}))
        .await
        .unwrap();
    assert_eq!(
        answer,
        json!({"participantId": "ada", "participantToken": "t1", "status": "waiting"})
    );
    assert_eq!(
        socket.payloads("join_game"),
        [json!({"scene_id": "grid", "participant_id": "ada"})]
    );
    assert_eq!(session.status()["state"], "waiting");
    assert_eq!(
        value(&get(&socket, "auth")),
        json!({"study": 7, "participant_token": "t1"})
    );

    // After a reload the token proves that this is the same participant.
    let reloaded = Session::attach(&socket, &NONE);
    join(&reloaded, json!({"participantId": "ada"}))
        .await
        .unwrap();
    assert_eq!(
        socket.payloads("join_game")[1],
        json!({"participant_id": "ada", "participant_token": "t1"})
    );
    session.call("dispose", &[]);
    reloaded.call("dispose", &[]);
    forget_token();
}

#[wasm_bindgen_test]
async fn a_page_that_computes_its_auth_keeps_doing_so() {
    let socket = FakeSocket::new();
    let page_auth = Function::new_with_args("answer", "answer({study: 8})");
    js_sys::Reflect::set(&socket, &"auth".into(), &page_auth).unwrap();
    socket.answer("join_game", joined("t2"));
    let session = Session::attach(&socket, &NONE);
    join(&session, json!({})).await.unwrap();
    let shown = Rc::new(RefCell::new(Value::Null));
    let answer = {
        let shown = Rc::clone(&shown);
        Closure::<dyn FnMut(JsValue)>::new(move |auth: JsValue| *shown.borrow_mut() = value(&auth))
    };
    let auth: Function = get(&socket, "auth").unchecked_into();
    auth.call1(&NONE, answer.as_js_value()).unwrap();
    assert_eq!(
        *shown.borrow(),
        json!({"study": 8, "participant_token": "t2"})
    );
    session.call("dispose", &[]);
    forget_token();
}

#[wasm_bindgen_test]
async fn join_rejects_with_the_servers_reason() {
    let socket = FakeSocket::new();
    let refusal =
        json!({"ok": false, "error": {"code": "unknown_game", "message": "no such scene: gird"}});
    socket.answer("join_game", refusal);
    let session = Session::attach(&socket, &NONE);
    let errors = session.hear("error");
    let error = join(&session, json!({"sceneId": "gird"}))
        .await
        .unwrap_err();
    assert_eq!(code_of(&error), "unknown_game");
    assert_eq!(get(&error, "message"), "no such scene: gird");
    assert_eq!(
        errors.payloads(),
        json!([{"code": "unknown_game", "message": "no such scene: gird"}])
    );
    assert_eq!(session.status()["state"], "idle");
    session.call("dispose", &[]);
}

#[wasm_bindgen_test]
async fn dispose_ends_a_join_that_nobody_answered() {
    let socket = FakeSocket::new();
    let session = Session::attach(&socket, &NONE);
    let promise: Promise = session.call("join", &[]).unchecked_into();
    session.call("dispose", &[]);
    assert_eq!(
        code_of(&JsFuture::from(promise).await.unwrap_err()),
        "disposed"
    );
}

#[wasm_bindgen_test]
fn the_page_is_told_of_its_seat_and_of_the_scene() {
    let socket = FakeSocket::new();
    socket.answer("join_game", joined("t0"));
    let session = Session::attach(&socket, &NONE);
    let assigned = session.hear("assigned");
    let told = session.hear("ready");
    session.call("join", &[js(&json!({"participantId": "ada"}))]);
    socket.tell(
        "pyodide_player_assigned",
        json!({"player_id": 0, "game_id": "g1", "game_seed": 42, "num_players": 2}),
    );
    let scene = ready(json!({}));
    socket.tell("pyodide_game_ready", scene.clone());
    assert_eq!(
        assigned.payloads(),
        json!([{"playerId": 0, "gameId": "g1", "gameSeed": 42, "numPlayers": 2}])
    );
    assert_eq!(
        told.payloads(),
        json!([{
            "gameId": "g1", "players": [0, 1], "playerSubjects": {"0": "ada", "1": "bert"},
            "sceneMetadata": scene["scene_metadata"],
        }])
    );
    session.call("frame", &[7.into()]);
    session.call("episodeStarted", &[]);
    let status = session.status();
    assert_eq!(
        status,
        json!({
            "state": "playing", "ping": null, "hidden": false, "frame": 7, "episode": 0,
            "completedEpisodes": 0, "playerId": 0, "gameId": "g1", "connected": true, "warnings": 0,
        })
    );
    session.call("pause", &[]);
    assert_eq!(session.status()["state"], "paused");
    session.call("resume", &[]);
    assert_eq!(session.status()["state"], "playing");
    session.call("dispose", &[]);
    forget_token();
}

#[wasm_bindgen_test]
async fn pings_are_answered_and_measured() {
    let game = Game::start(json!({"ping_interval_ms": 20}), &NONE);
    let ping = game.socket.payloads("ping")[0].clone();
    assert_eq!(ping["seq"], 0);
    assert_eq!(game.session.status()["ping"], Value::Null);
    game.socket.ack_last("ping", json!({"seq": 0}));
    game.socket.answer("ping", json!({}));
    let (socket, js) = (game.socket.clone(), game.session.js.clone());
    let session = Session { js };
    until("round trips", move || {
        socket.payloads("ping").len() >= 4 && session.status()["ping"].is_number()
    })
    .await;
    let metrics = value(&game.session.call("exportMetrics", &[]));
    assert!(metrics["latency"]["count"].as_u64().unwrap() >= 1);
    assert_eq!(metrics["latency"]["lost"], 0);
}

#[wasm_bindgen_test]
fn the_servers_probe_is_answered_with_how_the_page_is() {
    let game = Game::plain();
    game.session.call("frame", &[33.into()]);
    let answer = game
        .socket
        .tell_for_ack("presence_probe", json!({"seq": 5}));
    assert_eq!(answer[0]["seq"], 5);
    assert_eq!(answer[0]["hidden"], false);
    assert_eq!(answer[0]["hidden_ms"], 0);
    assert_eq!(answer[0]["frame_number"], 33);
    set_hidden(true);
    let answer = game
        .socket
        .tell_for_ack("presence_probe", json!({"seq": 6}));
    assert_eq!(answer[0]["hidden"], true);
    assert_eq!(answer.as_array().unwrap().len(), 1);
    assert_eq!(game.session.status()["hidden"], true);
}

#[wasm_bindgen_test]
fn a_payload_that_breaks_the_contract_is_reported_and_changes_nothing() {
    let game = Game::plain();
    let errors = game.session.hear("error");
    let before = game.session.status();
    for payload in [
        json!(null),
        json!("x"),
        json!([]),
        json!({}),
        json!({"game_id": 5}),
    ] {
        game.socket.tell("participant_excluded", payload);
    }
    assert_eq!(game.session.status(), before);
    assert_eq!(errors.count(), 5);
    assert_eq!(errors.payloads()[0]["code"], "invalid_payload");
    // An ack without a payload at all.
    assert_eq!(
        value(&game.socket.deliver_for_ack_without_payload("pong")),
        json!([{"ok": true}])
    );
}

#[wasm_bindgen_test]
fn a_lost_socket_pauses_the_game_and_its_return_goes_on() {
    let game = Game::plain();
    let (paused, resumed) = (game.session.hear("paused"), game.session.hear("resumed"));
    game.socket.deliver("disconnect", &"transport close".into());
    assert_eq!(
        paused.payloads(),
        json!([{"reason": "connection", "playerId": 0}])
    );
    assert_eq!(game.session.status()["connected"], false);
    game.socket.deliver("connect", &NONE);
    assert_eq!(resumed.payloads(), json!([{}]));
    assert_eq!(game.session.status()["state"], "playing");
}

#[wasm_bindgen_test]
fn what_a_handler_throws_stays_with_the_handler() {
    let game = Game::plain();
    let console = support::listen_to_console("error");
    let throwing = Function::new_no_args("throw new Error('the page is broken')");
    game.session
        .call("on", &["partnerExcluded".into(), throwing.into()]);
    let others = game.session.hear("partnerExcluded");
    game.partner_excluded("Bye.");
    console.stop();
    assert_eq!(others.payloads(), json!([{"message": "Bye.", "frame": 12}]));
    assert_eq!(
        value(&console.said()),
        json!(["stillhere: the page is broken"])
    );
    assert_eq!(game.session.status()["state"], "ended");
}

#[wasm_bindgen_test]
fn handlers_may_call_back_into_the_session() {
    let game = Game::plain();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let session = Session {
        js: game.session.js.clone(),
    };
    {
        let seen = Rc::clone(&seen);
        game.session.on("partnerExcluded", move |_| {
            seen.borrow_mut().push(session.status()["state"].clone());
            session.call("frame", &[99.into()]);
            session.call("pause", &[]);
            session.call("exportMetrics", &[]);
            session.call("dispose", &[]);
        });
    }
    let after = game.session.hear("partnerExcluded");
    game.partner_excluded("Bye.");
    assert_eq!(*seen.borrow(), ["ended"]);
    assert_eq!(after.count(), 0, "a disposed session tells nobody anything");
    assert_eq!(support::text_of("partnerExcludedOverlay", None), None);
    assert_eq!(game.socket.listener_count(), 0);
}

#[wasm_bindgen_test]
fn what_a_handler_sets_off_is_told_after_what_it_was_told() {
    let game = Game::plain();
    let order = Rc::new(RefCell::new(Vec::new()));
    let note = |what: &'static str| {
        let order = Rc::clone(&order);
        move |_| order.borrow_mut().push(what)
    };
    let socket = game.socket.clone();
    game.session
        .on("paused", move |_| socket.deliver("connect", &NONE));
    game.session.on("resumed", note("resumed"));
    game.session.on("paused", note("paused"));
    game.socket.deliver("disconnect", &NONE);
    assert_eq!(*order.borrow(), ["paused", "resumed"]);
}

#[wasm_bindgen_test]
fn a_handler_hears_until_it_unsubscribes() {
    let game = Game::plain();
    let count = Rc::new(Cell::new(0));
    let unsubscribe = {
        let count = Rc::clone(&count);
        game.session
            .on("error", move |_| count.set(count.get() + 1))
    };
    game.socket.tell("p2p_pause", json!(1));
    unsubscribe.call0(&NONE).unwrap();
    unsubscribe.call0(&NONE).unwrap();
    let console = support::listen_to_console("error");
    game.socket.tell("p2p_pause", json!(2));
    console.stop();
    assert_eq!(count.get(), 1);
    assert_eq!(
        console.said().length(),
        1,
        "an error that nobody hears is said on the console"
    );
}

#[wasm_bindgen_test]
fn arguments_that_make_no_sense_are_refused_by_name() {
    let game = Game::plain();
    let text = JsValue::from("x");
    let circular = object(&[]);
    js_sys::Reflect::set(&circular, &"self".into(), &circular).unwrap();
    for (method, args) in [
        ("frame", vec![JsValue::from(-1)]),
        ("frame", vec![text.clone()]),
        ("frame", vec![1.5.into()]),
        ("frame", vec![f64::INFINITY.into()]),
        ("frame", vec![]),
        ("recordPing", vec![f64::NAN.into()]),
        ("recordPing", vec![(-1).into()]),
        ("setMetricsSource", vec![text.clone()]),
        ("episodeCompleted", vec![circular]),
        ("on", vec!["warning".into(), text.clone()]),
        (
            "on",
            vec!["warnings".into(), Function::new_no_args("").into()],
        ),
    ] {
        let error = game.session.try_call(method, &args).unwrap_err();
        assert_eq!(code_of(&error), "invalid_argument", "{method}({args:?})");
    }
    let error = game
        .session
        .try_call("on", &["warnings".into(), text])
        .unwrap_err();
    let message = get(&error, "message").as_string().unwrap();
    assert!(
        message.contains("warnings") && message.contains("partnerExcluded"),
        "{message}"
    );
    assert_eq!(game.session.status()["completedEpisodes"], 0);
    let error = game
        .session
        .try_call("join", &[js(&json!({"participantId": ""}))])
        .unwrap_err();
    assert_eq!(code_of(&error), "invalid_options");
}

#[wasm_bindgen_test]
fn every_frame_counts_whether_or_not_it_takes_the_quick_way() {
    let game = Game::start(
        json!({"has_continuous_callback": true, "continuous_callback_interval_frames": 30}),
        &NONE,
    );
    let other = Game::plain();
    let frame = |n: f64| game.session.call("frame", &[n.into()]);
    let reached = || game.session.status()["frame"].clone();
    assert_eq!(reached(), 0);
    // The last ones are too large for the quick way; then the game counts anew.
    for n in [
        1.0,
        2_147_483_648.0,
        4_294_967_296.0,
        9_007_199_254_740_991.0,
    ] {
        frame(n);
        assert_eq!(reached(), n as u64);
    }
    for n in [9_007_199_254_740_992.0, -1.0, 0.5, f64::NAN] {
        let error = game.session.try_call("frame", &[n.into()]).unwrap_err();
        assert_eq!(code_of(&error), "invalid_argument", "{n}");
    }
    assert_eq!(reached(), 9_007_199_254_740_991_u64);
    frame(8.0);
    frame(9.0);
    assert_eq!(other.session.status()["frame"], 0);
    let probe = game
        .socket
        .tell_for_ack("presence_probe", json!({"seq": 4}));
    assert_eq!(probe[0]["frame_number"], 9);
    // What is asked every 30 frames was passed long ago, and names the frame at which it is asked.
    frame(47.0);
    game.session.call("recordPing", &[20.into()]);
    let asked = &game.socket.payloads("execute_continuous_callback")[0];
    assert_eq!(asked["context"]["frame_number"], 47);
    frame(0.0);
    game.session.call("episodeStarted", &[]);
    frame(12.0);
    let metrics = value(&game.session.call("exportMetrics", &[]));
    assert_eq!(metrics["sessionStatus"]["terminationFrame"], 12);
    assert_eq!(metrics["episodes"][0]["startFrame"], 0);
}

#[wasm_bindgen_test]
fn a_disposed_session_says_so() {
    let game = Game::plain();
    game.session.call("dispose", &[]);
    game.session.call("dispose", &[]);
    for (method, args) in [
        ("join", vec![]),
        ("frame", vec![JsValue::from(1)]),
        ("episodeStarted", vec![]),
        ("episodeCompleted", vec![]),
        ("pause", vec![]),
        ("resume", vec![]),
        ("recordPing", vec![20.into()]),
        ("setMetricsSource", vec![JsValue::NULL]),
        ("status", vec![]),
        ("exportMetrics", vec![]),
        ("complete", vec![]),
        (
            "on",
            vec!["warning".into(), Function::new_no_args("").into()],
        ),
    ] {
        let error = game.session.try_call(method, &args).unwrap_err();
        assert_eq!(code_of(&error), "disposed", "{method}");
    }
}

#[wasm_bindgen_test]
fn the_frame_that_was_reached_is_the_frame_of_the_verdict() {
    let game = Game::start(
        json!({"continuous_max_ping": 100, "ping_interval_ms": 1}),
        &NONE,
    );
    let excluded = game.session.hear("excluded");
    let warned = game.session.hear("warning");
    game.session.call("frame", &[0.into()]);
    for _ in 0..3 {
        let begin = js_sys::Date::now();
        while js_sys::Date::now() - begin < 2.0 {}
        game.session.call("recordPing", &[250.into()]);
    }
    game.socket.ack_last(
        "mid_game_exclusion",
        json!({"ok": true, "outcome": "accepted"}),
    );
    assert_eq!(warned.payloads()[0]["kind"], "ping");
    assert_eq!(excluded.payloads()[0]["reason"], "sustained_ping");
    assert_eq!(excluded.payloads()[0]["frame"], 0);
    let report = &game.socket.payloads("mid_game_exclusion")[0];
    assert_eq!(report["player_id"], 0);
    assert_eq!(report["evidence"]["rule"], "sustained_ping");
    assert_eq!(report["evidence"]["decidedBy"], "client");
    assert_eq!(report["evidence"]["samples"].as_array().unwrap().len(), 3);
}
