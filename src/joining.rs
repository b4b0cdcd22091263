//! The page's request to play: its promise, and the token that outlives a reload.

use stillhere_core::ids::ParticipantId;
use stillhere_core::source::{Fields, text};
use stillhere_core::wire::JoinGame;
use wasm_bindgen::prelude::*;

use crate::js::{authorise, call, deferred, failure, get, record, set, window};
use crate::js_source::JsSource;
use crate::shared::Shared;
use crate::view::given;

/// The promises that await the server's answer.
#[derive(Default)]
pub(crate) struct Joining {
    waiting: Shared<Vec<JsValue>>,
    auth: Shared<Option<Auth>>,
}

/// The socket's `auth`.
struct Auth {
    /// As it was before it got the token.
    own: JsValue,
    /// As it is since, unless the page has set another one.
    ours: JsValue,
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
            call(get(&made, how).unchecked_ref(), value);
        }
    }
}

impl Joining {
    /// Keeps the token where a reload finds it, and where the socket shows it when it reconnects.
    pub(crate) fn keep_token(&self, socket: &JsValue, participant: &ParticipantId, token: &str) {
        if let Some(storage) = storage() {
            set(&storage, &storage_key(participant), &token.into());
        }
        let own = self
            .auth
            .take()
            .map_or_else(|| get(socket, "auth"), |auth| auth.own);
        authorise(socket, &own, token);
        let ours = get(socket, "auth");
        self.auth.replace(Some(Auth { own, ours }));
    }

    /// Takes the token from the socket again; a reload still finds it.
    pub(crate) fn forget_token(&self, socket: &JsValue) {
        let auth = self.auth.take();
        if let Some(auth) = auth.filter(|auth| get(socket, "auth") == auth.ours) {
            set(socket, "auth", &auth.own);
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

fn storage() -> Option<JsValue> {
    // Where the browser forbids it, there is none.
    given(&window()?.into(), "localStorage")
}

fn storage_key(participant: &ParticipantId) -> String {
    text(&["stillhere:token:", participant.as_str()])
}

fn stored_token(participant: &ParticipantId) -> Option<String> {
    get(&storage()?, &storage_key(participant)).as_string()
}
