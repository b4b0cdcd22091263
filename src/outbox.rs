//! What outlives the page: exports in the browser's own database, and on their way to the server.

use std::rc::Rc;

use js_sys::Function;
use stillhere_core::ids::{ExportId, SceneId};
use stillhere_core::participant::{ExportOwner, ParticipantInput};
use stillhere_core::upload::{CHUNK_BYTES, ChunkAnswer};
use stillhere_core::wire::LastWords;
use wasm_bindgen::prelude::*;

use crate::callback::callback;
use crate::driver::Driver;
use crate::js::{record, set, texts};
use crate::js_source::JsSource;
use crate::to_js::to_js;

#[wasm_bindgen(module = "/js/outbox.js")]
extern "C" {
    fn write(
        kept: &JsValue,
        ours: &JsValue,
        source: &JsValue,
        socket: &JsValue,
        at_once: bool,
        done: &Function,
    );
    /// The metrics as the socket sends them, while it may.
    pub(crate) fn plain(kept: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = canCompress)]
    fn can_compress() -> bool;
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

/// Builds an export, and puts it into the outbox if a later page could send it; what `js/outbox.js` has of it.
pub(crate) fn build(
    driver: &Rc<Driver>,
    ours: &JsValue,
    source: &JsValue,
    export_id: &ExportId,
    scene_id: &SceneId,
    owner: Option<&ExportOwner>,
    at_once: bool,
) -> JsValue {
    let id = export_id.clone();
    let done = callback(
        &Rc::downgrade(driver),
        move |driver, [bytes, persisted, fault]| {
            if !fault.is_undefined() {
                driver.leave_out(fault);
            }
            driver.handle(ParticipantInput::ExportKept {
                export_id: id.clone(),
                bytes: bytes.as_f64().unwrap_or(0.0) as u64,
                persisted: persisted.is_truthy(),
                uploadable: can_compress(),
            });
        },
    );
    let kept = record();
    let say = |key: &str, value: &str| set(&kept, key, &value.into());
    say("export_id", export_id.as_str());
    say("scene_id", scene_id.as_str());
    if let Some(owner) = owner {
        say("participant_id", owner.participant_id.as_str());
        say("token", &owner.token);
    }
    write(&kept, ours, source, driver.socket.as_js(), at_once, &done);
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
