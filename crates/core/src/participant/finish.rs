//! How a session ends on the participant's side, and what is done until it is over.

use crate::exclusion::{Exclusion, ExclusionReason};
use crate::ids::{ExportId, Frame, PlayerId};
use crate::metrics::{TerminatedBy, TerminationReason};
use crate::monitor::MonitorInput;
use crate::source::text;
use crate::time::Millis;

use super::ending::{Ending, ExportState, RedirectState};
use super::event::{ParticipantOutput, StopReason};
use super::machine::{Participant, Phase};
use super::overlay::OverlayKind;
use super::page_event::PageEvent;
use super::record::Termination;

/// How long the participant's page waits for the server's word on its verdict before it shows it.
pub(super) const VERDICT_PATIENCE: Millis = Millis::new(1_000.0);
/// How long a partner waits for the request to export before it exports unasked.
pub(super) const TRIGGER_PATIENCE: Millis = Millis::new(2_000.0);

struct End {
    reason: TerminationReason,
    by: Option<TerminatedBy>,
    frame: Frame,
    disconnected_player: Option<PlayerId>,
    kind: OverlayKind,
    heading: String,
    message: String,
    export: ExportState,
}

impl Participant {
    fn end(&mut self, end: End, now: Millis) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        self.monitor.handle(now, MonitorInput::Pause);
        self.stop_game(StopReason::Ended(end.reason), end.by);
        self.record.termination = Some(Termination {
            reason: end.reason,
            by: end.by,
            frame: end.frame,
            at_epoch: self.epoch + now,
            disconnected_player: end.disconnected_player,
        });
        let building = matches!(end.export, ExportState::Building);
        self.begin_ending(
            end.kind,
            end.heading,
            end.message,
            end.export,
            RedirectState::Waiting,
            now,
        );
        if building {
            self.build_export(false);
        }
    }

    fn begin_ending(
        &mut self,
        kind: OverlayKind,
        heading: String,
        message: String,
        export: ExportState,
        redirect: RedirectState,
        now: Millis,
    ) {
        self.forget_unfinished();
        self.outputs.push(ParticipantOutput::HideBanner);
        self.phase = Phase::Ended(Box::new(Ending {
            kind,
            heading,
            message,
            export_id: self.next_export_id(),
            export,
            persisted: false,
            uploadable: false,
            redirect,
            began: now,
            delayed: false,
        }));
    }

    pub(super) fn next_export_id(&mut self) -> ExportId {
        self.exports += 1;
        let number = self.exports.to_string();
        ExportId::try_from(text(&[&self.export_seed, "-", &number]))
            .unwrap_or_else(|_| ExportId::known(text(&["export-", &number])))
    }

    pub(super) fn end_normally(&mut self, now: Millis) {
        let end = End {
            reason: TerminationReason::Normal,
            by: None,
            frame: self.monitor.current_frame(),
            disconnected_player: None,
            kind: OverlayKind::SessionComplete,
            heading: self.texts.complete_heading.to_string(),
            message: self.texts.complete_message.to_string(),
            export: ExportState::Building,
        };
        self.end(end, now);
    }

    pub(super) fn end_by_partner(&mut self, message: String, frame: Frame, now: Millis) {
        if let Phase::Ended(ending) = &mut self.phase {
            // The request to export came first: only the message is news.
            if ending.kind == OverlayKind::PartnerExcluded {
                ending.message = message;
            }
            return;
        }
        if matches!(self.phase, Phase::Idle) {
            return;
        }
        self.notify(PageEvent::PartnerExcluded {
            message: message.clone(),
            frame,
        });
        let end = End {
            reason: TerminationReason::PartnerExclusion,
            by: Some(TerminatedBy::Partner),
            frame,
            disconnected_player: None,
            kind: OverlayKind::PartnerExcluded,
            heading: self.texts.partner_heading.to_string(),
            message,
            export: ExportState::Awaiting {
                until: now + TRIGGER_PATIENCE,
            },
        };
        self.end(end, now);
    }

    /// Whether there is a game that can end. A page that was opened after the end knows its seat and nothing else.
    fn is_in_game(&self) -> bool {
        match self.phase {
            Phase::Playing | Phase::Reporting { .. } => true,
            Phase::Waiting => self.seat.is_some(),
            Phase::Idle | Phase::Ended(_) => false,
        }
    }

    pub(super) fn trigger_export(&mut self, frame: Frame, now: Millis) {
        if self.is_in_game() {
            self.end_by_partner(self.texts.partner_message.to_string(), frame, now);
        }
        self.start_export(false);
    }

    pub(super) fn end_excluded(
        &mut self,
        reason: ExclusionReason,
        by: TerminatedBy,
        message: String,
        frame: Frame,
        now: Millis,
    ) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        self.notify(PageEvent::Excluded {
            reason,
            message: message.clone(),
            frame,
        });
        let end = End {
            reason: reason.into(),
            by: Some(by),
            frame,
            disconnected_player: None,
            kind: OverlayKind::MonitorExclusion,
            heading: self.texts.excluded_heading.to_string(),
            message,
            export: ExportState::Building,
        };
        self.end(end, now);
    }

    pub(super) fn focus_loss_message(&self) -> String {
        self.config
            .focus_loss_message
            .clone()
            .unwrap_or_else(|| self.texts.focus_loss.to_string())
    }

    pub(super) fn end_for_focus_loss(&mut self, now: Millis) {
        let end = End {
            reason: TerminationReason::FocusLossTimeout,
            by: Some(TerminatedBy::Own),
            frame: self.monitor.current_frame(),
            disconnected_player: self.seat.as_ref().map(|seat| seat.player_id.clone()),
            kind: OverlayKind::MonitorExclusion,
            heading: self.texts.excluded_heading.to_string(),
            message: self.focus_loss_message(),
            export: ExportState::Building,
        };
        self.end(end, now);
    }

    pub(super) fn end_without_verdict(
        &mut self,
        reason: TerminationReason,
        by: TerminatedBy,
        disconnected_player: Option<PlayerId>,
        message: String,
        now: Millis,
    ) {
        if !self.is_in_game() {
            return;
        }
        if by == TerminatedBy::Partner {
            self.notify(PageEvent::PartnerDisconnected {
                player_id: disconnected_player.clone(),
                message: message.clone(),
            });
        }
        let (kind, heading) = match by {
            TerminatedBy::Own => (OverlayKind::MonitorExclusion, &self.texts.excluded_heading),
            TerminatedBy::Partner => (OverlayKind::PartnerExcluded, &self.texts.partner_heading),
            TerminatedBy::Server => (OverlayKind::SessionComplete, &self.texts.ended_heading),
        };
        let end = End {
            reason,
            by: Some(by),
            frame: self.monitor.current_frame(),
            disconnected_player,
            kind,
            heading: heading.to_string(),
            message,
            export: ExportState::Building,
        };
        self.end(end, now);
    }

    /// The waiting is over without a game: there is nothing to export.
    pub(super) fn end_waiting(&mut self, message: String, now: Millis) {
        if !matches!(self.phase, Phase::Waiting) {
            return;
        }
        self.joining = None;
        self.stopped = true;
        self.begin_ending(
            OverlayKind::SessionComplete,
            self.texts.ended_heading.to_string(),
            message,
            ExportState::None,
            RedirectState::Waiting,
            now,
        );
    }

    /// Another tab or window of the participant has the seat now. What was played here is not the end of the session.
    pub(super) fn end_taken_over(&mut self, now: Millis) {
        let export = match self.phase {
            Phase::Playing | Phase::Reporting { .. } => ExportState::Building,
            Phase::Waiting => ExportState::None,
            _ => return,
        };
        self.monitor.handle(now, MonitorInput::Pause);
        self.report = None;
        self.stop_game(StopReason::TakenOver, None);
        self.notify(PageEvent::TakenOver {});
        self.outputs.push(ParticipantOutput::ForgetToken);
        let building = matches!(export, ExportState::Building);
        self.begin_ending(
            OverlayKind::SessionComplete,
            self.texts.taken_over_heading.to_string(),
            self.texts.taken_over_message.to_string(),
            export,
            RedirectState::Nowhere,
            now,
        );
        if building {
            self.build_export(false);
        }
    }

    pub(super) fn start_export(&mut self, at_once: bool) {
        if let Phase::Ended(ending) = &mut self.phase
            && matches!(ending.export, ExportState::Awaiting { .. })
        {
            ending.export = ExportState::Building;
            self.build_export(at_once);
        }
    }

    fn build_export(&mut self, at_once: bool) {
        if let Phase::Ended(ending) = &self.phase {
            let export_id = ending.export_id.clone();
            self.build(export_id, at_once);
        }
    }

    pub(super) fn end_by_own_verdict(&mut self, exclusion: Exclusion, now: Millis) {
        self.end_excluded(
            exclusion.reason,
            TerminatedBy::Own,
            exclusion.message,
            exclusion.frame,
            now,
        );
    }
}
