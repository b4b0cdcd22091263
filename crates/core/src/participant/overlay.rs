//! What participants are shown: plain text, chosen here, drawn by the adapter.

use serde::Serialize;

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
    /// The id of the overlay's element in the page, where the seed had one the same.
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
    /// What happens now: saving, saved, redirecting; may be empty.
    pub status: String,
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
                #[cfg_attr(feature = "typescript", serde(rename = $key), tsify(optional))]
                pub $name: String,
            )*
        }

        impl Default for Messages {
            fn default() -> Self {
                Self { $($name: $text.to_owned(),)* }
            }
        }

        impl Messages {
            /// The keys under which a page may set them.
            pub const KEYS: &'static [&'static str] = &[$($key,)*];

            /// The text under a key, to be set; `None` if there is no such key.
            pub fn get_mut(&mut self, key: &str) -> Option<&mut String> {
                match key {
                    $($key => Some(&mut self.$name),)*
                    _ => None,
                }
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
    /// While the server cannot be reached or cannot store.
    not_saved: "notSaved"
        = "Your game data could not be saved yet. Please keep this page open; it will be sent as soon as possible.",
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

/// Puts a number of seconds into a text.
pub(super) fn with_seconds(text: &str, seconds: u64) -> String {
    text.replace("{seconds}", &seconds.to_string())
}
