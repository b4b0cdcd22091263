//! What is sent at the end.

#![cfg(target_arch = "wasm32")]

mod support;

use js_sys::Function;
use serde_json::{Value, json};
use support::{Game, js, set_hidden, text_of, value};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NONE: JsValue = JsValue::UNDEFINED;

fn source(game: &Game, body: &str) {
    game.session
        .call("setMetricsSource", &[Function::new_no_args(body).into()]);
}

fn sent(game: &Game) -> Vec<Value> {
    game.socket.payloads("emit_multiplayer_metrics")
}

#[wasm_bindgen_test]
fn a_partners_export_says_why_it_is_partial() {
    let game = Game::plain();
    game.session.call("episodeStarted", &[]);
    game.session.call("frame", &[9.into()]);
    game.session
        .call("episodeCompleted", &[js(&json!({"score": 3}))]);
    game.session.call("episodeStarted", &[]);
    game.session.call("frame", &[14.into()]);
    game.partner_excluded("Bye.");
    assert!(sent(&game).is_empty(), "not before the server asks");
    game.trigger_export();
    let export = &sent(&game)[0];
    assert_eq!(export["scene_id"], "grid");
    assert!(export["export_id"].as_str().unwrap().len() > 20);
    let metrics = &export["metrics"];
    let status = &metrics["sessionStatus"];
    assert_eq!(
        (
            &status["isPartial"],
            &status["terminationReason"],
            &status["terminatedBy"]
        ),
        (&json!(true), &json!("partner_exclusion"), &json!("partner"))
    );
    assert_eq!(status["terminationFrame"], 12);
    assert_eq!(status["completedEpisodes"], 1);
    assert_eq!(status["disconnectedPlayerId"], Value::Null);
    assert!(status["terminatedAtTimestamp"].as_f64().unwrap() > 1.7e12);
    assert_eq!(metrics["episodes"][0]["summary"], json!({"score": 3}));
    assert_eq!(metrics["episodes"][0]["endFrame"], 9);
    assert_eq!(metrics["episodes"][1]["endFrame"], Value::Null);
    assert_eq!(metrics["episodes"][1].get("summary"), None);
    assert_eq!(
        (&metrics["gameId"], &metrics["playerId"]),
        (&json!("g1"), &json!(0))
    );
}

#[wasm_bindgen_test]
fn a_game_played_to_its_end_is_not_partial() {
    let game = Game::plain();
    game.session.call("frame", &[30.into()]);
    game.session.call("complete", &[]);
    let status = &sent(&game)[0]["metrics"]["sessionStatus"];
    assert_eq!(status["isPartial"], false);
    assert_eq!(status["terminationReason"], "normal");
    assert_eq!(status["terminatedBy"], Value::Null);
    assert_eq!(
        game.socket.payloads("multiplayer_game_complete"),
        [json!({"game_id": "g1", "player_id": 0})]
    );
}

#[wasm_bindgen_test]
fn the_game_cannot_speak_in_our_name() {
    let game = Game::plain();
    source(
        &game,
        "return JSON.parse('{\"game\": {\"score\": 4}, \"sessionStatus\": {\"isPartial\": false}, \
         \"gameId\": \"other\", \"latency\": null, \"__proto__\": {\"monitor\": 1}}')",
    );
    game.partner_excluded("Bye.");
    game.trigger_export();
    let metrics = &sent(&game)[0]["metrics"];
    assert_eq!(metrics["game"], json!({"score": 4}));
    assert_eq!(metrics["sessionStatus"]["isPartial"], true);
    assert_eq!(metrics["gameId"], "g1");
    assert!(metrics["latency"].is_object());
    assert!(metrics["monitor"].is_object());
}

#[wasm_bindgen_test]
async fn a_source_that_fails_is_reported_and_the_export_goes_on_without() {
    for body in [
        "throw new Error('no data')",
        "const a = {}; a.a = a; return a",
        "return {n: 1n}",
        "return [1]",
        "return 'text'",
        "return null",
        "",
        "return Promise.resolve({})",
    ] {
        let game = Game::plain();
        let errors = game.session.hear("error");
        source(&game, body);
        game.session.call("complete", &[]);
        // What contains itself looks large, and is written later.
        let error = errors.first("what is wrong").await;
        assert_eq!(error["code"], "metrics_source_failed", "{body}");
        assert_eq!(
            sent(&game)[0]["metrics"]["sessionStatus"]["isPartial"],
            false,
            "{body}"
        );
        // Whatever is asked for later can still be built.
        game.session.call("setMetricsSource", &[JsValue::NULL]);
        assert!(value(&game.session.call("exportMetrics", &[]))["latency"].is_object());
    }
}

#[wasm_bindgen_test]
fn a_source_may_dispose_of_the_session_that_asks() {
    let game = Game::plain();
    js_sys::Reflect::set(&js_sys::global(), &"disposable".into(), &game.session.js).unwrap();
    source(&game, "globalThis.disposable.dispose(); return {}");
    game.session.call("complete", &[]);
    assert!(sent(&game).is_empty());
    assert_eq!(text_of("sessionCompleteOverlay", None), None);
    assert_eq!(game.socket.listener_count(), 0);
}

#[wasm_bindgen_test]
fn the_metrics_can_be_looked_at_before_the_end() {
    let game = Game::plain();
    source(&game, "return {moves: [1, 2]}");
    game.session.call("recordPing", &[40.into()]);
    set_hidden(true);
    let metrics = value(&game.session.call("exportMetrics", &[]));
    assert_eq!(metrics["moves"], json!([1, 2]));
    assert_eq!(metrics["latency"]["count"], 1);
    assert_eq!(metrics["latency"]["median"], 40);
    assert_eq!(metrics["focusLoss"]["periodCount"], 1);
    assert_eq!(
        metrics["focusLoss"]["backgroundPeriods"][0]["end"],
        Value::Null
    );
    assert_eq!(metrics["sessionStatus"]["isPartial"], true);
    assert!(sent(&game).is_empty());
}

#[wasm_bindgen_test]
fn the_same_export_is_sent_again_after_a_reconnect() {
    let game = Game::plain();
    let exported = game.session.hear("exported");
    game.session.call("complete", &[]);
    game.socket.deliver("disconnect", &NONE);
    game.socket.deliver("connect", &NONE);
    let sent = sent(&game);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    for ack in game.socket.outstanding_acks().iter() {
        // Each ack comes late, in the order in which they were asked for, and some come twice.
        let ack: Function = wasm_bindgen::JsCast::unchecked_into(ack);
        ack.call1(&NONE, &js(&json!({"ok": true, "duplicate": true})))
            .unwrap();
        ack.call0(&NONE).unwrap();
    }
    assert_eq!(
        exported.payloads(),
        json!([{"exportId": sent[0]["export_id"], "duplicate": true}])
    );
}

#[wasm_bindgen_test]
fn summaries_of_one_game_do_not_leak_into_the_next() {
    let game = Game::plain();
    game.session.call("episodeStarted", &[]);
    game.session
        .call("episodeCompleted", &[js(&json!({"score": 3}))]);
    game.socket.tell(
        "pyodide_player_assigned",
        json!({"player_id": "b", "game_id": "g2", "game_seed": 1, "num_players": 2}),
    );
    game.session.call("episodeStarted", &[]);
    let metrics = value(&game.session.call("exportMetrics", &[]));
    assert_eq!(metrics["gameId"], "g2");
    assert_eq!(metrics["episodes"][0].get("summary"), None);
}
