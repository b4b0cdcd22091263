//! The machine itself: what the page and the browser say, and what the monitor finds.

use crate::config::MonitorConfig;
use crate::exclusion::{Evidence, Exclusion, Side};
use crate::ids::{ExportId, Frame, PlayerId, SceneId};
use crate::inbox::Inbox;
use crate::metrics::{MonitorRecord, MultiplayerMetrics, TerminatedBy};
use crate::monitor::{Monitor, MonitorInput};
use crate::outbox::Owed;
use crate::queue::take_first;
use crate::source::Source;
use crate::time::Millis;
use crate::upload::Uploads;
use crate::wire::{ClientEvent, GameComplete, JoinGame, PlayerAssigned, ProbeAnswer};

use super::ending::Ending;
use super::event::{
    Expect, ExportOwner, ParticipantInput, ParticipantOutput, SessionState, Status, Stop,
    StopReason,
};
use super::overlay::{Messages, Overlay};
use super::page_event::PageEvent;
use super::record::Record;

#[derive(Clone, Debug)]
pub(super) enum Phase {
    Idle,
    Waiting,
    Playing,
    /// The own verdict is out. What the participant is shown depends on the server's answer: the
    /// first verdict ends the game, and it may have been the partner's.
    Reporting {
        exclusion: Exclusion,
        until: Millis,
    },
    Ended(Box<Ending>),
}

/// Who holds the game up.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    pub(super) page: bool,
    /// Which partner is away, if the server says, and until when they may take to come back.
    pub(super) partner: Option<(Option<PlayerId>, Millis)>,
    /// Since when the own socket is lost.
    pub(super) connection: Option<Millis>,
}

impl Holds {
    const fn any(&self) -> bool {
        self.page || self.partner.is_some() || self.connection.is_some()
    }
}

/// One participant's session. See the [module](super).
#[derive(Clone, Debug)]
pub struct Participant {
    pub(super) epoch: Millis,
    pub(super) texts: Messages,
    pub(super) config: MonitorConfig,
    pub(super) monitor: Monitor,
    pub(super) inbox: Inbox,
    pub(super) record: Record,
    pub(super) phase: Phase,
    pub(super) holds: Holds,
    pub(super) seat: Option<PlayerAssigned>,
    pub(super) scene: Option<SceneId>,
    pub(super) joining: Option<JoinGame>,
    pub(super) connected: bool,
    pub(super) report: Option<(ClientEvent<Evidence>, Owed)>,
    pub(super) stopped: bool,
    pub(super) shown: Option<Overlay>,
    pub(super) export_seed: String,
    pub(super) exports: u32,
    pub(super) uploads: Uploads,
    /// Whose exports the session's are, once the server has said so.
    pub(super) owner: Option<ExportOwner>,
    /// How many left-overs were sent, until the page is told.
    pub(super) left_overs_sent: Option<usize>,
    /// What was kept when the page seemed to go.
    pub(super) unfinished: Option<ExportId>,
    /// What was still being built when the next game began.
    pub(super) left_building: Option<ExportId>,
    pub(super) outputs: Vec<ParticipantOutput>,
}

impl Participant {
    /// A session that nothing has happened to yet.
    ///
    /// `epoch` is the wall clock (milliseconds since the Unix epoch) at zero of the clock that
    /// `handle` is given. `export_seed` is random and unique: export ids are made of it.
    #[must_use]
    pub fn new(epoch: Millis, export_seed: impl Into<String>, texts: Messages) -> Self {
        Self {
            epoch,
            texts,
            config: MonitorConfig::default(),
            monitor: Monitor::new(Side::Client, epoch),
            inbox: Inbox::default(),
            record: Record::default(),
            phase: Phase::Idle,
            holds: Holds::default(),
            seat: None,
            scene: None,
            joining: None,
            connected: false,
            report: None,
            stopped: false,
            shown: None,
            export_seed: export_seed.into(),
            exports: 0,
            uploads: Uploads::default(),
            owner: None,
            left_overs_sent: None,
            unfinished: None,
            left_building: None,
            outputs: Vec::new(),
        }
    }

    /// The game reached a frame. The hot path: called each tick, allocates nothing.
    pub fn frame(&mut self, frame: u64) {
        self.monitor.frame(Frame(frame));
    }

    /// The next thing to do; drain until `None` after every [`Participant::handle`].
    pub fn poll(&mut self) -> Option<ParticipantOutput> {
        take_first(&mut self.outputs)
    }

    /// Something happened.
    pub fn handle<S: Source>(&mut self, now: Millis, input: ParticipantInput<'_, S>) {
        match input {
            ParticipantInput::Join(join) => self.join(join),
            ParticipantInput::EpisodeStarted => {
                let episode = self.record.begin_episode(self.monitor.current_frame(), now);
                self.monitor.begin_episode(episode);
            }
            ParticipantInput::EpisodeCompleted => {
                self.record
                    .complete_episode(self.monitor.current_frame(), now);
            }
            ParticipantInput::Pause => {
                self.holds.page = true;
                self.update_pause(now);
            }
            ParticipantInput::Resume => {
                self.holds.page = false;
                self.update_pause(now);
            }
            ParticipantInput::RttMeasured(rtt) => {
                self.monitor.handle(now, MonitorInput::RttMeasured { rtt });
            }
            ParticipantInput::Complete => self.complete(now),
            ParticipantInput::Continue => self.leave(),
            ParticipantInput::Tick => self.monitor.handle(now, MonitorInput::Tick),
            ParticipantInput::Beat { posted } => {
                self.monitor.handle(now, MonitorInput::Beat { posted });
            }
            ParticipantInput::Hidden => self.monitor.handle(now, MonitorInput::Hidden),
            ParticipantInput::Visible => {
                self.forget_unfinished();
                self.monitor.handle(now, MonitorInput::Visible);
            }
            ParticipantInput::Blurred => self.monitor.handle(now, MonitorInput::Blurred),
            ParticipantInput::Focused => self.monitor.handle(now, MonitorInput::Focused),
            ParticipantInput::PageHide => self.page_hides(now),
            ParticipantInput::Connected => self.connection_back(now),
            ParticipantInput::Disconnected => self.connection_lost(now),
            ParticipantInput::Online => self.uploads.hurry(now),
            ParticipantInput::LeftOvers(exports) => self.found_left_overs(exports, now),
            ParticipantInput::ExportKept {
                export_id,
                bytes,
                persisted,
                uploadable,
            } => self.export_kept(&export_id, bytes, persisted, uploadable, now),
            ParticipantInput::ChunkAnswered { export_id, answer } => {
                self.chunk_answered(&export_id, &answer, now);
            }
            ParticipantInput::Event { name, payload } => self.told(name, &payload, now),
            ParticipantInput::Acked { to, body } => self.acked(to, body.as_ref(), now),
        }
        self.drain_monitor(now);
        self.progress(now);
        self.refresh_overlay(now);
    }

    /// The answer to a `presence_probe`.
    #[must_use]
    pub fn answer_probe(&self, seq: u64, now: Millis) -> ProbeAnswer {
        ProbeAnswer {
            seq,
            hidden: self.monitor.is_hidden(),
            hidden_ms: self.monitor.hidden_for(now),
            frame_number: self.monitor.current_frame(),
            stalled_ms: self.monitor.recently_stalled(now),
        }
    }

    /// The session at a glance.
    #[must_use]
    pub fn status(&self) -> Status {
        let state = match self.phase {
            Phase::Idle => SessionState::Idle,
            Phase::Waiting => SessionState::Waiting,
            Phase::Playing if self.holds.any() => SessionState::Paused,
            Phase::Playing => SessionState::Playing,
            Phase::Reporting { .. } => SessionState::Reporting,
            Phase::Ended(_) => SessionState::Ended,
        };
        Status {
            state,
            ping: self.monitor.last_rtt(),
            hidden: self.monitor.is_hidden(),
            frame: self.monitor.current_frame(),
            episode: self.record.current_episode(),
            completed_episodes: self.record.completed_episodes(),
            player_id: self.seat.as_ref().map(|seat| seat.player_id.clone()),
            game_id: self.seat.as_ref().map(|seat| seat.game_id.clone()),
            connected: self.connected,
            warnings: self.record.warnings.len(),
        }
    }

    /// The metrics as they stand now. Building them is for exports, not for every frame.
    #[must_use]
    pub fn metrics(&self, now: Millis) -> MultiplayerMetrics {
        let frame = self.monitor.current_frame();
        MultiplayerMetrics {
            game_id: self.seat.as_ref().map(|seat| seat.game_id.clone()),
            player_id: self.seat.as_ref().map(|seat| seat.player_id.clone()),
            num_players: self.seat.as_ref().map(|seat| seat.num_players),
            export_timestamp: self.epoch + now,
            session_start_time: self.epoch,
            session_duration_ms: now,
            session_status: self.record.status(frame),
            latency: self.monitor.latency(),
            focus_loss: self.monitor.focus_loss(now),
            episodes: self.record.episodes.clone(),
            partners_left: self.record.partners_left.clone(),
            monitor: MonitorRecord {
                enabled: self.monitor.is_enabled(),
                samples: self.monitor.samples().to_vec(),
                warnings: self.record.warnings.clone(),
                exclusion: self.record.exclusion.clone(),
                stalled_ms: self.monitor.stalled(),
            },
        }
    }

    /// How many episodes have begun.
    #[must_use]
    pub const fn episodes_begun(&self) -> usize {
        self.record.episodes.len()
    }

    /// When the session next needs a [`ParticipantInput::Tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let phase = match &self.phase {
            Phase::Reporting { until, .. } => Some(*until),
            Phase::Ended(ending) => ending.next_deadline(),
            _ => None,
        };
        let report = self.report.as_ref().and_then(|(_, owed)| owed.due());
        let upload = self.uploads.next_deadline();
        [self.monitor.next_deadline(), phase, report, upload]
            .into_iter()
            .flatten()
            .min()
    }

    fn join(&mut self, join: JoinGame) {
        if !matches!(self.phase, Phase::Idle | Phase::Waiting) {
            self.join_failed("already_joined", "this session is in a game already");
            return;
        }
        self.phase = Phase::Waiting;
        self.joining = Some(join);
        if self.connected {
            self.send_join();
        }
    }

    pub(super) fn join_failed(&mut self, code: &'static str, message: impl Into<String>) {
        let message = message.into();
        self.outputs.push(ParticipantOutput::JoinFailed {
            code,
            message: message.clone(),
        });
        self.notify_error(code, message);
    }

    pub(super) fn send_join(&mut self) {
        if let Some(join) = self.joining.clone() {
            self.emit(ClientEvent::JoinGame(join), Expect::Join);
        }
    }

    fn complete(&mut self, now: Millis) {
        let (Phase::Playing, Some(seat)) = (&self.phase, &self.seat) else {
            self.notify_error(
                "not_playing",
                "complete() is for a game that is being played",
            );
            return;
        };
        let event = GameComplete {
            game_id: seat.game_id.clone(),
            player_id: seat.player_id.clone(),
        };
        self.report = Some((ClientEvent::GameComplete(event), Owed::new(now)));
        self.end_normally(now);
    }

    /// Tells the monitor whether anybody holds the game up.
    pub(super) fn update_pause(&mut self, now: Millis) {
        let playing = matches!(self.phase, Phase::Playing) && !self.holds.any();
        if playing == self.monitor.is_paused() {
            let input = if playing {
                MonitorInput::Resume
            } else {
                MonitorInput::Pause
            };
            self.monitor.handle(now, input);
        }
    }

    fn connection_back(&mut self, now: Millis) {
        self.connected = true;
        self.monitor.handle(now, MonitorInput::Connected);
        if let Some((_, owed)) = &mut self.report {
            owed.hurry(now);
        }
        self.hurry_ending(now);
        self.uploads.hurry(now);
        // A socket that is new to the server has to ask for its place again as long as no game has begun.
        if matches!(self.phase, Phase::Waiting) {
            self.send_join();
        }
        if self.holds.connection.take().is_some() && matches!(self.phase, Phase::Playing) {
            self.update_pause(now);
            self.notify_resumed();
        }
    }

    fn connection_lost(&mut self, now: Millis) {
        self.connected = false;
        self.monitor.handle(now, MonitorInput::Disconnected);
        if matches!(self.phase, Phase::Playing) {
            self.holds.connection.get_or_insert(now);
            self.update_pause(now);
            self.notify(PageEvent::Paused {
                reason: "connection",
                player_id: self.seat.as_ref().map(|seat| seat.player_id.clone()),
            });
        }
    }

    pub(super) fn notify_resumed(&mut self) {
        if self.holds.partner.is_none() && self.holds.connection.is_none() {
            self.notify(PageEvent::Resumed {});
        }
    }

    /// Stops the game through the page's hook, once.
    pub(super) fn stop_game(&mut self, reason: StopReason, terminated_by: Option<TerminatedBy>) {
        if !self.stopped {
            self.stopped = true;
            self.outputs.push(ParticipantOutput::StopGame(Stop {
                reason,
                terminated_by,
            }));
        }
    }

    pub(super) fn emit(&mut self, event: ClientEvent<Evidence>, expect: Expect) {
        self.outputs.push(ParticipantOutput::Emit { event, expect });
    }

    pub(super) fn notify(&mut self, event: PageEvent) {
        self.outputs.push(ParticipantOutput::Notify(event));
    }

    pub(super) fn notify_error(&mut self, code: &'static str, message: impl Into<String>) {
        self.notify(PageEvent::Error {
            code,
            message: message.into(),
        });
    }
}
