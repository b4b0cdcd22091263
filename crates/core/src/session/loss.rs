//! One participant is gone for good: what the others are told, and whether they play on.

use crate::exclusion::Side;
use crate::ids::{Frame, ParticipantId, PlayerId};
use crate::metrics::TerminationReason;
use crate::time::Millis;
use crate::wire::{
    ErrorCode, GameEndReason, ParticipantExcluded, PartnerExcluded, PartnerLeft, Refusal,
    TerminalStateReason, TriggerDataExport,
};

use super::event::{GameReply, Verdict};
use super::game::{GameSession, Phase};
use super::outcome::Outcome;
use super::seat::{DeliveryEvent, Standing};
use super::settings::OnExclusion;

/// What partners read. Neutral: it names nobody's fault.
const PARTNER_MESSAGE: &str = "Your partner experienced a technical issue. The game has ended.";
const PARTNER_LEFT_MESSAGE: &str =
    "A player had to leave because of a technical issue. The game goes on.";

impl GameSession {
    pub(super) fn verdict(
        &mut self,
        participant: &ParticipantId,
        claimed: Option<&PlayerId>,
        verdict: Verdict,
        seen: Frame,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        let index = match claimed {
            Some(claimed) => self.index_of_claimed(participant, claimed)?,
            None => self.index_of(participant)?,
        };
        match (self.phase, self.seats[index].standing) {
            (Phase::Waiting, _) => {
                return Err(Refusal::new(
                    ErrorCode::UnknownGame,
                    "the game has not begun",
                ));
            }
            // The ack of this very verdict was lost.
            (
                _,
                Standing::Out {
                    outcome: Outcome::Excluded(reason),
                    ..
                },
            ) if reason == verdict.reason && self.was_decided_by(index, verdict.decided_by) => {
                return Ok(GameReply::Accepted);
            }
            (_, Standing::Out { .. }) => {
                self.seats[index].also_excluded.get_or_insert(verdict);
                return Ok(GameReply::AlreadyEnded);
            }
            (_, Standing::Playing) => {}
        }
        let frame = verdict.frame;
        let outcome = Outcome::Excluded(verdict.reason);
        if verdict.decided_by == Side::Server {
            let id = self.delivery_id();
            let event = DeliveryEvent::ParticipantExcluded(ParticipantExcluded {
                game_id: self.id.clone(),
                player_id: self.seats[index].player.clone(),
                reason: verdict.reason,
                message: verdict.message.clone().unwrap_or_default(),
                frame_number: frame,
                delivery_id: Some(id.clone()),
            });
            self.owe(index, id, event, now);
        }
        self.seats[index].reached(seen);
        self.put_out(index, outcome, frame, now);
        self.seats[index].verdict = Some(verdict);
        if self.goes_on_without(index, now) {
            return Ok(GameReply::Accepted);
        }
        for other in self.others_playing(index) {
            self.owe_partner_excluded(other, frame, now);
            self.put_out(other, Outcome::PartnerExcluded, frame, now);
        }
        Ok(GameReply::Accepted)
    }

    fn owe_partner_excluded(&mut self, index: usize, frame: Frame, now: Millis) {
        let id = self.delivery_id();
        let told = DeliveryEvent::PartnerExcluded(PartnerExcluded {
            message: PARTNER_MESSAGE.to_owned(),
            frame_number: frame,
            reason: TerminationReason::PartnerExclusion,
            game_id: Some(self.id.clone()),
            delivery_id: Some(id.clone()),
        });
        self.owe(index, id, told, now);
        let id = self.delivery_id();
        let trigger = DeliveryEvent::TriggerDataExport(TriggerDataExport {
            is_partial: true,
            termination_reason: TerminationReason::PartnerExclusion,
            termination_frame: frame,
            game_id: Some(self.id.clone()),
            delivery_id: Some(id.clone()),
        });
        self.owe(index, id, trigger, now);
    }

    /// Whether the others play on without one who is out; if so they are told.
    fn goes_on_without(&mut self, gone: usize, now: Millis) -> bool {
        let left = self.others_playing(gone);
        if self.settings.on_exclusion == OnExclusion::End
            || left.is_empty()
            || left.len() < self.settings.min_players
        {
            return false;
        }
        let player = self.seats[gone].player.clone();
        let frame = self.seats[gone].frame;
        for index in left.iter().copied() {
            let id = self.delivery_id();
            let event = DeliveryEvent::PartnerLeft(PartnerLeft {
                game_id: self.id.clone(),
                player_id: player.clone(),
                frame_number: frame,
                num_players: left.len() as u64,
                message: PARTNER_LEFT_MESSAGE.to_owned(),
                delivery_id: Some(id.clone()),
            });
            self.owe(index, id, event, now);
        }
        // The one who is gone holds nobody up any more; another one who is away still does.
        self.tell_pauses(now);
        true
    }

    fn was_decided_by(&self, index: usize, side: Side) -> bool {
        self.seats[index]
            .verdict
            .as_ref()
            .is_some_and(|verdict| verdict.decided_by == side)
    }

    fn others_playing(&self, index: usize) -> Vec<usize> {
        (0..self.seats.len())
            .filter(|other| *other != index && self.seats[*other].is_playing())
            .collect()
    }

    pub(super) fn terminal_state(
        &mut self,
        participant: &ParticipantId,
        reason: TerminalStateReason,
        frame: Frame,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        let index = self.index_of(participant)?;
        if !self.seats[index].is_playing() {
            return Ok(GameReply::AlreadyEnded);
        }
        match (self.phase, reason) {
            (Phase::Waiting, _) => Err(Refusal::new(
                ErrorCode::UnknownGame,
                "the game has not begun",
            )),
            (_, TerminalStateReason::FocusLossTimeout) => {
                self.seats[index].reached(frame);
                self.end_by_loss_of(index, Outcome::FocusLoss, now);
                Ok(GameReply::Accepted)
            }
            // Only the server knows who is connected: a page that says so is heard, not believed.
            (_, TerminalStateReason::PartnerDisconnected) => Ok(GameReply::Accepted),
        }
    }

    /// A participant is gone without a verdict: everybody is told, the lost one if it comes back.
    pub(super) fn end_by_loss_of(&mut self, index: usize, outcome: Outcome, now: Millis) {
        let lost = self.seats[index].player.clone();
        let frame = self.seats[index].frame;
        let (reason, partners) = match outcome {
            Outcome::FocusLoss => (GameEndReason::FocusLossTimeout, Outcome::PartnerFocusLoss),
            _ => (
                GameEndReason::PartnerDisconnected,
                Outcome::PartnerDisconnected,
            ),
        };
        self.owe_game_ended(index, reason, Some(lost.clone()), now);
        self.put_out(index, outcome, frame, now);
        if self.goes_on_without(index, now) {
            return;
        }
        for other in self.others_playing(index) {
            self.owe_game_ended(other, reason, Some(lost.clone()), now);
            self.put_out(other, partners, frame, now);
        }
    }
}
