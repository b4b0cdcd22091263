//! Names of things. Each kind of id is a type of its own, so that a game can never be passed for a scene.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest id, in characters, that is accepted from outside.
pub const MAX_ID_CHARS: usize = 128;

/// What an id from outside must look like; the `allowed` of its error.
pub const ID_RULE: &str = "text of 1 to 128 characters without control characters";

/// A text that cannot be an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id is {ID_RULE}")
    }
}

impl std::error::Error for InvalidId {}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.chars().nth(MAX_ID_CHARS).is_none()
        && !text.chars().any(char::is_control)
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// An id of our own making, which is one.
            #[allow(dead_code, reason = "not every kind of id is made by ourselves")]
            pub(crate) fn known(text: String) -> Self {
                debug_assert!(is_id(&text), "{text}");
                Self(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                if is_id(&text) { Ok(Self(text)) } else { Err(InvalidId) }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;

            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A person who takes part, as the recruitment platform names them (MUG: the subject).
    ParticipantId
}
text_id! {
    /// One game: the seats of two or more participants who play together.
    GameId
}
text_id! {
    /// One scene of an experiment: what is played, and under which settings.
    SceneId
}
text_id! {
    /// One export of a participant's metrics. The client chooses it, so that a repeat is recognised.
    ExportId
}
text_id! {
    /// One message that the server owes to a participant until it is acked.
    DeliveryId
}
text_id! {
    /// One socket of a participant. A participant who reconnects has another one, so that the end of the old socket
    /// is told apart from the end of the new one.
    ConnectionId
}

/// A participant's place in a game, with the JSON type that the game gave it. `0` is a valid id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum PlayerId {
    /// A number, as MUG's own games use.
    Number(i64),
    /// A name.
    Text(String),
}

impl fmt::Display for PlayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl PlayerId {
    /// A named player, if the text can be an id.
    ///
    /// # Errors
    /// [`InvalidId`] if it cannot.
    pub fn text(text: String) -> Result<Self, InvalidId> {
        if is_id(&text) {
            Ok(Self::Text(text))
        } else {
            Err(InvalidId)
        }
    }
}

/// A step of the game, counted over the whole session. The first frame is 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Frame(pub u64);

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn ids_are_short_visible_text() {
        assert!(ParticipantId::try_from("5f1b3c").is_ok());
        assert!(ParticipantId::try_from("أحمد 🙂").is_ok());
        assert!(ParticipantId::try_from("").is_err());
        assert!(ParticipantId::try_from("a\0b").is_err());
        assert!(ParticipantId::try_from("x".repeat(129)).is_err());
    }
}
