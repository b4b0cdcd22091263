//! What is done step by step until an ended session is over: reports, the export, the next page.

use crate::ids::SceneId;
use crate::outbox::Owed;
use crate::time::Millis;
use crate::wire::{ClientEvent, RedirectRequest};

use super::ending::{ExportState, RedirectState};
use super::event::{Expect, ParticipantOutput};
use super::machine::{Participant, Phase};
use super::overlay::OverlayKind;

/// Data on its way for longer than this is called late.
const DELAY: Millis = Millis::new(5_000.0);

impl Participant {
    /// Goes where the server said, at once.
    pub(super) fn leave(&mut self) {
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        if let RedirectState::Answered { redirect, .. } = &ending.redirect
            && let Some(url) = redirect.redirect_url.clone()
        {
            ending.redirect = RedirectState::Left;
            self.outputs.push(ParticipantOutput::Navigate { url });
        }
    }

    pub(super) fn hurry_ending(&mut self, now: Millis) {
        if let Phase::Ended(ending) = &mut self.phase {
            if let ExportState::Sending(owed) = &mut ending.export {
                owed.hurry(now);
            }
            if let RedirectState::Asking(owed) = &mut ending.redirect {
                owed.hurry(now);
            }
        }
    }

    /// Sends what is due and moves on where time is up.
    pub(super) fn progress(&mut self, now: Millis) {
        if self.connected
            && let Some((event, owed)) = &mut self.report
            && owed.take_turn(now)
        {
            let event = event.clone();
            self.emit(event, Expect::Report);
        }
        self.stop_waiting_for_the_verdict(now);
        if let Phase::Ended(ending) = &self.phase
            && matches!(ending.export, ExportState::Awaiting { until } if until <= now)
        {
            self.start_export(false);
        }
        self.send_export(now);
        self.send_chunk(now);
        self.ask_for_redirect(now);
    }

    fn stop_waiting_for_the_verdict(&mut self, now: Millis) {
        let Phase::Reporting { exclusion, until } = &self.phase else {
            return;
        };
        if now < *until {
            return;
        }
        let exclusion = exclusion.clone();
        self.end_by_own_verdict(exclusion, now);
    }

    fn send_export(&mut self, now: Millis) {
        let scene_id = self.scene_or_game();
        let connected = self.connected;
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        if !ending.is_settled() && now - ending.began >= DELAY {
            ending.delayed = true;
        }
        if let ExportState::Sending(owed) = &mut ending.export
            && connected
            && owed.take_turn(now)
        {
            let export_id = ending.export_id.clone();
            self.outputs.push(ParticipantOutput::SendExport {
                export_id,
                scene_id,
            });
        }
    }

    /// A MUG server may not name the scene; the game's id is then the best there is.
    pub(super) fn scene_or_game(&self) -> SceneId {
        self.scene
            .clone()
            .or_else(|| {
                let seat = self.seat.as_ref()?;
                SceneId::try_from(seat.game_id.as_str()).ok()
            })
            .unwrap_or_else(|| SceneId::known("unknown".to_owned()))
    }

    fn ask_for_redirect(&mut self, now: Millis) {
        let timeout = self.config.export_ack_timeout;
        let reason = self
            .record
            .termination
            .as_ref()
            .map(|termination| termination.reason);
        let connected = self.connected;
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        let (settled, safe) = (ending.is_settled(), ending.is_safe());
        // How the session ended goes before its end; a server that never answers holds nobody up.
        let reported = self.report.is_none() || now - ending.began >= timeout;
        if matches!(ending.redirect, RedirectState::Waiting)
            && (settled || now - ending.began >= timeout)
        {
            ending.redirect = RedirectState::Asking(Owed::new(now));
        }
        match &mut ending.redirect {
            RedirectState::Asking(owed) => {
                if !connected || !owed.take_turn(now) {
                    return;
                }
                let kind = ending.kind;
                let request = RedirectRequest {
                    partner_exclusion: (kind == OverlayKind::PartnerExcluded).then_some(true),
                    mid_game_exclusion: (kind == OverlayKind::MonitorExclusion).then_some(true),
                    reason: reason.map(|reason| reason.as_str().to_owned()),
                };
                self.emit(ClientEvent::RequestRedirect(request), Expect::Redirect);
            }
            // Data that neither arrived nor is kept goes out only while the page is open: nobody is sent away
            // from it, but the button lets them go.
            RedirectState::Answered { leave_at, .. } if safe && reported && now >= *leave_at => {
                self.leave();
            }
            _ => {}
        }
    }
}
