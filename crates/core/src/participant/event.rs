//! What goes into a participant's session and what comes out.

use serde::Serialize;

use crate::exclusion::{Evidence, ExclusionReason, Warning, WarningKind};
use crate::ids::{ExportId, Frame, GameId, ParticipantId, PlayerId, SceneId};
use crate::metrics::{TerminatedBy, TerminationReason};
use crate::time::Millis;
use crate::wire::{ClientEvent, JoinGame, JoinStatus};

use super::overlay::{Overlay, OverlayKind};

/// Something that happened. `S` is how the adapter reads values from outside.
#[derive(Clone, Debug)]
pub enum ParticipantInput<'a, S> {
    /// The page wants to play.
    Join(JoinGame),
    /// The page begins an episode.
    EpisodeStarted,
    /// The page has played an episode to its end.
    EpisodeCompleted,
    /// The page stops play for a while (a transition between episodes).
    Pause,
    /// The page goes on.
    Resume,
    /// The game measured a round trip by its own means.
    RttMeasured(Millis),
    /// The page has played the game to its end.
    Complete,
    /// The participant pressed the overlay's button.
    Continue,
    /// Time passed.
    Tick,
    /// The ticker beat; `posted` is by its own clock.
    Beat {
        /// When the ticker posted the beat.
        posted: Millis,
    },
    /// The tab is hidden, frozen, or its page put aside.
    Hidden,
    /// The tab is visible again.
    Visible,
    /// Another window has the focus.
    Blurred,
    /// The page has the focus again.
    Focused,
    /// The socket is connected.
    Connected,
    /// The socket is lost.
    Disconnected,
    /// An event from the server. Ack it, if it can be, after this was handled.
    Event {
        /// Its name.
        name: &'a str,
        /// Its payload.
        payload: S,
    },
    /// An ack from the server.
    Acked {
        /// What was acked.
        to: Expect,
        /// The ack's body, if it had any.
        body: Option<S>,
    },
}

/// Which ack is awaited: the adapter hands it back with the ack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// None.
    Nothing,
    /// Of `join_game`.
    Join,
    /// Of a `ping`, by number.
    Ping(u64),
    /// Of `mid_game_exclusion`, `multiplayer_game_complete` or `participant_terminal_state`.
    Report,
    /// Of `emit_multiplayer_metrics`.
    Export(ExportId),
    /// Of `end_game_request_redirect`.
    Redirect,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum ParticipantOutput {
    /// Send an event and hand its ack back as [`ParticipantInput::Acked`].
    Emit {
        /// The event.
        event: ClientEvent<Evidence>,
        /// Which ack it is to get.
        expect: Expect,
    },
    /// Build the metrics now, with [`metrics`](super::Participant::metrics) and the game's own
    /// data, and keep them under this id.
    BuildExport {
        /// The export.
        export_id: ExportId,
    },
    /// Send a built export as `emit_multiplayer_metrics`.
    SendExport {
        /// The export.
        export_id: ExportId,
        /// The scene that was played.
        scene_id: SceneId,
    },
    /// Stop the game through the page's hook.
    StopGame(Stop),
    /// Show an overlay, or replace the texts of the one of the same kind.
    Show(Overlay),
    /// Take an overlay away.
    Hide(OverlayKind),
    /// Show the warning banner for a while.
    Banner(Warning),
    /// Take the warning banner away: there is nothing left to warn of.
    HideBanner,
    /// Tell the page's handlers.
    Notify(PageEvent),
    /// Tell the page's handlers that the game may begin; the payload is the server's own.
    NotifyReady,
    /// Keep the token: in the socket's `auth`, and where a reload finds it.
    KeepToken {
        /// Whose it is.
        participant_id: ParticipantId,
        /// The token.
        token: String,
    },
    /// The page's request to play was refused; it is told so by an error event as well.
    JoinFailed {
        /// Why, for code.
        code: &'static str,
        /// Why, for people.
        message: String,
    },
    /// Leave the page.
    Navigate {
        /// Where to. Only http, https and addresses on the same server come this far.
        url: String,
    },
}

/// Why the game must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Stop {
    /// How the session ended.
    pub reason: TerminationReason,
    /// Who ended it.
    pub terminated_by: Option<TerminatedBy>,
}

/// An event for the page's own handlers. Serializes to its payload.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[cfg_attr(
    feature = "typescript",
    derive(tsify::Tsify),
    tsify(missing_as_null, namespace)
)]
pub enum PageEvent {
    /// `joined`: the server knows the participant.
    Joined {
        /// Who the participant is; `None` if neither the page nor the server says.
        participant_id: Option<String>,
        /// Proof of it; `None` if the server has none (MUG).
        participant_token: Option<String>,
        /// Where the participant stands.
        status: JoinStatus,
    },
    /// `assigned`: the participant has a seat.
    Assigned {
        /// Who the participant is in the game.
        player_id: PlayerId,
        /// The game.
        game_id: GameId,
        /// The seed that all players share.
        game_seed: u64,
        /// How many play.
        num_players: u64,
    },
    /// `warning`: the participant was warned.
    Warning {
        /// What about.
        kind: WarningKind,
        /// What the participant reads.
        message: String,
    },
    /// `excluded`: the participant was excluded.
    Excluded {
        /// The broken rule.
        reason: ExclusionReason,
        /// What the participant reads.
        message: String,
        /// The frame at which the game ended.
        frame: Frame,
    },
    /// `partnerExcluded`: a partner was excluded.
    PartnerExcluded {
        /// What the participant reads.
        message: String,
        /// The frame at which the game ended.
        frame: Frame,
    },
    /// `partnerDisconnected`: a partner's connection did not come back.
    PartnerDisconnected {
        /// Whose; `None` if the server does not say.
        player_id: Option<PlayerId>,
        /// What the participant reads.
        message: String,
    },
    /// `paused`: play is to wait.
    Paused {
        /// `partner`, `connection` or `page`.
        reason: &'static str,
        /// Who is away, if the server says.
        player_id: Option<PlayerId>,
    },
    /// `resumed`: play goes on.
    Resumed {},
    /// `exported`: the server has stored the data.
    Exported {
        /// The export.
        export_id: ExportId,
        /// Whether it had been stored before.
        duplicate: bool,
    },
    /// `redirect`: the server said where to go.
    Redirect {
        /// Where to; `None`: the page may be closed.
        url: Option<String>,
        /// After how many milliseconds.
        delay_ms: u64,
        /// What the participant shows to be paid.
        completion_code: Option<String>,
    },
    /// `error`: something went wrong that the page's developer should know of.
    Error {
        /// What, for code.
        code: &'static str,
        /// What, for people.
        message: String,
    },
}

impl PageEvent {
    /// The name under which the page listens.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "joined",
            Self::Assigned { .. } => "assigned",
            Self::Warning { .. } => "warning",
            Self::Excluded { .. } => "excluded",
            Self::PartnerExcluded { .. } => "partnerExcluded",
            Self::PartnerDisconnected { .. } => "partnerDisconnected",
            Self::Paused { .. } => "paused",
            Self::Resumed {} => "resumed",
            Self::Exported { .. } => "exported",
            Self::Redirect { .. } => "redirect",
            Self::Error { .. } => "error",
        }
    }

    /// Every name under which a page may listen; `ready` is sent by the adapter itself.
    pub const NAMES: &'static [&'static str] = &[
        "joined",
        "assigned",
        "ready",
        "warning",
        "excluded",
        "partnerExcluded",
        "partnerDisconnected",
        "paused",
        "resumed",
        "exported",
        "redirect",
        "error",
    ];
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum SessionState {
    /// Attached; nothing was asked for.
    Idle,
    /// Waiting for a game to begin.
    Waiting,
    /// In a game.
    Playing,
    /// In a game that waits: an episode transition, or somebody reconnects.
    Paused,
    /// A verdict is being reported.
    Reporting,
    /// Over.
    Ended,
}

/// A session at a glance: what `status()` answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Status {
    /// Where it stands.
    pub state: SessionState,
    /// The last round trip in milliseconds.
    pub ping: Option<Millis>,
    /// Whether the tab is hidden.
    pub hidden: bool,
    /// The frame that the game has reached.
    pub frame: Frame,
    /// The running or last episode; the first is 0.
    pub episode: Option<u64>,
    /// Finished episodes.
    pub completed_episodes: u64,
    /// Who the participant is in the game.
    pub player_id: Option<PlayerId>,
    /// The game.
    pub game_id: Option<GameId>,
    /// Whether the socket is connected.
    pub connected: bool,
    /// How many warnings the participant got.
    pub warnings: usize,
}
