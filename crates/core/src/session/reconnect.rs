//! Sockets that are lost and come back while a game goes on.

use crate::ids::{ConnectionId, Frame, ParticipantId};
use crate::time::Millis;
use crate::wire::{PauseGame, Refusal, ResumeGame};

use super::event::{GameOutput, GameReply};
use super::game::{GameSession, Phase};
use super::seat::Presence;

impl GameSession {
    /// A participant's socket is there, for the first time or again.
    pub(super) fn came_back(
        &mut self,
        index: usize,
        connection: ConnectionId,
        now: Millis,
    ) -> GameReply {
        let was_away = !self.seats[index].is_connected();
        self.seats[index].presence = Presence::Connected { connection };
        for delivery in &mut self.seats[index].deliveries {
            if delivery.acked_at.is_none() {
                delivery.owed.hurry(now);
            }
        }
        match self.phase {
            Phase::Waiting => self.tell_waiting_room(now),
            Phase::Playing { .. } if self.seats[index].is_playing() => {
                self.give_seat(index);
                if was_away {
                    let event = ResumeGame {
                        game_id: self.id.clone(),
                    };
                    for to in self.playing_partners(index) {
                        self.outputs.push_back(GameOutput::Resume {
                            to,
                            event: event.clone(),
                        });
                    }
                    // A resume names nobody: whoever is still away is to be waited for all the same.
                    self.tell_pauses();
                } else {
                    self.tell_who_is_away(index);
                }
            }
            // A page that was opened anew takes no message of a game that it does not know.
            _ if self.seats[index].is_owed() => self.assign(index),
            _ => {}
        }
        self.deliver_due(now);
        if self.seats[index].is_playing() {
            GameReply::Accepted
        } else {
            GameReply::AlreadyEnded
        }
    }

    /// A page that takes a seat over while a partner is away has missed the pause.
    fn tell_who_is_away(&mut self, index: usize) {
        let to = self.seats[index].participant.clone();
        let away = self
            .seats
            .iter()
            .enumerate()
            .find(|(other, seat)| *other != index && seat.is_playing() && !seat.is_connected());
        if let Some((other, _)) = away {
            let event = self.pause_for(other);
            self.outputs.push_back(GameOutput::Pause { to, event });
        }
    }

    /// Tells everybody who still plays of everybody who is away.
    pub(super) fn tell_pauses(&mut self) {
        for away in 0..self.seats.len() {
            if !self.seats[away].is_playing() || self.seats[away].is_connected() {
                continue;
            }
            let event = self.pause_for(away);
            for to in self.playing_partners(away) {
                let event = event.clone();
                self.outputs.push_back(GameOutput::Pause { to, event });
            }
        }
    }

    fn pause_for(&self, away: usize) -> PauseGame {
        PauseGame {
            game_id: self.id.clone(),
            pause_frame: self.seats[away].frame,
            detecting_player: Some(self.seats[away].player.clone()),
        }
    }

    pub(super) fn disconnected(
        &mut self,
        participant: &ParticipantId,
        connection: &ConnectionId,
        frame: Frame,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        let index = self.index_of(participant)?;
        // An older socket of a participant who is back on another one.
        if !self.seats[index].is_connected_by(connection) {
            return Ok(GameReply::Accepted);
        }
        self.seats[index].reached(frame);
        if self.phase == Phase::Waiting {
            self.seats.remove(index);
            self.tell_waiting_room(now);
            return Ok(GameReply::Accepted);
        }
        self.seats[index].presence = Presence::Away { since: now };
        for delivery in &mut self.seats[index].deliveries {
            delivery.owed.hold();
        }
        if self.seats[index].is_playing() {
            let event = self.pause_for(index);
            for to in self.playing_partners(index) {
                self.outputs.push_back(GameOutput::Pause {
                    to,
                    event: event.clone(),
                });
            }
        }
        Ok(GameReply::Accepted)
    }
}
