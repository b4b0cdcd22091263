//! What the monitor finds out about this participant.

use crate::exclusion::Exclusion;
use crate::ids::Frame;
use crate::metrics::TerminatedBy;
use crate::monitor::MonitorOutput;
use crate::outbox::Owed;
use crate::time::Millis;
use crate::wire::{
    ClientEvent, ExecuteCallback, MidGameExclusion, TerminalState, TerminalStateReason,
};

use super::event::{Expect, ParticipantOutput, StopReason};
use super::machine::{Participant, Phase};
use super::page_event::PageEvent;

impl Participant {
    pub(super) fn drain_monitor(&mut self, now: Millis) {
        while let Some(output) = self.monitor.poll() {
            match output {
                MonitorOutput::SendPing(ping) => {
                    let expect = ping.seq.map_or(Expect::Nothing, Expect::Ping);
                    self.emit(ClientEvent::Ping(ping), expect);
                }
                MonitorOutput::Warn(warning) => {
                    self.notify(PageEvent::Warning {
                        kind: warning.kind,
                        message: warning.message.clone(),
                    });
                    let banner = ParticipantOutput::Banner(warning.message.clone());
                    self.outputs.push(banner);
                    self.record.warnings.push(warning);
                }
                MonitorOutput::Exclude(exclusion) => self.report_verdict(exclusion, now),
                MonitorOutput::FocusLossTimeout { frame } => self.report_focus_loss(frame, now),
                MonitorOutput::AskCallback {
                    request_id,
                    context,
                } => {
                    let event = ExecuteCallback {
                        session_id: None,
                        scene_id: self.scene.clone(),
                        context,
                        request_id: Some(request_id),
                    };
                    self.emit(ClientEvent::ExecuteCallback(event), Expect::Nothing);
                }
            }
        }
    }

    fn report_verdict(&mut self, exclusion: Exclusion, now: Millis) {
        // The last judgement before the pause of an ending comes too late.
        let (Phase::Playing, Some(seat)) = (&self.phase, &self.seat) else {
            return;
        };
        let event = MidGameExclusion {
            game_id: seat.game_id.clone(),
            player_id: seat.player_id.clone(),
            reason: exclusion.reason,
            frame_number: exclusion.frame,
            timestamp: Some(exclusion.evidence.decided_at_timestamp),
            evidence: Some(exclusion.evidence.clone()),
        };
        self.report = Some((ClientEvent::MidGameExclusion(event), Owed::new(now)));
        self.record.exclusion = Some(exclusion.clone());
        let reason = StopReason::Ended(exclusion.reason.into());
        self.stop_game(reason, Some(TerminatedBy::Own));
        self.phase = Phase::Reporting {
            exclusion,
            until: now + super::finish::VERDICT_PATIENCE,
        };
    }

    fn report_focus_loss(&mut self, frame: Frame, now: Millis) {
        let (Phase::Playing, Some(seat)) = (&self.phase, &self.seat) else {
            return;
        };
        let event = TerminalState {
            game_id: seat.game_id.clone(),
            scene_id: self.scene.clone(),
            reason: TerminalStateReason::FocusLossTimeout,
            frame_number: frame,
            episode_number: self.record.current_episode(),
        };
        self.report = Some((ClientEvent::TerminalState(event), Owed::new(now)));
        self.end_for_focus_loss(now);
    }
}
