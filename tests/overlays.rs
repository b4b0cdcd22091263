//! What participants see: overlays and the warning banner.

#![cfg(target_arch = "wasm32")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use support::{
    Game, Heard, Session, focused, js, object, part_of, press, set_hidden, text_of, until,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NONE: JsValue = JsValue::UNDEFINED;
const OWN: &str = "monitorExclusionOverlay";
const PARTNERS: &str = "partnerExcludedOverlay";
const BANNER: &str = "monitorWarningBanner";
const NEUTRAL: &str = "Your partner experienced a technical issue. The game has ended.";

fn document() -> web_sys::Document {
    web_sys::window().unwrap().document().unwrap()
}

fn text(id: &str, part: &str) -> String {
    text_of(id, Some(part)).unwrap_or_default()
}

/// Options with a `navigate` that only writes down where it was to go.
fn navigating(more: Value) -> (JsValue, Rc<RefCell<Vec<String>>>) {
    let visited = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&visited);
    let navigate = Closure::<dyn FnMut(String)>::new(move |url| noted.borrow_mut().push(url));
    let options = js(&more);
    js_sys::Reflect::set(&options, &"navigate".into(), &navigate.into_js_value()).unwrap();
    (options, visited)
}

/// A page's element that has the focus.
struct Focus(web_sys::HtmlElement);

impl Focus {
    fn on_an_input() -> Self {
        let input: web_sys::HtmlElement =
            document().create_element("input").unwrap().unchecked_into();
        document().body().unwrap().append_child(&input).unwrap();
        input.focus().unwrap();
        assert_eq!(focused(), *input);
        Self(input)
    }
}

impl Drop for Focus {
    fn drop(&mut self) {
        self.0.remove();
    }
}

#[wasm_bindgen_test]
async fn a_hidden_tab_is_warned_and_excluded() {
    let stopped = Heard::new();
    let options = object(&[("onStop", &stopped.function())]);
    let game = Game::start(
        json!({"continuous_tab_warning_ms": 30, "continuous_tab_exclude_ms": 800}),
        &options,
    );
    game.session.call("frame", &[17.into()]);
    let warned = game.session.hear("warning");
    let excluded = game.session.hear("excluded");
    game.socket.answer(
        "mid_game_exclusion",
        json!({"ok": true, "outcome": "accepted"}),
    );
    set_hidden(true);
    let warning = warned.first("the warning").await;
    assert_eq!(warning["kind"], "tab");
    until("the banner's text", || text_of(BANNER, Some("p")).is_some()).await;
    assert_eq!(text(BANNER, "p"), warning["message"].as_str().unwrap());
    let region = part_of(BANNER, "[role=status]").unwrap();
    assert_eq!(region.get_attribute("aria-live").unwrap(), "polite");
    let told = excluded.first("the exclusion").await;
    assert_eq!(told["reason"], "tab_hidden");
    assert_eq!(told["frame"], 17);
    assert_eq!(text(OWN, "h2"), "The game has ended for you");
    assert_eq!(text(OWN, "#message"), told["message"].as_str().unwrap());
    assert_eq!(text(OWN, "#status"), "Saving your game data…");
    assert_eq!(text_of(PARTNERS, None), None);
    assert_eq!(
        stopped.payloads(),
        json!([{"reason": "tab_hidden", "terminatedBy": "self"}])
    );

    assert_eq!(
        text_of(BANNER, None),
        None,
        "there is nothing to warn of any more"
    );
    let status = game.session.status();
    assert_eq!(
        (&status["state"], &status["warnings"]),
        (&json!("ended"), &json!(1))
    );
}

#[wasm_bindgen_test]
async fn a_tab_that_comes_back_in_time_is_not_excluded() {
    let game = Game::start(
        json!({"continuous_tab_warning_ms": 20, "continuous_tab_exclude_ms": 60_000}),
        &NONE,
    );
    let warned = game.session.hear("warning");
    set_hidden(true);
    warned.first("the warning").await;
    set_hidden(false);
    assert_eq!(game.session.status()["state"], "playing");
    let metrics = support::value(&game.session.call("exportMetrics", &[]));
    assert_eq!(metrics["focusLoss"]["periodCount"], 1);
}

#[wasm_bindgen_test]
async fn the_partner_is_told_kindly_and_saved_is_said_once_it_is_true() {
    let (options, visited) = navigating(json!({}));
    let game = Game::start(json!({}), &options);
    let exported = game.session.hear("exported");
    let redirect = game.session.hear("redirect");
    game.partner_excluded(NEUTRAL);
    assert_eq!(text(PARTNERS, "h2"), "Game Ended");
    assert_eq!(text(PARTNERS, "#message"), NEUTRAL);
    let heading = part_of(PARTNERS, "h2").unwrap();
    let style = web_sys::window()
        .unwrap()
        .get_computed_style(&heading)
        .unwrap()
        .unwrap();
    assert_eq!(
        style.get_property_value("color").unwrap(),
        "rgb(51, 51, 51)"
    );
    assert!(!part_of(PARTNERS, "button").unwrap().is_visible());

    game.trigger_export();
    assert_eq!(text(PARTNERS, "#status"), "Saving your game data…");
    assert!(game.socket.payloads("end_game_request_redirect").is_empty());
    let export = game.socket.payloads("emit_multiplayer_metrics")[0].clone();
    game.socket.ack_last(
        "emit_multiplayer_metrics",
        json!({"ok": true, "export_id": export["export_id"], "duplicate": false}),
    );
    assert_eq!(text(PARTNERS, "#status"), "Your game data has been saved.");
    assert_eq!(
        exported.payloads(),
        json!([{"exportId": export["export_id"], "duplicate": false}])
    );
    assert_eq!(
        game.socket.payloads("end_game_request_redirect"),
        [json!({"partner_exclusion": true, "reason": "partner_exclusion"})]
    );

    game.socket.ack_last(
        "end_game_request_redirect",
        json!({"ok": true, "redirect_url": "/done", "redirect_timeout": 3_000, "completion_code": "C0DE"}),
    );
    assert_eq!(
        redirect.payloads(),
        json!([{"url": "/done", "delayMs": 3_000, "completionCode": "C0DE"}])
    );
    assert_eq!(text(PARTNERS, "#status"), "Your game data has been saved.");
    let announced = "You will be taken to the next page in 3 s.";
    assert_eq!(text(PARTNERS, "#countdown"), announced);
    assert_eq!(text(PARTNERS, "#code"), "Your completion code:C0DE");
    until("the countdown", || {
        text(PARTNERS, "#countdown").ends_with("in 2 s.")
    })
    .await;
    // Whoever does not see it hears it once.
    let countdown = part_of(PARTNERS, "#countdown").unwrap();
    assert!(countdown.closest("[aria-live]").unwrap().is_none());
    assert_eq!(countdown.get_attribute("aria-hidden").unwrap(), "true");
    let spoken = part_of(PARTNERS, "#spoken").unwrap();
    assert_eq!(spoken.get_attribute("aria-live").unwrap(), "polite");
    assert_eq!(text(PARTNERS, "#spoken"), announced);
    assert!(visited.borrow().is_empty());
    part_of(PARTNERS, "button").unwrap().click();
    assert_eq!(*visited.borrow(), ["/done"]);
}

#[wasm_bindgen_test]
async fn the_countdown_ends_on_the_next_page() {
    let (options, visited) = navigating(json!({}));
    let game = Game::start(json!({}), &options);
    game.socket
        .answer("multiplayer_game_complete", json!({"ok": true}));
    game.socket
        .answer("emit_multiplayer_metrics", json!({"ok": true}));
    game.socket.answer(
        "end_game_request_redirect",
        json!({"ok": true, "redirect_url": "https://study.example/done?cc=1", "redirect_timeout": 80}),
    );
    game.session.call("complete", &[]);
    assert_eq!(text("sessionCompleteOverlay", "h2"), "Thank you");
    until("the next page", {
        let visited = Rc::clone(&visited);
        move || !visited.borrow().is_empty()
    })
    .await;
    assert_eq!(*visited.borrow(), ["https://study.example/done?cc=1"]);
}

#[wasm_bindgen_test]
fn text_is_never_anything_but_text() {
    let evil = "<img src=x onerror=\"window.hacked = true\"><b>bold</b>";
    let options = js(&json!({"messages": {"partnerHeading": evil, "saving": evil}}));
    let game = Game::start(json!({}), &options);
    game.partner_excluded(evil);
    game.trigger_export();
    for part in ["h2", "#message", "#status"] {
        assert_eq!(text(PARTNERS, part), evil);
    }
    assert!(part_of(PARTNERS, "img, b").is_none());
}

#[wasm_bindgen_test]
fn repeated_deliveries_do_nothing() {
    let stopped = Heard::new();
    let game = Game::start(json!({}), &object(&[("onStop", &stopped.function())]));
    let told = game.session.hear("partnerExcluded");
    for _ in 0..3 {
        game.partner_excluded(NEUTRAL);
        game.trigger_export();
    }
    assert_eq!(told.count(), 1);
    assert_eq!(stopped.count(), 1);
    assert_eq!(game.socket.payloads("emit_multiplayer_metrics").len(), 1);
    assert_eq!(
        document()
            .query_selector_all(&format!("#{PARTNERS}"))
            .unwrap()
            .length(),
        1
    );
}

#[wasm_bindgen_test]
fn the_overlay_takes_the_focus_keeps_it_and_gives_it_back() {
    let game = Game::plain();
    let input = Focus::on_an_input();
    game.partner_excluded(NEUTRAL);
    let card = part_of(PARTNERS, "[role=alertdialog]").unwrap();
    assert_eq!(focused(), *card);
    assert_eq!(card.get_attribute("aria-modal").unwrap(), "true");
    for (attribute, id, said) in [
        ("aria-labelledby", "heading", "Game Ended"),
        ("aria-describedby", "message", NEUTRAL),
    ] {
        assert_eq!(card.get_attribute(attribute).unwrap(), id);
        assert_eq!(text(PARTNERS, &format!("#{id}")), said);
    }
    assert!(press("Tab"), "there is nowhere to go yet");
    assert_eq!(focused(), *card);
    assert!(!press("ArrowLeft"));

    game.trigger_export();
    game.socket
        .ack_last("emit_multiplayer_metrics", json!({"ok": true}));
    game.socket.ack_last(
        "end_game_request_redirect",
        json!({"ok": true, "redirect_url": "/done", "redirect_timeout": 60_000}),
    );
    assert_eq!(focused(), *card, "new texts leave the focus alone");
    assert!(press("Tab"));
    let button = part_of(PARTNERS, "button").unwrap();
    assert_eq!(focused(), *button);
    assert!(press("Tab"));
    assert_eq!(focused(), *button);
    // Out of the dialog by the mouse, back into it by the keyboard.
    input.0.focus().unwrap();
    assert!(press("Tab"));
    assert_eq!(focused(), *button);

    game.session.call("dispose", &[]);
    assert_eq!(focused(), *input.0);
    assert!(!press("Tab"));
}

#[wasm_bindgen_test]
async fn an_overlay_that_goes_away_gives_the_focus_back() {
    let game = Game::start(json!({"reconnect_grace_ms": 60_000}), &NONE);
    let input = Focus::on_an_input();
    game.socket.tell(
        "p2p_pause",
        json!({"game_id": "g1", "pause_frame": 3, "detecting_player": 1}),
    );
    assert_eq!(text("reconnectingOverlay", "h2"), "Reconnecting");
    assert_eq!(text("reconnectingOverlay", "#countdown"), "60 s left");
    assert_eq!(text("reconnectingOverlay", "#spoken"), "60 s left");
    assert_ne!(focused(), *input.0);
    game.socket.tell("p2p_resume", json!({"game_id": "g1"}));
    assert_eq!(text_of("reconnectingOverlay", None), None);
    assert_eq!(focused(), *input.0);

    // From one overlay to the next the place to return to is kept.
    game.socket
        .tell("p2p_pause", json!({"game_id": "g1", "pause_frame": 4}));
    game.partner_excluded(NEUTRAL);
    assert_eq!(text_of("reconnectingOverlay", None), None);
    game.session.call("dispose", &[]);
    assert_eq!(focused(), *input.0);
}

#[wasm_bindgen_test]
async fn texts_can_be_set_and_run_from_right_to_left() {
    let stage = document().create_element("section").unwrap();
    document().body().unwrap().append_child(&stage).unwrap();
    let options = js(&json!({
        "direction": "rtl",
        "messages": {"partnerHeading": "انتهت اللعبة", "saving": "جارٍ الحفظ"},
    }));
    js_sys::Reflect::set(&options, &"mount".into(), &stage).unwrap();
    let game = Game::start(json!({"continuous_max_ping": 10}), &options);
    game.session.call("recordPing", &[500.into()]);
    until("the banner", || text_of(BANNER, Some("p")).is_some()).await;
    let direction = |id: &str| {
        assert!(stage.query_selector(&format!("#{id}")).unwrap().is_some());
        let part = part_of(id, "p").unwrap();
        let style = web_sys::window().unwrap().get_computed_style(&part);
        style
            .unwrap()
            .unwrap()
            .get_property_value("direction")
            .unwrap()
    };
    assert_eq!(direction(BANNER), "rtl");
    game.partner_excluded(NEUTRAL);
    game.trigger_export();
    assert_eq!(direction(PARTNERS), "rtl");
    assert_eq!(text(PARTNERS, "h2"), "انتهت اللعبة");
    assert_eq!(text(PARTNERS, "#status"), "جارٍ الحفظ");
    game.session.call("dispose", &[]);
    assert_eq!(stage.child_element_count(), 0);
    stage.remove();
}

#[wasm_bindgen_test]
async fn the_banner_does_not_get_in_the_way() {
    let game = Game::start(json!({"continuous_max_ping": 10}), &NONE);
    let input = Focus::on_an_input();
    game.session.call("recordPing", &[500.into()]);
    until("the banner", || text_of(BANNER, Some("p")).is_some()).await;
    assert_eq!(focused(), *input.0);
    let note = part_of(BANNER, "p").unwrap();
    let place = note.get_bounding_client_rect();
    let x = (place.x() + place.width() / 2.0) as f32;
    let y = (place.y() + place.height() / 2.0) as f32;
    let hit = document().element_from_point(x, y);
    assert!(
        hit.is_none_or(|hit| hit.id() != BANNER),
        "clicks go through it"
    );
}

#[wasm_bindgen_test]
async fn the_banner_goes_after_a_while_in_which_it_could_be_seen() {
    let game = Game::start(json!({"continuous_max_ping": 10}), &NONE);
    let session = Session {
        js: game.session.js.clone(),
    };
    game.session.call("recordPing", &[500.into()]);
    until("the banner", || text_of(BANNER, None).is_some()).await;
    let begin = js_sys::Date::now();
    until("the banner to go", || text_of(BANNER, None).is_none()).await;
    let shown = js_sys::Date::now() - begin;
    assert!(shown > 5_000.0, "{shown}");
    assert_eq!(session.status()["state"], "playing");
}

trait Visible {
    fn is_visible(&self) -> bool;
}

impl Visible for web_sys::HtmlElement {
    fn is_visible(&self) -> bool {
        let rect = self.get_bounding_client_rect();
        rect.width() > 0.0 && rect.height() > 0.0
    }
}
