//! What the server sends.

use serde::{Deserialize, Serialize, Serializer};

use crate::ids::{Frame, GameId, ParticipantId, PlayerId};
use crate::source::{FieldErrors, Fields, Source};
use crate::time::Millis;

use super::server_ending::{
    EndGame, GameEnded, ParticipantExcluded, PartnerExcluded, PartnerLeft, Redirect,
    TriggerDataExport,
};

/// An event from the server. `V` is the type of what is passed on without looking into it.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerEvent<V> {
    /// `waiting_room`
    WaitingRoom(WaitingRoom),
    /// `pyodide_player_assigned`
    PlayerAssigned(PlayerAssigned),
    /// `pyodide_game_ready`
    GameReady(GameReady<V>),
    /// `pyodide_other_player_action`
    PlayersAction(PlayersAction<V>),
    /// `pong`
    Pong(Pong),
    /// `presence_probe`
    PresenceProbe(PresenceProbe),
    /// `partner_excluded`
    PartnerExcluded(PartnerExcluded),
    /// `trigger_data_export`
    TriggerDataExport(TriggerDataExport),
    /// `participant_excluded`
    ParticipantExcluded(ParticipantExcluded),
    /// `partner_left`
    PartnerLeft(PartnerLeft),
    /// `end_game_request_redirect`
    Redirect(Redirect),
    /// `continuous_callback_result`
    CallbackResult(CallbackResult),
    /// `p2p_pause`
    PauseGame(PauseGame),
    /// `p2p_resume`
    ResumeGame(ResumeGame),
    /// `p2p_game_ended`
    GameEnded(GameEnded),
    /// `end_game`
    EndGame(EndGame),
}

impl<V> ServerEvent<V> {
    /// The names of all server events, as they stand on the wire.
    pub const NAMES: &'static [&'static str] = &[
        "waiting_room",
        "pyodide_player_assigned",
        "pyodide_game_ready",
        "pyodide_other_player_action",
        "pong",
        "presence_probe",
        "partner_excluded",
        "trigger_data_export",
        "participant_excluded",
        "partner_left",
        "end_game_request_redirect",
        "continuous_callback_result",
        "p2p_pause",
        "p2p_resume",
        "p2p_game_ended",
        "end_game",
    ];

    /// The names of the events that a participant's session handles; the rest are the game's own.
    pub const SESSION_NAMES: &'static [&'static str] = &[
        "waiting_room",
        "pyodide_player_assigned",
        "pyodide_game_ready",
        "pong",
        "presence_probe",
        "partner_excluded",
        "trigger_data_export",
        "participant_excluded",
        "partner_left",
        "end_game_request_redirect",
        "continuous_callback_result",
        "p2p_pause",
        "p2p_resume",
        "p2p_game_ended",
        "end_game",
    ];

    /// The event's name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WaitingRoom(_) => "waiting_room",
            Self::PlayerAssigned(_) => "pyodide_player_assigned",
            Self::GameReady(_) => "pyodide_game_ready",
            Self::PlayersAction(_) => "pyodide_other_player_action",
            Self::Pong(_) => "pong",
            Self::PresenceProbe(_) => "presence_probe",
            Self::PartnerExcluded(_) => "partner_excluded",
            Self::TriggerDataExport(_) => "trigger_data_export",
            Self::ParticipantExcluded(_) => "participant_excluded",
            Self::PartnerLeft(_) => "partner_left",
            Self::Redirect(_) => "end_game_request_redirect",
            Self::CallbackResult(_) => "continuous_callback_result",
            Self::PauseGame(_) => "p2p_pause",
            Self::ResumeGame(_) => "p2p_resume",
            Self::GameEnded(_) => "p2p_game_ended",
            Self::EndGame(_) => "end_game",
        }
    }
}

impl<S: Source> ServerEvent<S> {
    /// Reads an event. `None` if the name is not one of [`ServerEvent::NAMES`].
    ///
    /// # Errors
    /// Every fault of the payload.
    pub fn parse(name: &str, payload: &S) -> Option<Result<Self, FieldErrors>> {
        let event = match name {
            "waiting_room" => WaitingRoom::parse(payload).map(Self::WaitingRoom),
            "pyodide_player_assigned" => PlayerAssigned::parse(payload).map(Self::PlayerAssigned),
            "pyodide_game_ready" => GameReady::parse(payload).map(Self::GameReady),
            "pyodide_other_player_action" => PlayersAction::parse(payload).map(Self::PlayersAction),
            "pong" => Pong::parse(payload).map(Self::Pong),
            "presence_probe" => PresenceProbe::parse(payload).map(Self::PresenceProbe),
            "partner_excluded" => PartnerExcluded::parse(payload).map(Self::PartnerExcluded),
            "trigger_data_export" => TriggerDataExport::parse(payload).map(Self::TriggerDataExport),
            "participant_excluded" => {
                ParticipantExcluded::parse(payload).map(Self::ParticipantExcluded)
            }
            "partner_left" => PartnerLeft::parse(payload).map(Self::PartnerLeft),
            "end_game_request_redirect" => Redirect::parse(payload).map(Self::Redirect),
            "continuous_callback_result" => {
                CallbackResult::parse(payload).map(Self::CallbackResult)
            }
            "p2p_pause" => PauseGame::parse(payload).map(Self::PauseGame),
            "p2p_resume" => ResumeGame::parse(payload).map(Self::ResumeGame),
            "p2p_game_ended" => GameEnded::parse(payload).map(Self::GameEnded),
            "end_game" => EndGame::parse(payload).map(Self::EndGame),
            _ => return None,
        };
        Some(event)
    }
}

impl<V: Serialize> Serialize for ServerEvent<V> {
    /// Writes the payload; the name travels beside it.
    fn serialize<W: serde::Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        match self {
            Self::WaitingRoom(payload) => payload.serialize(serializer),
            Self::PlayerAssigned(payload) => payload.serialize(serializer),
            Self::GameReady(payload) => payload.serialize(serializer),
            Self::PlayersAction(payload) => payload.serialize(serializer),
            Self::Pong(payload) => payload.serialize(serializer),
            Self::PresenceProbe(payload) => payload.serialize(serializer),
            Self::PartnerExcluded(payload) => payload.serialize(serializer),
            Self::TriggerDataExport(payload) => payload.serialize(serializer),
            Self::ParticipantExcluded(payload) => payload.serialize(serializer),
            Self::PartnerLeft(payload) => payload.serialize(serializer),
            Self::Redirect(payload) => payload.serialize(serializer),
            Self::CallbackResult(payload) => payload.serialize(serializer),
            Self::PauseGame(payload) => payload.serialize(serializer),
            Self::ResumeGame(payload) => payload.serialize(serializer),
            Self::GameEnded(payload) => payload.serialize(serializer),
            Self::EndGame(payload) => payload.serialize(serializer),
        }
    }
}

/// How the waiting room fills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitingRoom {
    /// Participants who wait, the receiver included.
    pub cur_num_players: u64,
    /// How many more the game needs.
    pub players_needed: u64,
    /// How long the receiver still waits at most.
    pub ms_remaining: Millis,
}

impl WaitingRoom {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "waiting_room");
        let event = Self {
            cur_num_players: fields.need_count("cur_num_players"),
            players_needed: fields.need_count("players_needed"),
            ms_remaining: fields.millis("ms_remaining").unwrap_or_default(),
        };
        fields.finish(event)
    }
}

/// The receiver's seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerAssigned {
    /// Who the receiver is in the game.
    pub player_id: PlayerId,
    /// The game.
    pub game_id: GameId,
    /// The seed that all players share.
    pub game_seed: u64,
    /// How many play.
    pub num_players: u64,
}

impl PlayerAssigned {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "pyodide_player_assigned");
        let player_id = fields.need_player("player_id");
        let game_id = fields.need_id("game_id");
        let game_seed = fields.count("game_seed").unwrap_or(0);
        let num_players = fields.count("num_players").unwrap_or(0);
        fields.build(|| {
            Some(Self {
                player_id: player_id?,
                game_id: game_id?,
                game_seed,
                num_players,
            })
        })
    }
}

/// All seats are taken: the game begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GameReady<V> {
    /// The game.
    pub game_id: GameId,
    /// The players, in the order of their seats.
    pub players: Vec<PlayerId>,
    /// The participant behind each player; an object on the wire.
    #[serde(serialize_with = "as_object")]
    pub player_subjects: Vec<(PlayerId, ParticipantId)>,
    /// The scene's settings: the monitor's keys, `scene_id`, `experiment_id`, the game's own.
    pub scene_metadata: V,
}

fn as_object<S: Serializer>(
    subjects: &[(PlayerId, ParticipantId)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let entries = subjects
        .iter()
        .map(|(player, participant)| (player.to_string(), participant));
    serializer.collect_map(entries)
}

impl<S: Source> GameReady<S> {
    // The lists are the page's business, which gets the payload itself.
    fn parse(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "pyodide_game_ready");
        let game_id = fields.need_id("game_id");
        let scene_metadata = fields.need_record("scene_metadata");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                players: Vec::new(),
                player_subjects: Vec::new(),
                scene_metadata: scene_metadata?,
            })
        })
    }
}

/// What a partner did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlayersAction<V> {
    /// The acting player.
    pub player_id: PlayerId,
    /// Whatever the game sent.
    pub action: V,
    /// The frame that the action is for.
    pub frame_number: Frame,
    /// The sender's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Millis>,
}

impl<S: Source> PlayersAction<S> {
    fn parse(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "pyodide_other_player_action");
        let player_id = fields.need_player("player_id");
        let action = fields.need_any("action");
        let frame_number = fields.need_frame("frame_number");
        let timestamp = fields.millis("timestamp");
        fields.build(|| {
            Some(Self {
                player_id: player_id?,
                action: action?,
                frame_number,
                timestamp,
            })
        })
    }
}

/// MUG's answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pong {
    /// The experiment's limit for entry, if any.
    pub max_latency: Option<Millis>,
    /// How many samples entry screening takes.
    pub min_ping_measurements: u64,
    /// The ping that is answered. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

impl Pong {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "pong");
        let event = Self {
            max_latency: fields.millis("max_latency"),
            min_ping_measurements: fields.count("min_ping_measurements").unwrap_or(0),
            seq: fields.count("seq"),
        };
        fields.finish(event)
    }
}

/// The server measures the round trip itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PresenceProbe {
    /// The probe's number, repeated in the ack.
    pub seq: u64,
}

impl PresenceProbe {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "presence_probe");
        let event = Self {
            seq: fields.need_count("seq"),
        };
        fields.finish(event)
    }
}

/// What the researcher's rule answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallbackResult {
    /// Exclude the participant.
    pub exclude: bool,
    /// Warn the participant.
    pub warn: bool,
    /// What the participant reads.
    pub message: Option<String>,
    /// The question that is answered. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<u64>,
}

impl CallbackResult {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "continuous_callback_result");
        let event = Self {
            exclude: fields.flag("exclude").unwrap_or(false),
            warn: fields.flag("warn").unwrap_or(false),
            message: fields.text("message"),
            request_id: fields.count("request_id"),
        };
        fields.finish(event)
    }
}

/// A partner's connection is lost; the game waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseGame {
    /// The game.
    pub game_id: GameId,
    /// The last frame that the server knows of.
    pub pause_frame: Frame,
    /// In MUG the player who noticed; the server notices for us, and names the player who is away.
    pub detecting_player: Option<PlayerId>,
    /// How long the server still waits for them; longer after its own restart. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms_remaining: Option<Millis>,
}

impl PauseGame {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "p2p_pause");
        let game_id = fields.need_id("game_id");
        let pause_frame = Frame(fields.count("pause_frame").unwrap_or(0));
        let detecting_player = fields.player("detecting_player");
        let ms_remaining = fields.millis("ms_remaining");
        fields.build(|| {
            Some(Self {
                game_id: game_id?,
                pause_frame,
                detecting_player,
                ms_remaining,
            })
        })
    }
}

/// The partner is back; the game goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeGame {
    /// The game.
    pub game_id: GameId,
}

impl ResumeGame {
    fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "p2p_resume");
        let game_id = fields.need_id("game_id");
        fields.build(|| Some(Self { game_id: game_id? }))
    }
}
