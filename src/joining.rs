//! The page's request to play: its promise, and the token that outlives a reload.

use stillhere_core::ids::ParticipantId;
use stillhere_core::source::{Fields, text};
use stillhere_core::wire::JoinGame;
use wasm_bindgen::prelude::*;

use crate::js::{authorise, call, deferred, failure, get, record, set};
use crate::js_source::JsSource;
use crate::page::{store, stored};
use crate::shared::Shared;

/// The promises that await the server's answer.
#[derive(Default)]
pub(crate) struct Joining {
    waiting: Shared<Vec<JsValue>>,
    /// The socket's `auth` as it was before it got the token.
    auth: Shared<Option<JsValue>>,
}

impl Joining {
    pub(crate) fn promise(&self) -> JsValue {
        let made = deferred();
        let promise = get(&made, "promise");
        self.waiting.with(|waiting| waiting.push(made));
        promise
    }

    pub(crate) fn resolve(&self, answer: &JsValue) {
        self.settle("resolve", answer);
    }

    pub(crate) fn reject(&self, code: &str, message: &str) {
        self.settle("reject", &failure(code, message));
    }

    fn settle(&self, how: &str, value: &JsValue) {
        for made in self.waiting.take() {
            call(&get(&made, how), value);
        }
    }
}

impl Joining {
    /// Keeps the token where a reload finds it, and where the socket shows it when it reconnects.
    pub(crate) fn keep_token(&self, socket: &JsValue, participant: &ParticipantId, token: &str) {
        store(&storage_key(participant), token);
        let auth = self
            .auth
            .with(|auth| auth.get_or_insert_with(|| get(socket, "auth")).clone());
        authorise(socket, &auth, token);
    }

    /// Takes the token from the socket again; a reload still finds it.
    pub(crate) fn forget_token(&self, socket: &JsValue) {
        if let Some(auth) = self.auth.take() {
            set(socket, "auth", &auth);
        }
    }
}

/// Reads `join(options)`.
pub(crate) fn parse(options: JsValue) -> Result<JoinGame, JsValue> {
    let source = JsSource(if options.is_null() || options.is_undefined() {
        record()
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

fn storage_key(participant: &ParticipantId) -> String {
    text(&["stillhere:token:", participant.as_str()])
}

fn stored_token(participant: &ParticipantId) -> Option<String> {
    stored(&storage_key(participant))
}
