//! Data that is not with the server yet: what the outbox keeps, and what goes up in chunks.

use crate::ids::ExportId;
use crate::outbox::Owed;
use crate::source::{Kind, Source};
use crate::time::Millis;
use crate::upload::{ChunkAnswer, Progress};
use crate::wire::{ErrorCode, LastWords, Refusal};

use super::ending::{ExportState, RedirectState};
use super::event::ParticipantOutput;
use super::machine::{Participant, Phase};
use super::page_event::PageEvent;

/// What is larger as JSON goes up in chunks: a message of a socket arrives in one piece or not at all.
const SOCKET_BYTES: u64 = 256 * 1024;

impl Participant {
    pub(super) fn found_left_overs(&mut self, exports: Vec<ExportId>, now: Millis) {
        for export_id in exports {
            if !self.is_own(&export_id) {
                self.uploads.add(export_id, true, now);
            }
        }
        self.left_overs_sent.get_or_insert(0);
        self.tell_of_left_overs();
    }

    /// The browser's list may be late, and hold what this page has put there meanwhile.
    fn is_own(&self, export_id: &ExportId) -> bool {
        let number = export_id.as_str().strip_prefix(self.export_seed.as_str());
        number.is_some_and(|number| number.starts_with('-'))
    }

    fn tell_of_left_overs(&mut self) {
        if let Some(left) = self.uploads.left_over_after_a_round()
            && let Some(sent) = self.left_overs_sent.take()
        {
            self.notify(PageEvent::LeftOvers { sent, left });
        }
    }

    pub(super) fn build(&mut self, export_id: ExportId, at_once: bool) {
        self.outputs.push(ParticipantOutput::BuildExport {
            export_id,
            scene_id: self.scene_or_game(),
            owner: self.owner.clone(),
            at_once,
        });
    }

    pub(super) fn export_kept(
        &mut self,
        export_id: &ExportId,
        bytes: u64,
        persisted: bool,
        uploadable: bool,
        now: Millis,
    ) {
        let has_owner = self.owner.is_some();
        if self
            .left_building
            .take_if(|left| left == export_id)
            .is_some()
        {
            if uploadable && has_owner {
                self.uploads.add(export_id.clone(), false, now);
            }
            return;
        }
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        if ending.export_id != *export_id {
            return;
        }
        // What no later page could send is not kept by keeping it.
        ending.persisted |= persisted && uploadable;
        if !matches!(ending.export, ExportState::Building) {
            return;
        }
        ending.uploadable = uploadable && has_owner;
        // The socket of a seat that was taken over speaks for nobody.
        let elsewhere = bytes > SOCKET_BYTES || matches!(ending.redirect, RedirectState::Nowhere);
        if elsewhere && ending.uploadable {
            ending.export = ExportState::Uploading;
            self.uploads.add(export_id.clone(), false, now);
        } else {
            ending.export = ExportState::Sending(Owed::new(now));
        }
    }

    pub(super) fn send_chunk(&mut self, now: Millis) {
        if let Some((export_id, offset)) = self.uploads.next_chunk(now) {
            self.outputs
                .push(ParticipantOutput::SendChunk { export_id, offset });
        }
    }

    pub(super) fn chunk_answered<S: Source>(
        &mut self,
        export_id: &ExportId,
        answer: &ChunkAnswer<S>,
        now: Millis,
    ) {
        match self.uploads.answered(export_id, answer, now) {
            Progress::UnderWay => {}
            Progress::Stored { duplicate } => {
                if !self.is_own(export_id)
                    && let Some(sent) = &mut self.left_overs_sent
                {
                    *sent += 1;
                }
                self.arrived(export_id, duplicate);
            }
            Progress::Refused(refusal) => self.refused(export_id, refusal),
        }
        self.tell_of_left_overs();
    }

    /// The socket's answer to an export.
    pub(super) fn export_answered<S: Source>(
        &mut self,
        export_id: &ExportId,
        answer: Result<Option<S>, Refusal>,
        now: Millis,
    ) {
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        if ending.export_id != *export_id || ending.is_settled() {
            return;
        }
        match answer {
            Ok(body) => {
                let duplicate = body
                    .and_then(|body| body.field("duplicate"))
                    .is_some_and(|duplicate| duplicate.kind() == Kind::Bool(true));
                self.uploads.forget(export_id);
                self.arrived(export_id, duplicate);
            }
            Err(refusal) if refusal.code.is_passing() => ending.delayed = true,
            // A socket whose seat was taken over speaks for nobody; the token still does.
            Err(refusal)
                if matches!(refusal.code, ErrorCode::TooLarge | ErrorCode::Unauthorized)
                    && ending.uploadable =>
            {
                ending.export = ExportState::Uploading;
                self.uploads.add(export_id.clone(), false, now);
            }
            Err(refusal) => self.refused(export_id, refusal),
        }
    }

    fn arrived(&mut self, export_id: &ExportId, duplicate: bool) {
        self.settle(export_id, ExportState::Stored);
        self.notify(PageEvent::Exported {
            export_id: export_id.clone(),
            duplicate,
        });
    }

    fn refused(&mut self, export_id: &ExportId, refusal: Refusal) {
        self.settle(export_id, ExportState::Refused);
        self.notify_error(refusal.code.as_str(), refusal.message);
    }

    fn settle(&mut self, export_id: &ExportId, state: ExportState) {
        if let Phase::Ended(ending) = &mut self.phase
            && ending.export_id == *export_id
        {
            ending.export = state;
        }
        self.drop_export(export_id.clone());
    }

    fn drop_export(&mut self, export_id: ExportId) {
        self.outputs
            .push(ParticipantOutput::DropExport { export_id });
    }

    /// A new game begins: the last one's data goes on by itself.
    pub(super) fn leave_behind(&mut self, now: Millis) {
        let Phase::Ended(ending) = &self.phase else {
            return;
        };
        if matches!(ending.export, ExportState::Building) {
            self.left_building = Some(ending.export_id.clone());
        } else if ending.uploadable && !ending.is_settled() {
            self.uploads.add(ending.export_id.clone(), false, now);
        }
    }

    /// The page goes, and may not be heard of again.
    pub(super) fn page_hides(&mut self, now: Millis) {
        // The final export cannot be built later.
        self.start_export(true);
        if !matches!(self.phase, Phase::Playing | Phase::Reporting { .. }) {
            return;
        }
        let (Some(owner), Some(seat)) = (&self.owner, &self.seat) else {
            return;
        };
        let words = LastWords {
            participant_token: owner.token.clone(),
            game_id: seat.game_id.clone(),
            frame_number: self.monitor.current_frame(),
            completed_episodes: self.record.completed_episodes(),
            hidden_ms: self.monitor.hidden_for(now),
        };
        // A new id each time: an earlier one may be with the server already.
        self.forget_unfinished();
        let export_id = self.next_export_id();
        self.unfinished = Some(export_id.clone());
        self.build(export_id, true);
        self.outputs.push(ParticipantOutput::Beacon(words));
    }

    /// The page is still there: what it would have left behind is not all there is.
    pub(super) fn forget_unfinished(&mut self) {
        if let Some(export_id) = self.unfinished.take() {
            self.drop_export(export_id);
        }
    }
}
