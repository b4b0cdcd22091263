//! What a socket stands for: a participant, and their seat.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use stillhere_core::ids::{ConnectionId, Frame, GameId, ParticipantId, PlayerId, SceneId};
use stillhere_core::session::GameSession;

use super::watching::Watching;
use crate::node::NodeId;

/// A seat that a socket plays from.
#[derive(Debug)]
pub(crate) struct BoundSeat {
    pub(crate) game: GameId,
    pub(crate) player: PlayerId,
    pub(crate) scene: SceneId,
    frame: AtomicU64,
    /// How many inputs by which the participant may be out are on their way, or were accepted.
    leaving: Mutex<usize>,
    /// The other servers that hold sockets of partners.
    elsewhere: RwLock<Arc<[NodeId]>>,
}

impl BoundSeat {
    pub(super) fn new(game: GameId, player: PlayerId, scene: SceneId) -> Self {
        Self {
            game,
            player,
            scene,
            frame: AtomicU64::new(0),
            leaving: Mutex::new(0),
            elsewhere: RwLock::new(Arc::default()),
        }
    }

    /// Learns where the partners are.
    pub(super) fn know(&self, game: &GameSession, here: &NodeId) {
        if *game.id() != self.game {
            return;
        }
        let sockets = game.seats().iter().filter(|seat| seat.is_playing());
        let nodes = sockets.filter_map(|seat| NodeId::of(seat.connection()?));
        let elsewhere: BTreeSet<NodeId> = nodes.filter(|node| node != here).collect();
        let elsewhere: Arc<[NodeId]> = elsewhere.into_iter().collect();
        *self
            .elsewhere
            .write()
            .unwrap_or_else(PoisonError::into_inner) = elsewhere;
    }

    /// The other servers on which partners are.
    pub(super) fn elsewhere(&self) -> Arc<[NodeId]> {
        let elsewhere = self
            .elsewhere
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&elsewhere)
    }

    fn leaving(&self) -> MutexGuard<'_, usize> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an action of the participant on. Returns whether it was: the participant may be out.
    pub(super) fn relay(&self, frame: Frame, send: impl FnOnce()) -> bool {
        // Held while it is sent: whoever closes the seat knows that nothing follows.
        let leaving = self.leaving();
        if *leaving > 0 {
            return false;
        }
        self.reached(frame);
        send();
        true
    }

    /// Relays nothing from now on, and says how far the participant came.
    pub(crate) fn close(&self) -> Frame {
        *self.leaving() += 1;
        self.frame()
    }

    /// Takes one [`BoundSeat::close`] back.
    pub(super) fn reopen(&self) {
        let mut leaving = self.leaving();
        *leaving = leaving.saturating_sub(1);
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

/// The participant that a socket speaks for.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) participant: ParticipantId,
    seat: RwLock<Option<Arc<BoundSeat>>>,
    /// Every game that the participant has played over this socket, or over one that it took over from,
    /// and which socket it was: each may still owe something, and hears of the disconnect.
    games: Mutex<Vec<(GameId, ConnectionId)>>,
    pub(super) watching: Watching,
}

impl Binding {
    pub(super) fn new(participant: ParticipantId) -> Self {
        Self {
            participant,
            seat: RwLock::default(),
            games: Mutex::default(),
            watching: Watching::default(),
        }
    }

    /// The seat that is played from now.
    pub(super) fn seat(&self) -> Option<Arc<BoundSeat>> {
        self.seat
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn lock_games(&self) -> MutexGuard<'_, Vec<(GameId, ConnectionId)>> {
        self.games.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat over a socket; the one of the same game keeps what is known of it.
    pub(super) fn take_seat(&self, seat: BoundSeat, connection: &ConnectionId) {
        let mut games = self.lock_games();
        games.retain(|(game, _)| *game != seat.game);
        games.push((seat.game.clone(), connection.clone()));
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

    pub(super) fn games(&self) -> Vec<(GameId, ConnectionId)> {
        self.lock_games().clone()
    }

    /// Goes on where another socket of the same participant had to stop.
    pub(super) fn inherit(&self, older: &Self) {
        let older_games = older.games();
        let mut games = self.lock_games();
        for (game, connection) in older_games {
            if games.iter().all(|(known, _)| *known != game) {
                games.push((game, connection));
            }
        }
        drop(games);
        if let (Some(seat), Some(older_seat)) = (self.seat(), older.seat())
            && seat.game == older_seat.game
        {
            seat.reached(older_seat.close());
            self.watching.inherit(&older.watching, &seat.game);
        }
    }
}
