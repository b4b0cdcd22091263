//! The server's watch on the participant who plays over a socket. It goes over to a newer socket.
//!
//! Handlers leave here what they saw, with its time; the socket's task hands it to the watch at its
//! next tick, in order, together with the beats that show how late the server itself was.

use std::sync::{Mutex, MutexGuard, PoisonError};

use stillhere_core::config::MonitorConfig;
use stillhere_core::ids::{GameId, ParticipantId};
use stillhere_core::session::{GameSession, Phase, Seat};
use stillhere_core::time::Millis;
use stillhere_core::watch::{Watch, WatchInput, WatchOutput};

use super::pulse::Pulse;

/// More than an honest page says between two ticks, however late the second one is.
const KEPT_INPUTS: usize = 256;

#[derive(Debug)]
struct Watched {
    game: GameId,
    watch: Watch,
    playing: bool,
    /// It came from an older socket, and does not know yet.
    inherited: bool,
    waiting: Vec<(Millis, WatchInput)>,
    beats_seen: u64,
    heard: Millis,
}

/// The watch on one participant; there is one only while a game is played.
#[derive(Debug, Default)]
pub(crate) struct Watching(Mutex<Option<Watched>>);

impl Watching {
    fn lock(&self) -> MutexGuard<'_, Option<Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A game was committed in which the participant has a seat. Answers whether the next tick should
    /// not be waited for.
    pub(super) fn observe(
        &self,
        now: Millis,
        game: &GameSession,
        participant: &ParticipantId,
        config: &MonitorConfig,
        pulse: &Pulse,
    ) -> bool {
        let mut watched = self.lock();
        let is_this = watched
            .as_ref()
            .is_some_and(|watched| watched.game == *game.id());
        let plays = matches!(game.phase(), Phase::Playing { .. })
            && game.seat(participant).is_some_and(Seat::is_playing);
        if !plays {
            if is_this {
                *watched = None;
            }
            return false;
        }
        let mut players = game.seats().iter().filter(|seat| seat.is_playing());
        let playing = players.all(Seat::is_connected);
        if !is_this {
            *watched = Some(Watched {
                game: game.id().clone(),
                watch: Watch::new(config, now),
                playing: false,
                inherited: false,
                waiting: Vec::new(),
                beats_seen: pulse.count(),
                heard: now,
            });
        }
        let Some(watched) = watched.as_mut() else {
            return false;
        };
        if watched.playing != playing {
            watched.playing = playing;
            watched.waiting.push((now, WatchInput::Playing(playing)));
            return true;
        }
        // However soon the next socket follows, this one is asked and judged once.
        watched.inherited
    }

    /// Goes on with an older socket's watch on a game: what was believed, seen and found stays, and
    /// only what was asked over the older socket is lost. If that socket had really been lost, the
    /// game was told and has paused, so the run of violations begins anew.
    ///
    /// A watch that has come to its verdict stays where it was. If the verdict could not be stored,
    /// the newer socket is judged afresh.
    pub(super) fn inherit(&self, older: &Self, game: &GameId) {
        let inherited = older
            .lock()
            .take_if(|older| older.game == *game && !older.watch.is_over());
        if let Some(mut watched) = inherited {
            watched.inherited = true;
            *self.lock() = Some(watched);
        }
    }

    /// Whether a game is watched.
    pub(super) fn is_watching(&self, game: &GameId) -> bool {
        self.lock()
            .as_ref()
            .is_some_and(|watched| watched.game == *game)
    }

    /// The page told of itself.
    pub(super) fn reported(&self, now: Millis, report: WatchInput) {
        if let Some(watched) = self.lock().as_mut()
            && watched.waiting.len() < KEPT_INPUTS
        {
            watched.waiting.push((now, report));
        }
    }

    /// The page answered a probe of a game.
    pub(super) fn answered(&self, now: Millis, game: &GameId, answer: WatchInput) {
        if let Some(watched) = self.lock().as_mut().filter(|watched| watched.game == *game) {
            watched.waiting.push((now, answer));
        }
    }

    /// Time passed. `heard` is when the page was last heard, in whatever way. Answers what is to be done
    /// in the game that is watched. On a server that stood still just now, the next tick will do.
    pub(super) fn tick(
        &self,
        now: Millis,
        heard: Millis,
        pulse: &Pulse,
    ) -> Option<(GameId, Vec<WatchOutput>)> {
        let mut watched = self.lock();
        let watched = watched.as_mut()?;
        if pulse.is_behind(now) {
            return None;
        }
        let (beats, count) = pulse.since(watched.beats_seen);
        watched.beats_seen = count;
        let beats = beats.into_iter().map(|beat| {
            let posted = beat.due;
            (beat.handled, WatchInput::Beat { posted })
        });
        let mut inputs: Vec<(Millis, WatchInput)> = beats.collect();
        inputs.append(&mut watched.waiting);
        if heard > watched.heard {
            watched.heard = heard;
            inputs.push((heard, WatchInput::Heard));
        }
        inputs.sort_by_key(|(at, _)| *at);
        if std::mem::take(&mut watched.inherited) {
            inputs.push((now, WatchInput::Reconnected));
        }
        inputs.push((now, WatchInput::Tick));
        let mut outputs = Vec::new();
        for (at, input) in inputs {
            watched.watch.handle(at, input);
            outputs.extend(std::iter::from_fn(|| watched.watch.poll()));
        }
        Some((watched.game.clone(), outputs))
    }
}
