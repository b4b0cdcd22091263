//! Data that cannot be sent at once: kept in the browser's own database, and sent in chunks, now or by a later page.

#![cfg(target_arch = "wasm32")]

mod support;

use js_sys::{Function, Promise};
use serde_json::{Value, json};
use support::{Audit, FakeSocket, Game, Session, audit, get, js, object, text_of, until, value};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NONE: JsValue = JsValue::UNDEFINED;
const OVERLAY: &str = "sessionCompleteOverlay";

#[wasm_bindgen(module = "/tests/support/page.js")]
extern "C" {
    #[wasm_bindgen(js_name = clearOutbox)]
    fn clear_outbox_js() -> Promise;
    #[wasm_bindgen(js_name = kept)]
    fn kept_js() -> Promise;
    #[wasm_bindgen(js_name = leaveBehind)]
    fn leave_behind_js(id: &str, metrics: &JsValue, url: &str) -> Promise;
    #[wasm_bindgen(js_name = fillTheDisk)]
    fn fill_the_disk() -> Function;
    #[wasm_bindgen(js_name = browserSays)]
    fn browser_says(name: &str);
    fn noise(bytes: u32) -> String;

    #[derive(Clone)]
    type FakeServer;
    #[wasm_bindgen(constructor)]
    fn new() -> FakeServer;
    #[wasm_bindgen(method)]
    fn begun(this: &FakeServer, id: &str, bytes: u32) -> Promise;
    #[wasm_bindgen(method, setter)]
    fn set_deaf(this: &FakeServer, requests: u32);
    #[wasm_bindgen(method, setter)]
    fn set_refusal(this: &FakeServer, refusal: &JsValue);
    #[wasm_bindgen(method)]
    fn stop(this: &FakeServer);
}

impl FakeServer {
    fn requests(&self) -> Vec<Value> {
        match value(&get(self, "requests")) {
            Value::Array(requests) => requests,
            other => panic!("{other}"),
        }
    }

    fn documents(&self) -> Value {
        value(&get(self, "documents"))
    }
}

/// An empty database, and a server in place of the network.
struct World(FakeServer);

impl World {
    async fn new() -> Self {
        JsFuture::from(clear_outbox_js()).await.unwrap();
        Self(FakeServer::new())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.0.stop();
    }
}

async fn kept() -> Vec<Value> {
    match value(&JsFuture::from(kept_js()).await.unwrap()) {
        Value::Array(records) => records,
        other => panic!("{other}"),
    }
}

/// Until so many exports are kept.
async fn until_kept(count: usize) -> Vec<Value> {
    for _ in 0..2_000 {
        let records = kept().await;
        if records.len() == count {
            return records;
        }
    }
    panic!("{} are kept, not {count}", kept().await.len());
}

/// What is kept is one compressed record. A browser may need a second try for that.
async fn until_compressed() {
    for _ in 0..2_000 {
        let kept = kept().await;
        if kept.len() == 1 && kept[0]["encoding"] == "gzip" {
            return;
        }
    }
    panic!("nothing is compressed: {:?}", kept().await);
}

async fn leave_behind(id: &str, metrics: Value, url: &str) {
    JsFuture::from(leave_behind_js(id, &js(&metrics), url))
        .await
        .unwrap();
}

fn status() -> String {
    text_of(OVERLAY, Some("#status")).unwrap_or_default()
}

fn origin() -> String {
    web_sys::window().unwrap().location().origin().unwrap()
}

#[wasm_bindgen_test]
async fn an_export_is_kept_until_the_server_has_it() {
    let _world = World::new().await;
    let game = Game::plain();
    game.session.call("complete", &[]);
    let records = until_kept(1).await;
    let sent = &game.socket.payloads("emit_multiplayer_metrics")[0];
    assert_eq!(records[0]["export_id"], sent["export_id"]);
    assert_eq!(records[0]["body"], sent["metrics"]);
    assert_eq!(records[0]["scene_id"], "grid");
    assert_eq!(records[0]["participant_id"], "ada");
    assert_eq!(records[0]["token"], "t0");
    assert_eq!(records[0]["url"], origin());
    game.socket.ack_last(
        "emit_multiplayer_metrics",
        json!({"ok": true, "duplicate": false}),
    );
    until_kept(0).await;
}

#[wasm_bindgen_test]
async fn the_server_is_where_the_socket_says() {
    let _world = World::new().await;
    for (uri, expected) in [
        (
            "wss://games.example:8443/study?x=1",
            "https://games.example:8443".to_owned(),
        ),
        ("/relative", origin()),
    ] {
        let game = Game::plain();
        js_sys::Reflect::set(&game.socket, &"io".into(), &js(&json!({"uri": uri}))).unwrap();
        game.session.call("complete", &[]);
        let records = until_kept(1).await;
        assert_eq!(records[0]["url"], expected);
        game.socket
            .ack_last("emit_multiplayer_metrics", json!({"ok": true}));
        until_kept(0).await;
    }
}

#[wasm_bindgen_test]
async fn what_an_earlier_page_left_is_sent_with_its_own_token() {
    let world = World::new().await;
    leave_behind("old/1", json!({"moves": [1, 2]}), "https://other.example").await;
    let socket = FakeSocket::new();
    let session = Session::attach(&socket, &NONE);
    let told = session.hear("leftOvers");
    assert_eq!(
        told.first("the left-overs").await,
        json!({"sent": 1, "left": 0})
    );
    assert_eq!(
        world.0.requests(),
        [json!({
            "url": "https://other.example/api/exports/old%2F1?scene_id=old%20scene", "offset": 0,
            "complete": "?1", "token": "Bearer old token", "bytes": world.0.requests()[0]["bytes"],
        })]
    );
    assert_eq!(world.0.documents(), json!({"old/1": {"moves": [1, 2]}}));
    until_kept(0).await;
    session.call("dispose", &[]);
}

#[wasm_bindgen_test]
async fn what_could_not_be_sent_goes_when_the_network_is_back() {
    let world = World::new().await;
    world.0.set_deaf(1);
    leave_behind("old", json!({}), &origin()).await;
    let socket = FakeSocket::new();
    let session = Session::attach(&socket, &NONE);
    let told = session.hear("leftOvers");
    assert_eq!(
        told.first("the left-overs").await,
        json!({"sent": 0, "left": 1})
    );
    // It is compressed now, and stays so.
    until_compressed().await;
    let exported = session.hear("exported");
    browser_says("online");
    assert_eq!(exported.first("the export").await["exportId"], "old");
    until_kept(0).await;
    session.call("dispose", &[]);
}

#[wasm_bindgen_test]
async fn what_the_server_refuses_for_good_is_not_tried_for_ever() {
    let world = World::new().await;
    world.0.set_refusal(&js(
        &json!({"code": "invalid_payload", "message": "no document"}),
    ));
    leave_behind("old", json!({}), &origin()).await;
    let socket = FakeSocket::new();
    let session = Session::attach(&socket, &NONE);
    let errors = session.hear("error");
    assert_eq!(errors.first("the refusal").await["code"], "invalid_payload");
    until_kept(0).await;
    session.call("dispose", &[]);
}

fn big_game() -> (Game, String) {
    let game = Game::plain();
    // Three chunks and a bit, whatever gzip does.
    let big = noise(1_300_000);
    let source = Function::new_with_args("big", "return () => ({big})");
    let source = source.call1(&NONE, &big.as_str().into()).unwrap();
    game.session.call("setMetricsSource", &[source]);
    (game, big)
}

#[wasm_bindgen_test]
async fn a_big_export_goes_up_in_chunks() {
    let world = World::new().await;
    let (game, big) = big_game();
    let exported = game.session.hear("exported");
    game.session.call("complete", &[]);
    world.0.set_deaf(1);
    let told = exported.first("the export").await;
    let id = told["exportId"].as_str().unwrap();
    assert_eq!(told["duplicate"], false);
    let document = &world.0.documents()[id];
    assert_eq!(document["big"], big);
    assert_eq!(document["sessionStatus"]["isPartial"], false);
    let requests = world.0.requests();
    assert!(requests.len() > 3, "{requests:?}");
    for request in &requests {
        assert!(
            request["bytes"].as_u64().unwrap() <= 256 * 1024,
            "{request}"
        );
        assert_eq!(request["token"], "Bearer t0");
    }
    assert_eq!(requests[0], requests[1], "the first one got no answer");
    assert_eq!(requests[2]["offset"], 256 * 1024);
    assert_eq!(requests.last().unwrap()["complete"], "?1");
    assert!(game.socket.payloads("emit_multiplayer_metrics").is_empty());
    assert!(status().starts_with("Your game data has been saved."));
    until_kept(0).await;
}

#[wasm_bindgen_test]
async fn an_upload_goes_on_where_an_earlier_page_stopped() {
    let world = World::new().await;
    let metrics = json!({"big": noise(900_000)});
    leave_behind("old", metrics.clone(), &origin()).await;
    JsFuture::from(world.0.begun("old", 300_000)).await.unwrap();
    let socket = FakeSocket::new();
    let session = Session::attach(&socket, &NONE);
    let told = session.hear("leftOvers");
    assert_eq!(
        told.first("the left-overs").await,
        json!({"sent": 1, "left": 0})
    );
    assert_eq!(world.0.documents(), json!({"old": metrics}));
    let offsets: Vec<Value> = world
        .0
        .requests()
        .iter()
        .map(|request| request["offset"].clone())
        .collect();
    assert_eq!(offsets[..2], [json!(0), json!(300_000)]);
    session.call("dispose", &[]);
}

#[wasm_bindgen_test]
async fn the_overlay_says_whether_the_page_may_be_closed() {
    for full in [false, true] {
        let _world = World::new().await;
        let mend = full.then(fill_the_disk);
        let game = Game::plain();
        game.session.call("complete", &[]);
        game.socket.ack_last(
            "emit_multiplayer_metrics",
            json!({"ok": false, "error": {"code": "storage_unavailable", "message": "later"}}),
        );
        until("the honest text", move || {
            status().ends_with(if full {
                "Please keep this page open; it will be sent as soon as possible."
            } else {
                "You may close this page."
            })
        })
        .await;
        if let Some(mend) = mend {
            mend.call0(&NONE).unwrap();
        }
        assert_eq!(kept().await.len(), usize::from(!full));
    }
}

#[wasm_bindgen_test]
async fn without_a_database_a_big_export_goes_up_from_memory() {
    let world = World::new().await;
    let mend = fill_the_disk();
    let (game, big) = big_game();
    let exported = game.session.hear("exported");
    game.session.call("complete", &[]);
    let told = exported.first("the export").await;
    mend.call0(&NONE).unwrap();
    let document = &world.0.documents()[told["exportId"].as_str().unwrap()];
    assert_eq!(document["big"], big);
}

#[wasm_bindgen_test]
async fn a_page_that_goes_in_a_game_keeps_what_it_has_and_tells_the_server() {
    let world = World::new().await;
    let game = Game::plain();
    game.session.call("episodeStarted", &[]);
    game.session.call("frame", &[7.into()]);
    game.session.call("episodeCompleted", &[]);
    game.session.call("frame", &[12.into()]);
    browser_says("pagehide");
    let records = until_kept(1).await;
    let status = &records[0]["body"]["sessionStatus"];
    assert_eq!(status["isPartial"], true);
    assert_eq!(status["terminatedAtTimestamp"], Value::Null);
    assert_eq!(status["terminationFrame"], 12);
    assert_eq!(records[0].get("encoding"), None, "there was no time for it");
    let beacons = value(&get(&world.0, "beacons"));
    assert_eq!(beacons.as_array().unwrap().len(), 1);
    assert_eq!(beacons[0][0], origin() + "/api/last-status");
    let words = &beacons[0][1];
    assert_eq!(words["participant_token"], "t0");
    assert_eq!(
        (&words["game_id"], &words["frame_number"]),
        (&json!("g1"), &json!(12))
    );
    assert_eq!(words["completed_episodes"], 1);
    assert!(game.socket.payloads("emit_multiplayer_metrics").is_empty());

    // The browser had only put the page aside.
    browser_says("pageshow");
    until_kept(0).await;
    browser_says("pagehide");
    let again = until_kept(1).await;
    assert_ne!(again[0]["export_id"], records[0]["export_id"]);
    browser_says("pageshow");
    game.session.call("complete", &[]);
    let last = until_kept(1).await;
    assert_eq!(last[0]["body"]["sessionStatus"]["isPartial"], false);
}

#[wasm_bindgen_test]
async fn a_server_that_gives_no_token_is_not_written_down() {
    let world = World::new().await;
    let socket = FakeSocket::new();
    socket.answer("join_game", Value::Null);
    let session = Session::attach(&socket, &NONE);
    session.call("join", &[js(&json!({"participantId": "ada"}))]);
    socket.tell(
        "pyodide_player_assigned",
        json!({"player_id": 0, "game_id": "g1", "game_seed": 42, "num_players": 2}),
    );
    socket.tell("pyodide_game_ready", support::ready(json!({})));
    browser_says("pagehide");
    browser_says("pageshow");
    session.call("complete", &[]);
    assert_eq!(socket.payloads("emit_multiplayer_metrics").len(), 1);
    assert_eq!(value(&get(&world.0, "beacons")), json!([]));
    assert_eq!(kept().await, [] as [Value; 0]);
    session.call("dispose", &[]);
}

fn nothing(audit: &Audit) -> bool {
    value(&audit.counts())
        .as_object()
        .unwrap()
        .values()
        .all(|count| *count == 0)
}

#[wasm_bindgen_test]
async fn a_session_that_is_disposed_of_leaves_its_record_and_nothing_else() {
    let world = World::new().await;
    let socket = FakeSocket::new();
    let audit = audit(&socket);
    let (game, _) = big_game();
    world.0.set_deaf(u32::MAX);
    game.session.call("complete", &[]);
    let requests = world.0.clone();
    until("the first chunk", move || !requests.requests().is_empty()).await;
    drop(game);
    assert!(nothing(&audit), "{}", value(&audit.counts()));
    audit.stop_audit();
    until_compressed().await;
    let asked = world.0.requests().len();
    world.0.set_deaf(0);
    browser_says("online");
    assert_eq!(world.0.requests().len(), asked);
}

#[wasm_bindgen_test]
async fn a_seat_that_another_tab_took_is_not_claimed_again() {
    let world = World::new().await;
    let stopped = support::Heard::new();
    let game = Game::start(json!({}), &object(&[("onStop", &stopped.function())]));
    let told = game.session.hear("takenOver");
    let exported = game.session.hear("exported");
    assert_eq!(value(&get(&game.socket, "auth"))["participant_token"], "t0");
    game.socket
        .tell("end_game", json!({"reason": "taken_over"}));
    assert_eq!(told.payloads(), json!([{}]));
    assert_eq!(
        stopped.payloads(),
        json!([{"reason": "taken_over", "terminatedBy": null}])
    );
    assert_eq!(value(&get(&game.socket, "auth")), json!({"study": 7}));
    assert_eq!(
        text_of(OVERLAY, Some("h2")).unwrap(),
        "You went on in another tab"
    );
    let id = exported.first("the export, by HTTP").await["exportId"].clone();
    let document = &world.0.documents()[id.as_str().unwrap()];
    assert_eq!(
        document["sessionStatus"]["terminatedAtTimestamp"],
        Value::Null
    );
    assert!(game.socket.payloads("end_game_request_redirect").is_empty());
    game.socket.deliver("disconnect", &NONE);
    game.socket.deliver("connect", &NONE);
    assert_eq!(game.socket.payloads("join_game").len(), 1);
}

#[wasm_bindgen_test]
async fn a_partner_who_leaves_is_a_notice_and_the_game_goes_on() {
    let game = Game::plain();
    let told = game.session.hear("partnerLeft");
    game.socket.tell(
        "p2p_pause",
        json!({"game_id": "g1", "pause_frame": 3, "detecting_player": 1}),
    );
    let left = json!({
        "game_id": "g1", "player_id": 1, "frame_number": 20, "num_players": 2, "message": "",
        "delivery_id": "d7",
    });
    assert_eq!(
        game.socket.tell_for_ack("partner_left", left.clone()),
        json!([{"ok": true}])
    );
    let message = "A player had to leave because of a technical issue. The game goes on.";
    let expected = json!([{"playerId": 1, "numPlayers": 2, "frame": 20, "message": message}]);
    assert_eq!(told.payloads(), expected);
    assert_eq!(game.session.status()["state"], "playing");
    assert_eq!(text_of("reconnectingOverlay", None), None);
    until("the notice", move || {
        text_of("monitorWarningBanner", Some("p")).as_deref() == Some(message)
    })
    .await;
    assert_eq!(
        game.socket.tell_for_ack("partner_left", left),
        json!([{"ok": true}])
    );
    assert_eq!(told.count(), 1);
    let metrics = value(&game.session.call("exportMetrics", &[]));
    assert_eq!(metrics["partnersLeft"][0]["playerId"], 1);
    assert_eq!(metrics["partnersLeft"][0]["frame"], 20);
}
