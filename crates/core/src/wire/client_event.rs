//! What a client sends.

use serde::Serialize;

use crate::ids::{Frame, GameId, ParticipantId, PlayerId, SceneId};
use crate::source::{FieldErrors, Fields, Source};
use crate::time::Millis;

use super::client_ending::{
    EmitMetrics, GameComplete, LeaveGame, MidGameExclusion, RedirectRequest, TerminalState,
};

/// An event from a client. `V` is the type of what we pass on without looking into it.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent<V> {
    /// `join_game`
    JoinGame(JoinGame),
    /// `pyodide_player_action`
    PlayerAction(PlayerAction<V>),
    /// `ping`
    Ping(Ping),
    /// `mid_game_exclusion`
    MidGameExclusion(MidGameExclusion<V>),
    /// `emit_multiplayer_metrics`
    EmitMetrics(EmitMetrics<V>),
    /// `multiplayer_game_complete`
    GameComplete(GameComplete),
    /// `leave_game`
    LeaveGame(LeaveGame),
    /// `end_game_request_redirect`
    RequestRedirect(RedirectRequest),
    /// `execute_continuous_callback`
    ExecuteCallback(ExecuteCallback),
    /// `participant_terminal_state`
    TerminalState(TerminalState),
}

impl<V> ClientEvent<V> {
    /// The names of all client events, as they stand on the wire.
    pub const NAMES: &'static [&'static str] = &[
        "join_game",
        "pyodide_player_action",
        "ping",
        "mid_game_exclusion",
        "emit_multiplayer_metrics",
        "multiplayer_game_complete",
        "leave_game",
        "end_game_request_redirect",
        "execute_continuous_callback",
        "participant_terminal_state",
    ];

    /// The event's name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::JoinGame(_) => "join_game",
            Self::PlayerAction(_) => "pyodide_player_action",
            Self::Ping(_) => "ping",
            Self::MidGameExclusion(_) => "mid_game_exclusion",
            Self::EmitMetrics(_) => "emit_multiplayer_metrics",
            Self::GameComplete(_) => "multiplayer_game_complete",
            Self::LeaveGame(_) => "leave_game",
            Self::RequestRedirect(_) => "end_game_request_redirect",
            Self::ExecuteCallback(_) => "execute_continuous_callback",
            Self::TerminalState(_) => "participant_terminal_state",
        }
    }
}

impl<S: Source> ClientEvent<S> {
    /// Reads an event. `None` if the name is not one of [`ClientEvent::NAMES`].
    ///
    /// # Errors
    /// Every fault of the payload.
    pub fn parse(name: &str, payload: &S) -> Option<Result<Self, FieldErrors>> {
        let event = match name {
            "join_game" => JoinGame::parse(payload).map(Self::JoinGame),
            "pyodide_player_action" => PlayerAction::parse(payload).map(Self::PlayerAction),
            "ping" => Ping::parse(payload).map(Self::Ping),
            "mid_game_exclusion" => MidGameExclusion::parse(payload).map(Self::MidGameExclusion),
            "emit_multiplayer_metrics" => EmitMetrics::parse(payload).map(Self::EmitMetrics),
            "multiplayer_game_complete" => GameComplete::parse(payload).map(Self::GameComplete),
            "leave_game" => LeaveGame::parse(payload).map(Self::LeaveGame),
            "end_game_request_redirect" => {
                RedirectRequest::parse(payload).map(Self::RequestRedirect)
            }
            "execute_continuous_callback" => {
                ExecuteCallback::parse(payload).map(Self::ExecuteCallback)
            }
            "participant_terminal_state" => TerminalState::parse(payload).map(Self::TerminalState),
            _ => return None,
        };
        Some(event)
    }
}

impl<V: Serialize> Serialize for ClientEvent<V> {
    /// Writes the payload; the name travels beside it.
    fn serialize<W: serde::Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        match self {
            Self::JoinGame(payload) => payload.serialize(serializer),
            Self::PlayerAction(payload) => payload.serialize(serializer),
            Self::Ping(payload) => payload.serialize(serializer),
            Self::MidGameExclusion(payload) => payload.serialize(serializer),
            Self::EmitMetrics(payload) => payload.serialize(serializer),
            Self::GameComplete(payload) => payload.serialize(serializer),
            Self::LeaveGame(payload) => payload.serialize(serializer),
            Self::RequestRedirect(payload) => payload.serialize(serializer),
            Self::ExecuteCallback(payload) => payload.serialize(serializer),
            Self::TerminalState(payload) => payload.serialize(serializer),
        }
    }
}

/// A participant wants to play.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JoinGame {
    /// MUG's id of the browser session; not used by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The scene to play; the default scene if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_id: Option<SceneId>,
    /// Who wants to play; the server invents an id if absent. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant_id: Option<ParticipantId>,
    /// Proof of having joined before: needed to take back a seat after a reload. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant_token: Option<String>,
}

impl JoinGame {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "join_game");
        let event = Self {
            session_id: fields.text("session_id"),
            scene_id: fields.id("scene_id"),
            participant_id: fields.id("participant_id"),
            participant_token: fields.text("participant_token"),
        };
        fields.finish(event)
    }
}

/// What a player does at a frame; relayed to the partners at once, unread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlayerAction<V> {
    /// The game.
    pub game_id: GameId,
    /// The acting player.
    pub player_id: PlayerId,
    /// Whatever the game sends.
    pub action: V,
    /// The frame that the action is for.
    pub frame_number: Frame,
    /// The sender's clock, for the game's own use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Millis>,
}

impl<S: Source> PlayerAction<S> {
    fn parse(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "pyodide_player_action");
        let game_id = fields.need_id("game_id");
        let player_id = fields.need_player("player_id");
        let action = fields.need_any("action");
        let frame_number = fields.need_frame("frame_number");
        let timestamp = fields.millis("timestamp");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                player_id: player_id?,
                action: action?,
                frame_number,
                timestamp,
            })
        })
    }
}

/// A question for the round trip, with what the server needs to know of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Ping {
    /// The last round trip that the client measured.
    pub ping_ms: Option<Millis>,
    /// Whether the page has the focus.
    pub document_in_focus: bool,
    /// The ping's number, repeated in the answer. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// For how long the tab has been hidden; 0 if visible. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden_ms: Option<Millis>,
    /// The frame that the game has reached. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame_number: Option<Frame>,
    /// Whether monitoring is paused. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

impl Ping {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "ping");
        let event = Self {
            ping_ms: fields.millis("ping_ms"),
            document_in_focus: fields.flag("document_in_focus").unwrap_or(true),
            seq: fields.count("seq"),
            hidden_ms: fields.millis("hidden_ms"),
            frame_number: fields.count("frame_number").map(Frame),
            paused: fields.flag("paused"),
        };
        fields.finish(event)
    }
}

/// What the researcher's rule is told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CallbackContext {
    /// The last round trip; `None` before the first.
    pub ping: Option<Millis>,
    /// Whether the tab is hidden.
    pub is_tab_hidden: bool,
    /// For how long; 0 if visible.
    pub tab_hidden_duration_ms: Millis,
    /// The frame that the game has reached.
    pub frame_number: Frame,
    /// The episode that is played; the first is 0.
    pub episode_number: u64,
}

/// Asks the researcher's own rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExecuteCallback {
    /// MUG's id of the browser session; not used by us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The scene that is played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene_id: Option<SceneId>,
    /// What the rule is told.
    pub context: CallbackContext,
    /// The question's number, repeated in the answer. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<u64>,
}

impl ExecuteCallback {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "execute_continuous_callback");
        fields.need_record("context");
        let session_id = fields.text("session_id");
        let scene_id = fields.id("scene_id");
        let request_id = fields.count("request_id");
        let mut context = None;
        fields.record("context", |inner| {
            context = Some(CallbackContext {
                ping: inner.millis("ping"),
                is_tab_hidden: inner.flag("is_tab_hidden").unwrap_or(false),
                tab_hidden_duration_ms: inner.millis("tab_hidden_duration_ms").unwrap_or_default(),
                frame_number: Frame(inner.count("frame_number").unwrap_or(0)),
                episode_number: inner.count("episode_number").unwrap_or(0),
            });
        });
        fields.build(|| {
            Some(Self {
                session_id,
                scene_id,
                context: context?,
                request_id,
            })
        })
    }
}
