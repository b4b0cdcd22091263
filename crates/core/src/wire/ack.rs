//! Answers to events.

use serde::Serialize;

use crate::ids::{ExportId, Frame, ParticipantId};
use crate::metrics::TerminationReason;
use crate::source::{FieldErrors, Fields, Kind, Source};
use crate::time::Millis;

/// Why a client's event was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The payload does not follow the contract.
    InvalidPayload,
    /// The socket is not bound to the participant that it speaks for.
    Unauthorized,
    /// There is no such game or scene.
    UnknownGame,
    /// The socket is bound to another seat.
    NotYourSeat,
    /// The game has ended.
    AlreadyEnded,
    /// The payload is over the size limit.
    TooLarge,
    /// Too many events in too short a time.
    RateLimited,
    /// The server could not store what it must store; send it again later.
    StorageUnavailable,
}

impl ErrorCode {
    /// Every code under its name on the wire.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("invalid_payload", Self::InvalidPayload),
        ("unauthorized", Self::Unauthorized),
        ("unknown_game", Self::UnknownGame),
        ("not_your_seat", Self::NotYourSeat),
        ("already_ended", Self::AlreadyEnded),
        ("too_large", Self::TooLarge),
        ("rate_limited", Self::RateLimited),
        ("storage_unavailable", Self::StorageUnavailable),
    ];

    /// The code's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, code)| *code == self)
            .map_or("", |(word, _)| word)
    }

    /// Whether it is the sender that is not known here, whatever is sent.
    #[must_use]
    pub const fn is_about_the_sender(self) -> bool {
        matches!(self, Self::Unauthorized | Self::UnknownGame)
    }

    /// Whether the same event may succeed later.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::RateLimited | Self::StorageUnavailable)
    }
}

/// An event that was refused. Nothing was changed by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Why, for code.
    pub code: ErrorCode,
    /// Why, for people.
    pub message: String,
}

impl Refusal {
    /// A refusal with a message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        Self::new(ErrorCode::InvalidPayload, errors.message())
    }
}

/// An ack as it is written: `{ok: true, …}` or `{ok: false, error: {code, message}}`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Answer<T> {
    /// The event was accepted.
    Accepted {
        /// Always true.
        ok: bool,
        /// What the answer says beyond that.
        #[serde(flatten)]
        body: T,
    },
    /// The event was refused.
    Refused {
        /// Always false.
        ok: bool,
        /// Why.
        error: Refusal,
    },
}

impl<T> From<Result<T, Refusal>> for Answer<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(body) => Self::Accepted { ok: true, body },
            Err(error) => Self::Refused { ok: false, error },
        }
    }
}

/// Reads an ack: the body of an accepted event, or why it was refused.
///
/// A MUG server acks with nothing at all, which means that its handler has run: accepted.
///
/// # Errors
/// The peer's refusal.
pub fn read<S: Source>(ack: Option<&S>) -> Result<Option<S>, Refusal> {
    let Some(ack) = ack.filter(|value| value.kind() == Kind::Record) else {
        return Ok(None);
    };
    let refused = ack
        .field("ok")
        .is_some_and(|ok| ok.kind() == Kind::Bool(false));
    if !refused {
        return Ok(Some(ack.clone()));
    }
    let mut code = None;
    let mut message = None;
    let mut fields = Fields::of(ack, "ack");
    fields.record("error", |error| {
        code = error.word("code", ErrorCode::WORDS);
        message = error.text("message");
    });
    Err(Refusal::new(
        code.unwrap_or(ErrorCode::InvalidPayload),
        message.unwrap_or_default(),
    ))
}

/// An answer that says only that the event was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {}

/// Where a participant stands after joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum JoinStatus {
    /// In the waiting room.
    Waiting,
    /// In a game.
    Playing,
}

/// The answer to `join_game`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinAnswer {
    /// Who the socket is bound to now.
    pub participant_id: ParticipantId,
    /// Signed; a reconnecting socket shows it as `auth: {participant_token}`.
    pub participant_token: String,
    /// Where the participant stands.
    pub status: JoinStatus,
}

impl JoinAnswer {
    /// Reads the answer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse<S: Source>(source: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(source, "ack");
        let participant_id = fields.need_id("participant_id");
        let participant_token = fields.need_text("participant_token");
        let status = fields
            .word(
                "status",
                &[
                    ("waiting", JoinStatus::Waiting),
                    ("playing", JoinStatus::Playing),
                ],
            )
            .unwrap_or(JoinStatus::Waiting);
        fields.build(|| {
            Some(Self {
                participant_id: participant_id?,
                participant_token,
                status,
            })
        })
    }
}

/// The answer to `ping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SeqAnswer {
    /// The ping that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// The client's answer to `presence_probe`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ProbeAnswer {
    /// The probe that is answered.
    pub seq: u64,
    /// Whether the tab is hidden now.
    pub hidden: bool,
    /// For how long; 0 if it is visible.
    pub hidden_ms: Millis,
    /// The frame that the game has reached.
    pub frame_number: Frame,
    /// How long the page stood still just before this answer, by its own account.
    pub stalled_ms: Millis,
}

impl ProbeAnswer {
    /// Reads the answer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse<S: Source>(source: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(source, "presence_probe ack");
        let answer = Self {
            seq: fields.need_count("seq"),
            hidden: fields.flag("hidden").unwrap_or(false),
            hidden_ms: fields.millis("hidden_ms").unwrap_or_default(),
            frame_number: Frame(fields.count("frame_number").unwrap_or(0)),
            stalled_ms: fields.millis("stalled_ms").unwrap_or_default(),
        };
        fields.finish(answer)
    }
}

/// What became of a client's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionOutcome {
    /// This verdict ended the game.
    Accepted,
    /// The game had ended before; the verdict is recorded.
    AlreadyEnded,
}

/// The answer to `mid_game_exclusion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ExclusionAnswer {
    /// What became of the verdict.
    pub outcome: ExclusionOutcome,
    /// How the game had ended for the participant, if it had. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_reason: Option<TerminationReason>,
}

impl ExclusionAnswer {
    /// Reads the answer. A peer that does not say is taken to have accepted.
    #[must_use]
    pub fn parse<S: Source>(source: Option<&S>) -> Self {
        const OUTCOMES: &[(&str, ExclusionOutcome)] = &[
            ("accepted", ExclusionOutcome::Accepted),
            ("already_ended", ExclusionOutcome::AlreadyEnded),
        ];
        let accepted = Self {
            outcome: ExclusionOutcome::Accepted,
            termination_reason: None,
        };
        let Some(source) = source else {
            return accepted;
        };
        let mut fields = Fields::of(source, "mid_game_exclusion ack");
        Self {
            outcome: fields.word("outcome", OUTCOMES).unwrap_or(accepted.outcome),
            termination_reason: fields.word("termination_reason", TerminationReason::WORDS),
        }
    }
}

/// The answer to `emit_multiplayer_metrics`, sent after the commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExportAnswer {
    /// The export that is stored.
    pub export_id: ExportId,
    /// Whether it had been stored before.
    pub duplicate: bool,
}

/// The answer to `end_game_request_redirect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedirectAnswer {
    /// Where the participant goes next; `None`: the page may be closed.
    pub redirect_url: Option<String>,
    /// After how many milliseconds.
    pub redirect_timeout: u64,
    /// What the participant shows to be paid.
    pub completion_code: Option<String>,
}
