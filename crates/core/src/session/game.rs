//! The game: who sits where, and what happens until the first of them is out.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, Frame, GameId, ParticipantId, PlayerId};
use crate::time::Millis;
use crate::wire::{
    ErrorCode, ExclusionAnswer, ExclusionOutcome, PlayerAssigned, Refusal, WaitingRoom,
};

use super::event::{GameInput, GameOutput, GameReply};
use super::outcome::Outcome;
use super::seat::Seat;
use super::settings::GameSettings;

/// Where a game stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Phase {
    /// Seats are free.
    Waiting,
    /// Everybody plays.
    Playing {
        /// Since when.
        since: Millis,
    },
    /// Nobody plays any more; data is on its way.
    Ending {
        /// Since when.
        since: Millis,
    },
    /// Everything is stored, or given up.
    Ended {
        /// Since when.
        at: Millis,
    },
}

impl Phase {
    /// The phase's name in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Playing { .. } => "playing",
            Self::Ending { .. } => "ending",
            Self::Ended { .. } => "ended",
        }
    }
}

/// One game. See the [module](super).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GameSession {
    pub(super) id: GameId,
    pub(super) seed: u64,
    pub(super) settings: GameSettings,
    pub(super) phase: Phase,
    pub(super) seats: Vec<Seat>,
    pub(super) next_delivery: u64,
    #[serde(skip)]
    pub(super) outputs: VecDeque<GameOutput>,
}

impl GameSession {
    /// A game with free seats. `seed` is shared by all players; at most 2^53 - 1.
    #[must_use]
    pub const fn new(id: GameId, seed: u64, settings: GameSettings) -> Self {
        Self {
            id,
            seed,
            settings,
            phase: Phase::Waiting,
            seats: Vec::new(),
            next_delivery: 0,
            outputs: VecDeque::new(),
        }
    }

    /// The game's id.
    #[must_use]
    pub const fn id(&self) -> &GameId {
        &self.id
    }

    /// What the game knows of its scene.
    #[must_use]
    pub const fn settings(&self) -> &GameSettings {
        &self.settings
    }

    /// Where the game stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// All seats, in the order in which they were taken.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// A participant's seat.
    #[must_use]
    pub fn seat(&self, participant: &ParticipantId) -> Option<&Seat> {
        self.seats
            .iter()
            .find(|seat| seat.participant == *participant)
    }

    /// Whether a participant may still take a seat.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.phase == Phase::Waiting && self.seats.len() < self.settings.players
    }

    /// Whether the game still runs or ends: until then it is live.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !matches!(self.phase, Phase::Ended { .. })
    }

    /// The next thing to do; drain until `None` after every [`GameSession::handle`].
    pub fn poll(&mut self) -> Option<GameOutput> {
        self.outputs.pop_front()
    }

    /// Something happened. Nothing may be sent before the game is stored.
    ///
    /// # Errors
    /// A refusal, by which nothing was changed.
    pub fn handle(&mut self, now: Millis, input: GameInput) -> Result<GameReply, Refusal> {
        let reply = match input {
            GameInput::Join {
                participant,
                connection,
            } => self.join(participant, connection, now)?,
            GameInput::Leave { participant, frame } => self.leave(&participant, frame, now)?,
            GameInput::Disconnected {
                participant,
                connection,
                frame,
            } => self.disconnected(&participant, &connection, frame, now)?,
            GameInput::Verdict {
                participant,
                claimed,
                verdict,
                seen,
            } => self.verdict(&participant, claimed.as_ref(), verdict, seen, now)?,
            GameInput::Completed {
                participant,
                claimed,
                frame,
            } => self.completed(&participant, &claimed, frame, now)?,
            GameInput::TerminalState {
                participant,
                reason,
                frame,
            } => self.terminal_state(&participant, reason, frame, now)?,
            GameInput::Delivered {
                participant,
                delivery,
            } => self.delivered(&participant, &delivery, now)?,
            GameInput::Exported {
                participant,
                export,
                finished,
            } => self.exported(&participant, export, finished, now)?,
            GameInput::LastStatus {
                participant,
                status,
            } => {
                let index = self.index_of(&participant)?;
                self.seats[index].last_status = Some(status);
                GameReply::Accepted
            }
            GameInput::Redirected { participant } => {
                let index = self.index_of(&participant)?;
                self.seats[index].redirected = true;
                GameReply::Accepted
            }
            GameInput::Shutdown => self.shutdown(now),
            GameInput::Restarted => self.restarted(now),
            GameInput::SocketsLost { connections } => self.sockets_lost(&connections, now),
            GameInput::Deadline => self.deadlines_passed(now),
        };
        self.settle(now);
        Ok(reply)
    }

    /// What to answer to a page whose verdict got this reply.
    #[must_use]
    pub fn exclusion_answer(
        &self,
        participant: &ParticipantId,
        reply: GameReply,
    ) -> ExclusionAnswer {
        match reply {
            GameReply::Accepted => ExclusionAnswer {
                outcome: ExclusionOutcome::Accepted,
                termination_reason: None,
            },
            GameReply::AlreadyEnded => ExclusionAnswer {
                outcome: ExclusionOutcome::AlreadyEnded,
                termination_reason: self
                    .seat(participant)
                    .and_then(Seat::outcome)
                    .and_then(Outcome::termination)
                    .map(|(reason, _)| reason),
            },
        }
    }

    /// Where a participant sits in the list of seats.
    pub(super) fn index_of(&self, participant: &ParticipantId) -> Result<usize, Refusal> {
        self.seats
            .iter()
            .position(|seat| seat.participant == *participant)
            .ok_or_else(|| {
                Refusal::new(
                    ErrorCode::NotYourSeat,
                    "this participant has no seat in this game",
                )
            })
    }

    /// As [`GameSession::index_of`], and the page names the seat's own player.
    pub(super) fn index_of_claimed(
        &self,
        participant: &ParticipantId,
        claimed: &PlayerId,
    ) -> Result<usize, Refusal> {
        let index = self.index_of(participant)?;
        if self.seats[index].player == *claimed {
            Ok(index)
        } else {
            Err(Refusal::new(
                ErrorCode::NotYourSeat,
                "player_id is not the seat of this socket",
            ))
        }
    }

    fn join(
        &mut self,
        participant: ParticipantId,
        connection: ConnectionId,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        if let Ok(index) = self.index_of(&participant) {
            return Ok(self.came_back(index, connection, now));
        }
        if !self.has_room() {
            return Err(Refusal::new(
                ErrorCode::AlreadyEnded,
                "this game has no free seat",
            ));
        }
        let taken: Vec<&PlayerId> = self.seats.iter().map(|seat| &seat.player).collect();
        let player = (0..)
            .map(PlayerId::Number)
            .find(|player| !taken.contains(&player))
            .expect("there are more numbers than seats");
        let position = self.seats.partition_point(|seat| seat.player < player);
        self.seats
            .insert(position, Seat::new(participant, connection, player, now));
        self.tell_waiting_room(now);
        if self.seats.len() == self.settings.players {
            self.phase = Phase::Playing { since: now };
            for index in 0..self.seats.len() {
                self.give_seat(index);
            }
        }
        Ok(GameReply::Accepted)
    }

    pub(super) fn give_seat(&mut self, index: usize) {
        self.assign(index);
        let to = self.seats[index].participant.clone();
        self.outputs.push_back(GameOutput::Ready { to });
    }

    /// Says who somebody is in this game.
    pub(super) fn assign(&mut self, index: usize) {
        let seat = &self.seats[index];
        let to = seat.participant.clone();
        let event = PlayerAssigned {
            player_id: seat.player.clone(),
            game_id: self.id.clone(),
            game_seed: self.seed,
            num_players: self.settings.players as u64,
        };
        self.outputs.push_back(GameOutput::Assign { to, event });
    }

    pub(super) fn tell_waiting_room(&mut self, now: Millis) {
        if self.phase != Phase::Waiting {
            return;
        }
        let waiting = self.seats.len();
        for seat in &self.seats {
            let until = seat.joined_at + self.settings.waiting_room_timeout;
            self.outputs.push_back(GameOutput::WaitingRoom {
                to: seat.participant.clone(),
                event: WaitingRoom {
                    cur_num_players: waiting as u64,
                    players_needed: (self.settings.players - waiting) as u64,
                    ms_remaining: until - now,
                },
            });
        }
    }

    fn leave(
        &mut self,
        participant: &ParticipantId,
        frame: Frame,
        now: Millis,
    ) -> Result<GameReply, Refusal> {
        let index = self.index_of(participant)?;
        if self.phase == Phase::Waiting {
            self.seats.remove(index);
            self.tell_waiting_room(now);
            return Ok(GameReply::Accepted);
        }
        if !self.seats[index].is_playing() {
            return Ok(GameReply::AlreadyEnded);
        }
        self.seats[index].reached(frame);
        self.end_by_loss_of(index, Outcome::Disconnected, now);
        Ok(GameReply::Accepted)
    }

    pub(super) fn playing_partners(&self, index: usize) -> Vec<ParticipantId> {
        self.seats
            .iter()
            .enumerate()
            .filter(|(other, seat)| *other != index && seat.is_playing())
            .map(|(_, seat)| seat.participant.clone())
            .collect()
    }
}
