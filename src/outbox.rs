//! What outlives the page: exports in the browser's own database, and on their way to the server.

use std::rc::Rc;

use js_sys::Function;
use stillhere_core::ids::ExportId;
use stillhere_core::participant::{ExportOwner, ParticipantInput};
use stillhere_core::upload::{CHUNK_BYTES, ChunkAnswer};
use stillhere_core::wire::LastWords;
use wasm_bindgen::prelude::*;

use crate::callback::callback;
use crate::driver::Driver;
use crate::js::{get, texts};
use crate::js_source::JsSource;
use crate::to_js::to_js;

#[wasm_bindgen(module = "/js/outbox.js")]
extern "C" {
    fn wrap(
        metrics: &JsValue,
        socket: &JsValue,
        export_id: &str,
        scene_id: &str,
        participant_id: &str,
        token: &str,
    ) -> JsValue;
    #[wasm_bindgen(js_name = canCompress)]
    fn can_compress() -> bool;
    fn keep(kept: &JsValue, done: &Function);
    fn list(done: &Function);
    #[wasm_bindgen(js_name = drop)]
    fn drop_kept(id: &str);
    /// The session that has sent this export so far is gone.
    pub(crate) fn release(id: &str);
    fn patch(kept: &JsValue, id: &str, offset: f64, limit: f64, done: &Function);
    fn beacon(socket: &JsValue, words: &JsValue);
}

/// Looks for what earlier pages left.
pub(crate) fn look(driver: &Rc<Driver>) {
    let found = callback(&Rc::downgrade(driver), |driver, [ids, ..]| {
        let mut exports = Vec::new();
        if can_compress() {
            for id in texts(ids) {
                exports.extend(ExportId::try_from(id));
            }
        }
        driver.handle(ParticipantInput::LeftOvers(exports));
    });
    list(&found);
}

/// Puts an export that was built into the outbox, if a later page could send it; what the outbox holds then.
pub(crate) fn put(
    driver: &Rc<Driver>,
    metrics: &JsValue,
    export_id: &ExportId,
    scene_id: &str,
    owner: Option<&ExportOwner>,
) -> JsValue {
    let kept = owner.map_or(JsValue::UNDEFINED, |owner| {
        wrap(
            metrics,
            driver.socket.as_js(),
            export_id.as_str(),
            scene_id,
            owner.participant_id.as_str(),
            &owner.token,
        )
    });
    let bytes = get(&get(&kept, "body"), "size").as_f64().unwrap_or(0.0) as u64;
    let say = {
        let export_id = export_id.clone();
        move |driver: &Rc<Driver>, persisted: bool| {
            driver.handle(ParticipantInput::ExportKept {
                export_id: export_id.clone(),
                bytes,
                persisted,
                uploadable: can_compress(),
            });
        }
    };
    if kept.is_object() {
        let say = say.clone();
        let done = callback(&Rc::downgrade(driver), move |driver, [persisted, ..]| {
            say(driver, persisted.is_truthy());
        });
        keep(&kept, &done);
    }
    say(driver, false);
    kept
}

/// Takes an export out of the outbox.
pub(crate) fn remove(export_id: &ExportId) {
    drop_kept(export_id.as_str());
}

/// Sends a chunk of an export.
pub(crate) fn send_chunk(driver: &Rc<Driver>, export_id: ExportId, offset: u64) {
    let kept = driver.exports.kept(&export_id);
    let id = export_id.clone();
    let done = callback(&Rc::downgrade(driver), move |driver, [answer, ..]| {
        driver.handle(ParticipantInput::ChunkAnswered {
            export_id: id.clone(),
            answer: if answer.is_null() {
                ChunkAnswer::Gone
            } else if answer.is_undefined() {
                ChunkAnswer::Silence
            } else {
                ChunkAnswer::Said(JsSource(answer.clone()))
            },
        });
    });
    let (offset, limit) = (offset as f64, CHUNK_BYTES as f64);
    patch(&kept, export_id.as_str(), offset, limit, &done);
}

/// Tells the server something while the page goes.
pub(crate) fn send_last_words(driver: &Driver, words: &LastWords) {
    beacon(driver.socket.as_js(), &to_js(words));
}
