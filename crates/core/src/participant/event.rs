//! What goes into a participant's session and what comes out.

use serde::{Serialize, Serializer};

use crate::exclusion::Evidence;
use crate::ids::{ExportId, Frame, GameId, ParticipantId, PlayerId, SceneId};
use crate::metrics::{TerminatedBy, TerminationReason};
use crate::time::Millis;
use crate::upload::ChunkAnswer;
use crate::wire::{ClientEvent, JoinGame, LastWords};

use super::overlay::{Overlay, OverlayKind};
use super::page_event::PageEvent;

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
    /// The page goes: it is closed, reloaded or put aside. It may come back ([`ParticipantInput::Visible`]).
    PageHide,
    /// The socket is connected.
    Connected,
    /// The socket is lost.
    Disconnected,
    /// The browser has a network again.
    Online,
    /// What earlier pages left in the browser's outbox: told after the session began, and
    /// again when a game begins.
    LeftOvers(Vec<ExportId>),
    /// An export was built. Told again, with `persisted`, once the browser keeps it for good.
    ExportKept {
        /// The export.
        export_id: ExportId,
        /// Its size as JSON.
        bytes: u64,
        /// Whether the outbox has it, so that a later page can send it.
        persisted: bool,
        /// Whether the browser can send it in chunks, which are compressed.
        uploadable: bool,
    },
    /// A chunk was answered.
    ChunkAnswered {
        /// The export.
        export_id: ExportId,
        /// How.
        answer: ChunkAnswer<S>,
    },
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
    /// Build the metrics, of what [`metrics`](super::Participant::metrics) and the game's own data say now; put them into the
    /// outbox under this id if they have an owner, and answer with [`ParticipantInput::ExportKept`].
    BuildExport {
        /// The export.
        export_id: ExportId,
        /// The scene that was played.
        scene_id: SceneId,
        /// Who sends it; `None` if only this page can.
        owner: Option<ExportOwner>,
        /// The page is being closed: nothing can be done later, however long it takes.
        at_once: bool,
    },
    /// Send the chunk of an export that begins here and has at most [`CHUNK_BYTES`](crate::upload::CHUNK_BYTES); answer
    /// with [`ParticipantInput::ChunkAnswered`].
    SendChunk {
        /// The export: built here, or one of [`ParticipantInput::LeftOvers`].
        export_id: ExportId,
        /// How many compressed bytes come before the chunk.
        offset: u64,
    },
    /// The export is not needed any more: neither here nor in the outbox.
    DropExport {
        /// The export.
        export_id: ExportId,
    },
    /// Tell the server this while the page goes, whether or not anybody hears the answer.
    Beacon(LastWords),
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
    /// Show a text in the banner for a while.
    Banner(String),
    /// Take the banner away: there is nothing left to warn of.
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
    /// Take the token out of the socket's `auth`: another page has the seat, and this socket must not claim it again.
    ForgetToken,
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

/// Who sends an export, and by what right: enough for a later page to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOwner {
    /// Whose export it is.
    pub participant_id: ParticipantId,
    /// Proof of it.
    pub token: String,
}

/// Why a game stops on this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The session ended.
    Ended(TerminationReason),
    /// The session goes on in another tab or window.
    TakenOver,
}

impl Serialize for StopReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Ended(reason) => reason.as_str(),
            Self::TakenOver => "taken_over",
        })
    }
}

/// Why the game must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Stop {
    /// How the session ended; `taken_over` if it goes on in another tab or window.
    #[cfg_attr(
        feature = "typescript",
        tsify(type = "TerminationReason | 'taken_over'")
    )]
    pub reason: StopReason,
    /// Who ended it.
    pub terminated_by: Option<TerminatedBy>,
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
