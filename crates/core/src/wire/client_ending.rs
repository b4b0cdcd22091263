//! What a client sends at the end of a game.

use serde::Serialize;

use crate::exclusion::ExclusionReason;
use crate::ids::{ExportId, Frame, GameId, PlayerId, SceneId};
use crate::source::{FieldErrors, Fields, Kind, Source};
use crate::time::Millis;

/// A client's verdict on its own participant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MidGameExclusion<V> {
    /// The game.
    pub game_id: GameId,
    /// The excluded player: must be the sender's own seat.
    pub player_id: PlayerId,
    /// The broken rule.
    pub reason: ExclusionReason,
    /// The frame of the verdict.
    pub frame_number: Frame,
    /// The client's wall clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Millis>,
    /// What the verdict rests on. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<V>,
}

impl<S: Source> MidGameExclusion<S> {
    pub(super) fn parse(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "mid_game_exclusion");
        let game_id = fields.need_id("game_id");
        let player_id = fields.need_player("player_id");
        let reason = fields.need_word("reason", ExclusionReason::WORDS);
        let frame_number = fields.need_frame("frame_number");
        let timestamp = fields.millis("timestamp");
        let evidence = fields.given("evidence");
        if evidence
            .as_ref()
            .is_some_and(|evidence| evidence.kind() != Kind::Record)
        {
            fields.refuse("evidence", "an object");
        }
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                player_id: player_id?,
                reason: reason?,
                frame_number,
                timestamp,
                evidence,
            })
        })
    }
}

/// A participant's data for storage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EmitMetrics<V> {
    /// The scene that was played.
    pub scene_id: SceneId,
    /// The metrics: an object, stored as it is.
    pub metrics: V,
    /// The client's id of this export; a repeat with it is stored once. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_id: Option<ExportId>,
}

impl<S: Source> EmitMetrics<S> {
    pub(super) fn parse(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "emit_multiplayer_metrics");
        let scene_id = fields.need_id("scene_id");
        let metrics = fields.need_record("metrics");
        let export_id = fields.id("export_id");
        fields.build(|| {
            Some(Self {
                scene_id: scene_id?,
                metrics: metrics?,
                export_id,
            })
        })
    }
}

/// A player has played the game to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GameComplete {
    /// The game.
    pub game_id: GameId,
    /// The player.
    pub player_id: PlayerId,
}

impl GameComplete {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "multiplayer_game_complete");
        let game_id = fields.need_id("game_id");
        let player_id = fields.need_player("player_id");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                player_id: player_id?,
            })
        })
    }
}

/// A participant leaves the waiting room or the game.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeaveGame {
    /// MUG's id of the browser session; not used by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

impl LeaveGame {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "leave_game");
        let event = Self {
            session_id: fields.text("session_id"),
        };
        fields.finish(event)
    }
}

/// A participant asks where to go next. The server decides by its own record of the outcome; what
/// the request says of it is for MUG.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RedirectRequest {
    /// Sent by the partner of an excluded participant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner_exclusion: Option<bool>,
    /// Sent by an excluded participant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid_game_exclusion: Option<bool>,
    /// Why the participant's game ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl RedirectRequest {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "end_game_request_redirect");
        let event = Self {
            partner_exclusion: fields.flag("partner_exclusion"),
            mid_game_exclusion: fields.flag("mid_game_exclusion"),
            reason: fields.text("reason"),
        };
        fields.finish(event)
    }
}

/// Why a participant's page ended its own session without a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalStateReason {
    /// The tab was hidden longer than `focus_loss_timeout_ms`.
    FocusLossTimeout,
    /// The page lost its partner (MUG's pages say so on their own).
    PartnerDisconnected,
}

/// A page tells that its session has ended on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TerminalState {
    /// The game.
    pub game_id: GameId,
    /// The scene.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_id: Option<SceneId>,
    /// Why.
    pub reason: TerminalStateReason,
    /// The frame that the game had reached.
    pub frame_number: Frame,
    /// The episode that was played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episode_number: Option<u64>,
}

impl TerminalState {
    pub(super) fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "participant_terminal_state");
        let game_id = fields.need_id("game_id");
        let scene_id = fields.id("scene_id");
        let reason = fields.need_word(
            "reason",
            &[
                ("focus_loss_timeout", TerminalStateReason::FocusLossTimeout),
                (
                    "partner_disconnected",
                    TerminalStateReason::PartnerDisconnected,
                ),
            ],
        );
        let frame_number = fields.need_frame("frame_number");
        let episode_number = fields.count("episode_number");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                scene_id,
                reason: reason?,
                frame_number,
                episode_number,
            })
        })
    }
}
