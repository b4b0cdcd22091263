//! What participants are shown: plain text, chosen here, drawn by the adapter.

use std::borrow::Cow;

use serde::Serialize;

use crate::source::text as concatenated;

/// Which overlay; the adapter gives each an element id of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OverlayKind {
    /// A partner is gone for good. Neutral.
    PartnerExcluded,
    /// This participant was excluded.
    MonitorExclusion,
    /// This participant or a partner is reconnecting.
    Reconnecting,
    /// The session is over without a fault of anybody.
    SessionComplete,
}

impl OverlayKind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::PartnerExcluded,
        Self::MonitorExclusion,
        Self::Reconnecting,
        Self::SessionComplete,
    ];

    /// The id of the overlay's element in the page: MUG's, where it has one.
    #[must_use]
    pub const fn element_id(self) -> &'static str {
        match self {
            Self::PartnerExcluded => "partnerExcludedOverlay",
            Self::MonitorExclusion => "monitorExclusionOverlay",
            Self::Reconnecting => "reconnectingOverlay",
            Self::SessionComplete => "sessionCompleteOverlay",
        }
    }
}

/// An overlay, complete: showing one of the same kind again replaces its texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlay {
    /// Which one.
    pub kind: OverlayKind,
    /// Its heading.
    pub heading: String,
    /// What has happened.
    pub message: String,
    /// What happens now: saving, saved; may be empty.
    pub status: String,
    /// Something that changes every second. A screen reader is to read it once.
    pub countdown: Option<String>,
    /// The completion code with its label, once the server has given one.
    pub code: Option<CompletionCode>,
    /// The label of the button that goes on at once, once there is somewhere to go.
    pub button: Option<String>,
}

/// A completion code as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletionCode {
    /// What stands before the code.
    pub label: String,
    /// The code.
    pub code: String,
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident: $key:literal = $text:literal,)*) => {
        /// Every text that a participant may read. Each can be set; these are the built-in ones.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
        pub struct Messages {
            $(
                $(#[$doc])*
                #[cfg_attr(
                    feature = "typescript",
                    serde(rename = $key),
                    tsify(optional, type = "string")
                )]
                pub $name: Cow<'static, str>,
            )*
        }

        impl Default for Messages {
            fn default() -> Self {
                Self { $($name: Cow::Borrowed($text),)* }
            }
        }

        impl Messages {
            /// The keys under which a page may set them.
            pub const KEYS: &'static [&'static str] = &[$($key,)*];

            /// The text under a key, to be set; `None` if there is no such key.
            pub fn get_mut(&mut self, key: &str) -> Option<&mut Cow<'static, str>> {
                // By a list: comparing with each key in code of its own weighs more in the browser's download.
                let texts = [$(&mut self.$name,)*];
                let mut found = Self::KEYS.iter().zip(texts);
                found.find(|(name, _)| **name == key).map(|(_, text)| text)
            }
        }
    };
}

messages! {
    /// Heading of the overlay of a participant whose partner is gone.
    partner_heading: "partnerHeading" = "Game Ended",
    /// Its message, unless the server sends one.
    partner_message: "partnerMessage"
        = "Your partner experienced a technical issue. The game has ended.",
    /// Its message if the partner's connection did not come back.
    partner_disconnected: "partnerDisconnected"
        = "Your partner's connection was lost. The game has ended.",
    /// Heading of the overlay of an excluded participant.
    excluded_heading: "excludedHeading" = "The game has ended for you",
    /// Message of a participant whose tab was hidden longer than `focus_loss_timeout_ms`.
    focus_loss: "focusLoss" = "You were away from the game for too long.",
    /// Message of a participant whose own connection did not come back in time.
    own_disconnected: "ownDisconnected"
        = "Your connection was lost for too long. The game has ended.",
    /// Message of an excluded participant whom the server does not tell why.
    excluded_message: "excludedMessage" = "This game cannot go on.",
    /// Heading while somebody reconnects.
    reconnecting_heading: "reconnectingHeading" = "Reconnecting",
    /// Message while a partner reconnects.
    partner_reconnecting: "partnerReconnecting"
        = "Your partner's connection was interrupted. The game waits for them.",
    /// Message while this participant reconnects.
    own_reconnecting: "ownReconnecting"
        = "Your connection was interrupted. Trying to reconnect.",
    /// Notice to the others that a player is gone and the game goes on.
    partner_left: "partnerLeft"
        = "A player had to leave because of a technical issue. The game goes on.",
    /// Heading of a page whose seat another tab or window has now.
    taken_over_heading: "takenOverHeading" = "You went on in another tab",
    /// Its message.
    taken_over_message: "takenOverMessage"
        = "The game goes on in the tab or window that you opened last.",
    /// Heading after a game that was played to its end.
    complete_heading: "completeHeading" = "Thank you",
    /// Message after a game that was played to its end.
    complete_message: "completeMessage" = "You have completed the game.",
    /// Message when the server stops.
    server_shutdown: "serverShutdown" = "The server had to stop. The game has ended.",
    /// Heading when the waiting or the game is over for another reason.
    ended_heading: "endedHeading" = "Game Ended",
    /// Message when the waiting or the game is over for another reason.
    ended_message: "endedMessage" = "The game has ended.",
    /// While the data is on its way.
    saving: "saving" = "Saving your game data…",
    /// Once the server has stored the data.
    saved: "saved" = "Your game data has been saved.",
    /// While the server cannot be reached or cannot store, and this browser keeps the data.
    kept: "kept"
        = "Your game data is kept in this browser and will be sent as soon as possible. You may close this page.",
    /// While the server cannot be reached or cannot store, and this browser cannot keep the data.
    not_saved: "notSaved"
        = "Your game data could not be saved yet. Please keep this page open; it will be sent as soon as possible.",
    /// If the server will not take the data, whenever it is sent.
    refused: "refused" = "Your game data could not be saved. Please tell the researchers.",
    /// Countdown to the next page; `{seconds}` is replaced.
    redirecting: "redirecting" = "You will be taken to the next page in {seconds} s.",
    /// Countdown while somebody reconnects; `{seconds}` is replaced.
    waiting_seconds: "waitingSeconds" = "{seconds} s left",
    /// If there is nowhere to go.
    close_page: "closePage" = "You may close this page now.",
    /// The button that goes on at once.
    continue_button: "continueButton" = "Continue",
    /// What stands before the completion code.
    code_label: "codeLabel" = "Your completion code:",
}

const SECONDS: &[u8] = b"{seconds}";

/// Puts a number of seconds into a text, once. Without `str::replace`, whose search for any text weighs more in the
/// browser's download than this whole module.
pub(super) fn with_seconds(text: &str, seconds: u64) -> String {
    let place = text
        .as_bytes()
        .windows(SECONDS.len())
        .position(|window| window == SECONDS);
    let parts = place.and_then(|at| Some((text.get(..at)?, text.get(at + SECONDS.len()..)?)));
    // Fewer than 2^32 of them, whose digits the download has already.
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).to_string();
    match parts {
        Some((before, after)) => concatenated(&[before, &seconds, after]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn seconds_are_put_where_the_text_wants_them() {
        assert_eq!(with_seconds("in {seconds} s", 5), "in 5 s");
        assert_eq!(with_seconds("بعد {seconds} ثوان", 5), "بعد 5 ثوان");
        assert_eq!(with_seconds("soon", 5), "soon");
        assert_eq!(with_seconds("", 5), "");
    }

    #[test]
    fn every_text_has_a_key_of_its_own() {
        let mut messages = Messages::default();
        for key in Messages::KEYS {
            *messages.get_mut(key).unwrap() = Cow::Owned((*key).to_owned());
        }
        for key in Messages::KEYS {
            assert_eq!(messages.get_mut(key).unwrap(), key);
        }
        assert_eq!(messages.get_mut("button"), None);
    }
}
