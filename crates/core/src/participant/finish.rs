//! How a session ends on the participant's side, and what is done until it is over.

use crate::exclusion::{Exclusion, ExclusionReason};
use crate::ids::{ExportId, Frame, PlayerId};
use crate::metrics::{TerminatedBy, TerminationReason};
use crate::monitor::MonitorInput;
use crate::outbox::Owed;
use crate::source::{Kind, Source, text};
use crate::time::Millis;
use crate::wire::{ClientEvent, ExclusionAnswer, ExclusionOutcome, Redirect, Refusal};

use super::ending::{Ending, ExportState, RedirectState};
use super::event::{PageEvent, ParticipantOutput};
use super::machine::{Participant, Phase};
use super::overlay::OverlayKind;
use super::record::Termination;

/// How long the participant's page waits for the server's word on its verdict before it shows it.
pub(super) const VERDICT_PATIENCE: Millis = Millis::new(1_000.0);
/// How long a partner waits for the request to export before it exports unasked.
const TRIGGER_PATIENCE: Millis = Millis::new(2_000.0);

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
        self.stop_game(end.reason, end.by);
        self.outputs.push(ParticipantOutput::HideBanner);
        self.record.termination = Some(Termination {
            reason: end.reason,
            by: end.by,
            frame: end.frame,
            at_epoch: self.epoch + now,
            disconnected_player: end.disconnected_player,
        });
        let export_id = self.next_export_id();
        let build = matches!(end.export, ExportState::Sending(_));
        self.phase = Phase::Ended(Box::new(Ending {
            kind: end.kind,
            heading: end.heading,
            message: end.message,
            export_id: export_id.clone(),
            export: end.export,
            redirect: RedirectState::Waiting,
            began: now,
            delayed: false,
        }));
        if build {
            self.outputs
                .push(ParticipantOutput::BuildExport { export_id });
        }
    }

    fn next_export_id(&mut self) -> ExportId {
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
            export: ExportState::Sending(Owed::new(now)),
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

    pub(super) fn trigger_export(&mut self, frame: Frame, now: Millis) {
        if matches!(self.phase, Phase::Playing | Phase::Reporting { .. }) {
            self.end_by_partner(self.texts.partner_message.to_string(), frame, now);
        }
        self.start_export(now);
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
            export: ExportState::Sending(Owed::new(now)),
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
            export: ExportState::Sending(Owed::new(now)),
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
        if !matches!(self.phase, Phase::Playing | Phase::Reporting { .. }) {
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
            export: ExportState::Sending(Owed::new(now)),
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
        self.phase = Phase::Ended(Box::new(Ending {
            kind: OverlayKind::SessionComplete,
            heading: self.texts.ended_heading.to_string(),
            message,
            export_id: ExportId::known("none".to_owned()),
            export: ExportState::None,
            redirect: RedirectState::Waiting,
            began: now,
            delayed: false,
        }));
    }

    pub(super) fn start_export(&mut self, now: Millis) {
        if let Phase::Ended(ending) = &mut self.phase
            && matches!(ending.export, ExportState::Awaiting { .. })
        {
            ending.export = ExportState::Sending(Owed::new(now));
            let export_id = ending.export_id.clone();
            self.outputs
                .push(ParticipantOutput::BuildExport { export_id });
        }
    }

    pub(super) fn report_answered<S: Source>(
        &mut self,
        answer: Result<Option<S>, Refusal>,
        now: Millis,
    ) {
        if answer
            .as_ref()
            .is_err_and(|refusal| refusal.code.is_passing())
        {
            return;
        }
        let Some((event, _)) = self.report.take() else {
            return;
        };
        if let Err(refusal) = &answer
            && !matches!(event, ClientEvent::GameComplete(_))
        {
            self.notify_error(refusal.code.as_str(), refusal.message.clone());
        }
        let Phase::Reporting { exclusion, until } = &mut self.phase else {
            return;
        };
        let exclusion = exclusion.clone();
        let told = answer.ok().flatten();
        let answer = ExclusionAnswer::parse(told.as_ref());
        match (answer.outcome, answer.termination_reason) {
            (ExclusionOutcome::Accepted, _) => self.end_by_own_verdict(exclusion, now),
            // Another verdict came first, and that one counts.
            (ExclusionOutcome::AlreadyEnded, Some(TerminationReason::PartnerExclusion)) => {
                let message = self.texts.partner_message.to_string();
                self.end_by_partner(message, exclusion.frame, now);
            }
            (ExclusionOutcome::AlreadyEnded, Some(reason)) => {
                if let Some(reason) = reason.exclusion() {
                    let message = self.texts.excluded_message.to_string();
                    self.end_excluded(reason, TerminatedBy::Server, message, exclusion.frame, now);
                } else {
                    // A connection was lost; whose is on its way.
                    *until = now + TRIGGER_PATIENCE;
                }
            }
            (ExclusionOutcome::AlreadyEnded, None) => *until = now + TRIGGER_PATIENCE,
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

    pub(super) fn export_answered<S: Source>(
        &mut self,
        export_id: &ExportId,
        answer: Result<Option<S>, Refusal>,
        _now: Millis,
    ) {
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        if ending.export_id != *export_id || ending.is_settled() {
            return;
        }
        match answer {
            Ok(body) => {
                ending.export = ExportState::Stored;
                let duplicate = body
                    .and_then(|body| body.field("duplicate"))
                    .is_some_and(|duplicate| duplicate.kind() == Kind::Bool(true));
                self.notify(PageEvent::Exported {
                    export_id: export_id.clone(),
                    duplicate,
                });
            }
            Err(refusal) if refusal.code.is_passing() => ending.delayed = true,
            Err(refusal) => {
                ending.export = ExportState::Refused;
                self.notify_error(refusal.code.as_str(), refusal.message);
            }
        }
    }

    pub(super) fn redirect_acked<S: Source>(
        &mut self,
        answer: Result<Option<S>, Refusal>,
        now: Millis,
    ) {
        let nowhere = Redirect {
            redirect_url: None,
            redirect_timeout: 0,
            completion_code: None,
        };
        match answer {
            Ok(Some(body)) => match Redirect::parse(&body) {
                Ok(redirect) => self.redirect_answered(redirect, now),
                Err(errors) => {
                    self.notify_error("invalid_payload", errors.message());
                    self.redirect_answered(nowhere, now);
                }
            },
            // MUG acks without an answer; where it sends one it comes as an event of its own.
            Ok(None) => self.redirect_answered(nowhere, now),
            Err(refusal) if refusal.code.is_passing() => {}
            Err(refusal) => {
                self.notify_error(refusal.code.as_str(), refusal.message);
                self.redirect_answered(nowhere, now);
            }
        }
    }

    pub(super) fn redirect_answered(&mut self, mut redirect: Redirect, now: Millis) {
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        let settled = match &ending.redirect {
            RedirectState::Left => true,
            RedirectState::Answered { redirect, .. } => redirect.redirect_url.is_some(),
            _ => false,
        };
        if settled {
            return;
        }
        let refused = redirect.redirect_url.take_if(|url| !is_web_address(url));
        let leave_at = now + Millis::from(redirect.redirect_timeout);
        ending.redirect = RedirectState::Answered {
            redirect: redirect.clone(),
            leave_at,
        };
        if let Some(url) = refused {
            self.notify_error(
                "invalid_payload",
                text(&["not a web address to go to: ", &url]),
            );
        }
        self.notify(PageEvent::Redirect {
            url: redirect.redirect_url,
            delay_ms: redirect.redirect_timeout,
            completion_code: redirect.completion_code,
        });
    }
}

/// Only http, https and addresses on the same server: never a script.
fn is_web_address(url: &str) -> bool {
    let lower = url.trim_ascii_start().to_ascii_lowercase();
    lower.starts_with("https://")
        || lower.starts_with("http://")
        || (lower.starts_with('/') && !lower.starts_with("//") && !lower.starts_with("/\\"))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::is_web_address;

    #[test]
    fn only_web_addresses_are_gone_to() {
        for good in [
            "https://a.example/x",
            "http://a.example",
            "/done.html?x=1",
            "HTTPS://A.example",
        ] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            " javascript:x",
            "data:text/html,x",
            "//evil",
            "",
            "ftp://a",
        ] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
