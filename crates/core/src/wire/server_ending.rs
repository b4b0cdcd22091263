//! What the server sends at the end of a game.

use serde::{Deserialize, Serialize};

use crate::exclusion::ExclusionReason;
use crate::ids::{DeliveryId, Frame, GameId, PlayerId};
use crate::metrics::TerminationReason;
use crate::source::{FieldErrors, Fields, Source};

/// A partner was excluded: the game has ended for the receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerExcluded {
    /// What the receiver reads; neutral.
    pub message: String,
    /// The frame at which the game ended.
    pub frame_number: Frame,
    /// Always `partner_exclusion`.
    pub reason: TerminationReason,
    /// The game. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub game_id: Option<GameId>,
    /// The delivery to ack. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
}

impl PartnerExcluded {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "partner_excluded");
        let event = Self {
            message: fields.text("message").unwrap_or_default(),
            frame_number: Frame(fields.count("frame_number").unwrap_or(0)),
            reason: TerminationReason::PartnerExclusion,
            game_id: fields.id("game_id"),
            delivery_id: fields.id("delivery_id"),
        };
        fields.finish(event)
    }
}

/// The receiver is to export its data now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerDataExport {
    /// Whether the session is partial.
    pub is_partial: bool,
    /// Why the game ended for the receiver.
    pub termination_reason: TerminationReason,
    /// The frame at which it ended.
    pub termination_frame: Frame,
    /// The game. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub game_id: Option<GameId>,
    /// The delivery to ack. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
}

impl TriggerDataExport {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "trigger_data_export");
        let event = Self {
            is_partial: fields.flag("is_partial").unwrap_or(true),
            termination_reason: fields
                .word("termination_reason", TerminationReason::WORDS)
                .unwrap_or(TerminationReason::PartnerExclusion),
            termination_frame: Frame(fields.count("termination_frame").unwrap_or(0)),
            game_id: fields.id("game_id"),
            delivery_id: fields.id("delivery_id"),
        };
        fields.finish(event)
    }
}

/// The server excluded the receiver, who did not report itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantExcluded {
    /// The game.
    pub game_id: GameId,
    /// The receiver's seat.
    pub player_id: PlayerId,
    /// The broken rule.
    pub reason: ExclusionReason,
    /// What the receiver reads; empty for the built-in text.
    pub message: String,
    /// The frame at which the game ended.
    pub frame_number: Frame,
    /// The delivery to ack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
}

impl ParticipantExcluded {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "participant_excluded");
        let game_id = fields.need_id("game_id");
        let player_id = fields.need_player("player_id");
        let reason = fields.need_word("reason", ExclusionReason::WORDS);
        let message = fields.text("message").unwrap_or_default();
        let frame_number = Frame(fields.count("frame_number").unwrap_or(0));
        let delivery_id = fields.id("delivery_id");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                player_id: player_id?,
                reason: reason?,
                message,
                frame_number,
                delivery_id,
            })
        })
    }
}

/// Where the receiver goes next, as MUG sends it; we also answer the request itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redirect {
    /// Where to; `None`: the page may be closed.
    pub redirect_url: Option<String>,
    /// After how many milliseconds.
    pub redirect_timeout: u64,
    /// What the participant shows to be paid. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_code: Option<String>,
}

impl Redirect {
    /// Reads the event, and the answer to the request of the same name.
    ///
    /// # Errors
    /// Every fault of the payload.
    pub fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "end_game_request_redirect");
        let event = Self {
            redirect_url: fields.text("redirect_url").filter(|url| !url.is_empty()),
            redirect_timeout: fields.millis("redirect_timeout").unwrap_or_default().ceil(),
            completion_code: fields.text("completion_code"),
        };
        fields.finish(event)
    }
}

/// Why the server ended a game without a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GameEndReason {
    /// A player's connection did not come back in time.
    PartnerDisconnected,
    /// A player's tab was hidden longer than `focus_loss_timeout_ms`.
    FocusLossTimeout,
    /// The server stops.
    ServerShutdown,
}

impl GameEndReason {
    /// Every reason under its name on the wire, MUG's own among them.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("partner_disconnected", Self::PartnerDisconnected),
        ("focus_loss_timeout", Self::FocusLossTimeout),
        ("server_shutdown", Self::ServerShutdown),
        ("reconnection_timeout", Self::PartnerDisconnected),
    ];
}

/// The game ended without a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GameEnded {
    /// The game.
    pub game_id: GameId,
    /// Why.
    pub reason: GameEndReason,
    /// The player whose connection was lost; `None` if there is none.
    pub disconnected_player_id: Option<PlayerId>,
    /// The delivery to ack. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
}

impl GameEnded {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "p2p_game_ended");
        let game_id = fields.need_id("game_id");
        let reason = fields
            .word("reason", GameEndReason::WORDS)
            .unwrap_or(GameEndReason::PartnerDisconnected);
        let disconnected_player_id = fields.player("disconnected_player_id");
        let delivery_id = fields.id("delivery_id");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                reason,
                disconnected_player_id,
                delivery_id,
            })
        })
    }
}

/// A player is gone and the game goes on without them. Ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerLeft {
    /// The game.
    pub game_id: GameId,
    /// Who is gone.
    pub player_id: PlayerId,
    /// The last frame for which the leaver's actions count.
    pub frame_number: Frame,
    /// How many still play, the receiver included.
    pub num_players: u64,
    /// What the receiver reads; neutral, empty for the built-in text.
    pub message: String,
    /// The delivery to ack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<DeliveryId>,
}

impl PartnerLeft {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "partner_left");
        let game_id = fields.need_id("game_id");
        let player_id = fields.need_player("player_id");
        let frame_number = fields.need_frame("frame_number");
        let num_players = fields.count("num_players").unwrap_or(0);
        let message = fields.text("message").unwrap_or_default();
        let delivery_id = fields.id("delivery_id");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                player_id: player_id?,
                frame_number,
                num_players,
                message,
                delivery_id,
            })
        })
    }
}

/// Why the game is over for one page only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndGameReason {
    /// Another tab or window of the same participant has the seat now.
    TakenOver,
}

/// The game or the waiting is over, for another reason than those above.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EndGame {
    /// What the receiver reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why, if it concerns the receiving page only. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<EndGameReason>,
}

impl EndGame {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "end_game");
        let event = Self {
            message: fields.text("message"),
            // MUG may give reasons of its own: they are no fault.
            reason: fields
                .text("reason")
                .filter(|reason| reason == "taken_over")
                .map(|_| EndGameReason::TakenOver),
        };
        fields.finish(event)
    }
}
