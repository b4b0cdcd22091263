//! What a socket stands for: a participant, and their seat.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use stillhere_core::ids::{Frame, GameId, ParticipantId, PlayerId, SceneId};
use stillhere_core::time::Millis;
use stillhere_core::wire::Ping;

/// Enough to judge the last minutes by.
const PROBES_KEPT: usize = 32;

/// A seat that a socket plays from.
#[derive(Debug)]
pub(crate) struct BoundSeat {
    pub(crate) game: GameId,
    pub(crate) player: PlayerId,
    pub(crate) scene: SceneId,
    frame: AtomicU64,
}

impl BoundSeat {
    pub(super) const fn new(game: GameId, player: PlayerId, scene: SceneId) -> Self {
        Self {
            game,
            player,
            scene,
            frame: AtomicU64::new(0),
        }
    }

    /// The game has reached a frame.
    pub(super) fn reached(&self, frame: Frame) {
        self.frame.fetch_max(frame.0, Ordering::Relaxed);
    }

    /// The last frame that was seen.
    pub(super) fn frame(&self) -> Frame {
        Frame(self.frame.load(Ordering::Relaxed))
    }
}

/// One round trip that the server measured, and what the page answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ProbeRecord {
    pub(crate) seq: u64,
    pub(crate) sent_at: Millis,
    /// `None`: no answer came in time.
    pub(crate) rtt: Option<Millis>,
    pub(crate) hidden: bool,
    pub(crate) hidden_for: Millis,
    /// By the page's own account.
    pub(crate) stalled: Millis,
}

/// What was heard of a participant's page lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct PresenceLog {
    pub(crate) probes: VecDeque<ProbeRecord>,
    pub(crate) last_ping: Option<Ping>,
}

impl PresenceLog {
    pub(super) fn note_probe(&mut self, record: ProbeRecord) {
        if self.probes.len() == PROBES_KEPT {
            self.probes.pop_front();
        }
        self.probes.push_back(record);
    }
}

/// The participant that a socket speaks for.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) participant: ParticipantId,
    seat: RwLock<Option<Arc<BoundSeat>>>,
    /// Every game that this socket has played: each may still owe something, and hears of the disconnect.
    games: Mutex<Vec<GameId>>,
    presence: Mutex<PresenceLog>,
    next_probe: AtomicU64,
}

impl Binding {
    pub(super) fn new(participant: ParticipantId) -> Self {
        Self {
            participant,
            seat: RwLock::default(),
            games: Mutex::default(),
            presence: Mutex::default(),
            next_probe: AtomicU64::new(0),
        }
    }

    /// The seat that is played from now.
    pub(super) fn seat(&self) -> Option<Arc<BoundSeat>> {
        self.seat
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes a seat; the one of the same game keeps what is known of it.
    pub(super) fn take_seat(&self, seat: BoundSeat) {
        let mut games = self.games.lock().unwrap_or_else(PoisonError::into_inner);
        if !games.contains(&seat.game) {
            games.push(seat.game.clone());
        }
        drop(games);
        let mut bound = self.seat.write().unwrap_or_else(PoisonError::into_inner);
        let same = bound
            .as_ref()
            .is_some_and(|bound| bound.game == seat.game && bound.player == seat.player);
        if !same {
            *bound = Some(Arc::new(seat));
        }
    }

    pub(super) fn leave_seat(&self) {
        *self.seat.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn games(&self) -> Vec<GameId> {
        self.games
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn next_probe(&self) -> u64 {
        self.next_probe.fetch_add(1, Ordering::Relaxed)
    }

    /// Looks at, or adds to, what was heard of the page.
    pub(super) fn presence<T>(&self, with: impl FnOnce(&mut PresenceLog) -> T) -> T {
        with(&mut self.presence.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
