//! The two-phase ending: who is told what, until all data is stored or given up.

use crate::ids::{DeliveryId, ExportId, Frame, ParticipantId, PlayerId};
use crate::outbox::Owed;
use crate::time::Millis;
use crate::wire::{ErrorCode, GameEndReason, GameEnded, Refusal};

use super::event::{GameOutput, GameReply};
use super::game::{GameSession, Phase};
use super::outcome::Outcome;
use super::seat::{Delivery, DeliveryEvent, Export, ExportOrigin, Standing};

impl GameSession {
    pub(super) fn completed(
        &mut self,
        participant: &ParticipantId,
        claimed: &PlayerId,
        frame: Frame,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        let index = self.index_of_claimed(participant, claimed)?;
        match (self.phase, self.seats[index].outcome()) {
            (Phase::Waiting, _) => Err(Refusal::new(
                ErrorCode::UnknownGame,
                "the game has not begun",
            )),
            (_, Some(Outcome::Completed)) => Ok(GameReply::Accepted),
            (_, Some(_)) => Err(Refusal::new(
                ErrorCode::AlreadyEnded,
                "the game had ended in another way",
            )),
            (_, None) => {
                self.seats[index].reached(frame);
                let frame = self.seats[index].frame;
                self.put_out(index, Outcome::Completed, frame, now);
                Ok(GameReply::Accepted)
            }
        }
    }

    pub(super) fn owe_game_ended(
        &mut self,
        index: usize,
        reason: GameEndReason,
        disconnected_player_id: Option<PlayerId>,
        now: Millis,
    ) {
        let id = self.delivery_id();
        let event = DeliveryEvent::P2pGameEnded(GameEnded {
            game_id: self.id.clone(),
            reason,
            disconnected_player_id,
            delivery_id: Some(id.clone()),
        });
        self.owe(index, id, event, now);
    }

    pub(super) fn shutdown(&mut self, now: Millis) -> GameReply {
        match self.phase {
            Phase::Waiting => self.close_waiting_room(Outcome::ServerShutdown, now),
            Phase::Playing { .. } => {
                for index in 0..self.seats.len() {
                    if self.seats[index].is_playing() {
                        self.owe_game_ended(index, GameEndReason::ServerShutdown, None, now);
                        let frame = self.seats[index].frame;
                        self.put_out(index, Outcome::ServerShutdown, frame, now);
                    }
                }
            }
            Phase::Ending { .. } | Phase::Ended { .. } => {}
        }
        GameReply::Accepted
    }

    fn close_waiting_room(&mut self, outcome: Outcome, now: Millis) {
        for index in 0..self.seats.len() {
            let to = self.seats[index].participant.clone();
            self.put_out(index, outcome, Frame(0), now);
            self.outputs.push_back(GameOutput::WaitingOver { to });
        }
        self.phase = Phase::Ended { at: now };
        self.outputs.push_back(GameOutput::Ended);
    }

    pub(super) fn put_out(&mut self, index: usize, outcome: Outcome, frame: Frame, now: Millis) {
        self.seats[index].leave_with(outcome, frame, now);
        let participant = self.seats[index].participant.clone();
        self.outputs.push_back(GameOutput::Outcome {
            participant,
            outcome,
        });
    }

    pub(super) fn delivery_id(&mut self) -> DeliveryId {
        self.next_delivery += 1;
        DeliveryId::try_from(format!("{}.{}", self.id, self.next_delivery))
            .unwrap_or_else(|_| unreachable!("game ids leave room for a number"))
    }

    pub(super) fn owe(&mut self, index: usize, id: DeliveryId, event: DeliveryEvent, now: Millis) {
        let mut owed = Owed::new(now);
        if !self.seats[index].is_connected() {
            owed.hold();
        }
        self.seats[index].deliveries.push(Delivery {
            id,
            event,
            owed,
            acked_at: None,
        });
    }

    pub(super) fn delivered(
        &mut self,
        participant: &ParticipantId,
        delivery: &DeliveryId,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        let index = self.index_of(participant)?;
        if let Some(delivery) = self.seats[index]
            .deliveries
            .iter_mut()
            .find(|owed| owed.id == *delivery)
        {
            delivery.acked_at.get_or_insert(now);
            delivery.owed.hold();
        }
        Ok(GameReply::Accepted)
    }

    pub(super) fn exported(
        &mut self,
        participant: &ParticipantId,
        export: ExportId,
        finished: bool,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        let index = self.index_of(participant)?;
        if self.phase == Phase::Waiting {
            return Err(Refusal::new(
                ErrorCode::UnknownGame,
                "the game has not begun",
            ));
        }
        if !finished {
            return Ok(GameReply::Accepted);
        }
        self.seats[index].export = Some(Export {
            id: Some(export),
            origin: ExportOrigin::Client,
            at: now,
        });
        if !self.seats[index].is_playing() {
            // Whoever sends its data has understood that the game is over. MUG's own pages ack
            // nothing, and must not be told again and again.
            for delivery in &mut self.seats[index].deliveries {
                delivery.acked_at.get_or_insert(now);
            }
        }
        Ok(GameReply::Accepted)
    }

    pub(super) fn deadlines_passed(&mut self, now: Millis) -> GameReply {
        match self.phase {
            Phase::Waiting => {
                if self.waiting_until().is_some_and(|until| until <= now) {
                    self.end_overlong_waits(now);
                }
            }
            Phase::Playing { .. } => {
                for index in 0..self.seats.len() {
                    // Looked at one by one: the loss of one may end the game for the next.
                    if self.away_until(index).is_none_or(|until| until > now) {
                        continue;
                    }
                    if self.nobody_came_back() {
                        // Not the fault of any of them.
                        return self.shutdown(now);
                    }
                    self.end_by_loss_of(index, Outcome::Disconnected, now);
                }
            }
            Phase::Ending { .. } | Phase::Ended { .. } => {}
        }
        GameReply::Accepted
    }

    fn end_overlong_waits(&mut self, now: Millis) {
        let timeout = self.settings.waiting_room_timeout;
        let (over, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.seats)
            .into_iter()
            .partition(|seat| seat.joined_at + timeout <= now);
        if waiting.is_empty() {
            self.seats = over;
            self.close_waiting_room(Outcome::WaitingRoomTimeout, now);
            return;
        }
        self.seats = waiting;
        for seat in over {
            let outcome = Outcome::WaitingRoomTimeout;
            let participant = seat.participant.clone();
            self.outputs.push_back(GameOutput::Outcome {
                participant,
                outcome,
            });
            self.outputs.push_back(GameOutput::WaitingOver {
                to: seat.participant,
            });
        }
        self.tell_waiting_room(now);
    }

    fn waiting_until(&self) -> Option<Millis> {
        let first = self.seats.iter().map(|seat| seat.joined_at).min()?;
        Some(first + self.settings.waiting_room_timeout)
    }

    fn export_until(&self, index: usize) -> Option<Millis> {
        let seat = &self.seats[index];
        match seat.standing {
            Standing::Out { at, .. } if seat.export.is_none() => {
                Some(at + self.settings.export_ack_timeout)
            }
            _ => None,
        }
    }

    /// Sends what is due and moves to the next phase where everybody is through.
    pub(super) fn settle(&mut self, now: Millis) {
        self.deliver_due(now);
        if let Phase::Playing { .. } = self.phase
            && self.seats.iter().all(|seat| !seat.is_playing())
        {
            self.phase = Phase::Ending { since: now };
        }
        let (Phase::Playing { .. } | Phase::Ending { .. }) = self.phase else {
            return;
        };
        for index in 0..self.seats.len() {
            if self.export_until(index).is_some_and(|until| until <= now) {
                self.seats[index].export = Some(Export {
                    id: None,
                    origin: ExportOrigin::Server,
                    at: now,
                });
                let participant = self.seats[index].participant.clone();
                self.outputs
                    .push_back(GameOutput::RecordPartial { participant });
            }
        }
        if matches!(self.phase, Phase::Ending { .. })
            && self.seats.iter().all(|seat| seat.export.is_some())
        {
            self.phase = Phase::Ended { at: now };
            self.outputs.push_back(GameOutput::Ended);
        }
    }

    /// Hands out the deliveries whose turn it is.
    pub(super) fn deliver_due(&mut self, now: Millis) {
        for seat in &mut self.seats {
            let connected = seat.is_connected();
            for delivery in &mut seat.deliveries {
                if delivery.acked_at.is_none() && connected && delivery.owed.take_turn(now) {
                    self.outputs.push_back(GameOutput::Deliver {
                        to: seat.participant.clone(),
                        delivery: delivery.id.clone(),
                        event: delivery.event.clone(),
                    });
                }
            }
        }
    }

    /// When the game next needs a [`Deadline`](super::GameInput::Deadline).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let phase = match self.phase {
            Phase::Waiting => self.waiting_until(),
            Phase::Playing { .. } | Phase::Ending { .. } => (0..self.seats.len())
                .flat_map(|index| [self.away_until(index), self.export_until(index)])
                .flatten()
                .min(),
            Phase::Ended { .. } => None,
        };
        let delivery = self
            .seats
            .iter()
            .filter(|seat| seat.is_connected())
            .flat_map(|seat| &seat.deliveries)
            .filter(|delivery| delivery.acked_at.is_none())
            .filter_map(|delivery| delivery.owed.due())
            .min();
        [phase, delivery].into_iter().flatten().min()
    }
}
