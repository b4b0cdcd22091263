//! Sockets that are lost and come back while a game goes on.

use crate::ids::{ConnectionId, Frame, ParticipantId};
use crate::time::Millis;
use crate::wire::{PauseGame, Refusal, ResumeGame};

use super::event::{GameOutput, GameReply};
use super::game::{GameSession, Phase};
use super::seat::{Presence, Seat};

/// How long at least everybody is waited for after a restart of the server. Socket.IO's clients try again every 2.5 to 7.5 s
/// once they have tried for a while, and what the server did must count against nobody.
pub const RESTART_GRACE: Millis = Millis::new(15_000.0);

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
                    self.tell_pauses(now);
                } else {
                    self.tell_who_is_away(index, now);
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
    fn tell_who_is_away(&mut self, index: usize, now: Millis) {
        let to = self.seats[index].participant.clone();
        let away = self
            .seats
            .iter()
            .enumerate()
            .find(|(other, seat)| *other != index && seat.is_playing() && !seat.is_connected());
        if let Some((other, _)) = away {
            let event = self.pause_for(other, now);
            self.outputs.push_back(GameOutput::Pause { to, event });
        }
    }

    /// Tells everybody who still plays of everybody who is away.
    pub(super) fn tell_pauses(&mut self, now: Millis) {
        for away in 0..self.seats.len() {
            if !self.seats[away].is_playing() || self.seats[away].is_connected() {
                continue;
            }
            let event = self.pause_for(away, now);
            for to in self.playing_partners(away) {
                let event = event.clone();
                self.outputs.push_back(GameOutput::Pause { to, event });
            }
        }
    }

    fn pause_for(&self, away: usize, now: Millis) -> PauseGame {
        PauseGame {
            game_id: self.id.clone(),
            pause_frame: self.seats[away].frame,
            detecting_player: Some(self.seats[away].player.clone()),
            ms_remaining: self
                .away_until(away)
                .map(|until| Millis::ZERO.max(until - now)),
        }
    }

    /// Until when a player who is away is waited for; `None` for all others.
    pub(super) fn away_until(&self, index: usize) -> Option<Millis> {
        let seat = &self.seats[index];
        let Presence::Away { since, by_restart } = seat.presence else {
            return None;
        };
        let grace = self.settings.reconnect_grace;
        let grace = if by_restart {
            grace.max(RESTART_GRACE)
        } else {
            grace
        };
        seat.is_playing().then(|| since + grace)
    }

    /// Whether the server came back and none of those who play did.
    pub(super) fn nobody_came_back(&self) -> bool {
        self.seats
            .iter()
            .filter(|seat| seat.is_playing())
            .all(|seat| {
                matches!(
                    seat.presence,
                    Presence::Away {
                        by_restart: true,
                        ..
                    }
                )
            })
    }

    /// No socket has survived. Whoever was away before could not come back either, and is waited for anew.
    pub(super) fn restarted(&mut self, now: Millis) -> GameReply {
        if self.phase == Phase::Waiting {
            self.seats.clear();
            return GameReply::Accepted;
        }
        for seat in &mut self.seats {
            seat.presence = Presence::Away {
                since: now,
                by_restart: true,
            };
            for delivery in &mut seat.deliveries {
                delivery.owed.hold();
            }
        }
        GameReply::Accepted
    }

    /// Those who were connected by one of several servers, which is gone. The others are told to wait, for as
    /// long as after a restart: it was the server's doing.
    pub(super) fn sockets_lost(&mut self, lost: &[ConnectionId], now: Millis) -> GameReply {
        let is_lost = |seat: &Seat| {
            seat.connection()
                .is_some_and(|socket| lost.contains(socket))
        };
        if self.phase == Phase::Waiting {
            let before = self.seats.len();
            self.seats.retain(|seat| !is_lost(seat));
            if self.seats.len() < before {
                self.tell_waiting_room(now);
            }
            return GameReply::Accepted;
        }
        let mut gone = Vec::new();
        for (index, seat) in self.seats.iter_mut().enumerate() {
            if !is_lost(seat) {
                continue;
            }
            seat.presence = Presence::Away {
                since: now,
                by_restart: true,
            };
            for delivery in &mut seat.deliveries {
                delivery.owed.hold();
            }
            gone.push(index);
        }
        for away in gone {
            if !self.seats[away].is_playing() {
                continue;
            }
            let event = self.pause_for(away, now);
            for to in self.playing_partners(away) {
                let event = event.clone();
                self.outputs.push_back(GameOutput::Pause { to, event });
            }
        }
        GameReply::Accepted
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
        self.seats[index].presence = Presence::Away {
            since: now,
            by_restart: false,
        };
        for delivery in &mut self.seats[index].deliveries {
            delivery.owed.hold();
        }
        if self.seats[index].is_playing() {
            let event = self.pause_for(index, now);
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
