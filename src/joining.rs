//! The page's request to play: its promise, and the token that outlives a reload.

use js_sys::{Function, Object, Promise};
use stillhere_core::ids::ParticipantId;
use stillhere_core::source::{Fields, text};
use stillhere_core::wire::JoinGame;
use wasm_bindgen::prelude::*;
use web_sys::Storage;

use crate::callback::function;
use crate::js::{call, failure, get, set, window};
use crate::js_source::JsSource;
use crate::shared::Shared;

/// The promises that await the server's answer.
#[derive(Default)]
pub(crate) struct Joining {
    waiting: Shared<Vec<(Function, Function)>>,
}

impl Joining {
    pub(crate) fn promise(&self) -> Promise {
        Promise::new(&mut |resolve, reject| {
            self.waiting.with(|waiting| waiting.push((resolve, reject)));
        })
    }

    pub(crate) fn resolve(&self, answer: &JsValue) {
        for (resolve, _) in self.waiting.take() {
            call(&resolve, answer);
        }
    }

    pub(crate) fn reject(&self, code: &str, message: &str) {
        for (_, reject) in self.waiting.take() {
            call(&reject, &failure(code, message));
        }
    }
}

/// Reads `join(options)`.
pub(crate) fn parse(options: JsValue) -> Result<JoinGame, JsValue> {
    let source = JsSource(if options.is_null() || options.is_undefined() {
        Object::new().into()
    } else {
        options
    });
    let mut fields = Fields::of(&source, "options");
    let participant_id: Option<ParticipantId> = fields.id("participantId");
    let join = JoinGame {
        session_id: fields.text("sessionId"),
        scene_id: fields.id("sceneId"),
        participant_token: participant_id.as_ref().and_then(stored_token),
        participant_id,
    };
    fields
        .finish(join)
        .map_err(|errors| failure("invalid_options", &errors.message()))
}

fn storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}

fn storage_key(participant: &ParticipantId) -> String {
    text(&["stillhere:token:", participant.as_str()])
}

fn stored_token(participant: &ParticipantId) -> Option<String> {
    storage()?.get_item(&storage_key(participant)).ok()?
}

/// Keeps the token where a reload finds it, and where the socket shows it when it reconnects.
pub(crate) fn keep_token(socket: &JsValue, participant: &ParticipantId, token: &str) {
    if let Some(storage) = storage() {
        // A browser that keeps nothing (private mode, no room left) costs a seat after a reload, nothing else.
        let _ = storage.set_item(&storage_key(participant), token);
    }
    let auth = get(socket, "auth");
    let token = JsValue::from(token);
    if auth.is_function() {
        let page: Function = auth.unchecked_into();
        let wrapped = function(move |answer, _, _| {
            let token = token.clone();
            let add =
                function(move |own, _, _| call(answer.unchecked_ref(), &with_token(&own, &token)));
            call(&page, &add);
        });
        set(socket, "auth", &wrapped);
    } else {
        set(socket, "auth", &with_token(&auth, &token));
    }
}

fn with_token(auth: &JsValue, token: &JsValue) -> JsValue {
    let copy = Object::new();
    if let Some(auth) = auth.dyn_ref::<Object>() {
        Object::assign(&copy, auth);
    }
    set(&copy, "participant_token", token);
    copy.into()
}
