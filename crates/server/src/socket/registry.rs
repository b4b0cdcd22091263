//! Which socket speaks for a participant: the newest one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stillhere_core::ids::ParticipantId;

use super::peer::Peer;

/// The current socket of each participant. Sockets are bound in the order of the
/// commits of what they asked for.
#[derive(Default)]
pub(crate) struct Registry {
    current: Mutex<HashMap<ParticipantId, Arc<Peer>>>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<ParticipantId, Arc<Peer>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a socket the participant's current one; the one that was it until now is handed back.
    pub(super) fn bind(&self, participant: &ParticipantId, peer: &Arc<Peer>) -> Option<Arc<Peer>> {
        self.lock()
            .insert(participant.clone(), Arc::clone(peer))
            .filter(|old| old.id() != peer.id())
    }

    /// The participant's current socket.
    pub(crate) fn current(&self, participant: &ParticipantId) -> Option<Arc<Peer>> {
        self.lock().get(participant).cloned()
    }

    /// All participants with their sockets.
    pub(super) fn all(&self) -> Vec<(ParticipantId, Arc<Peer>)> {
        let current = self.lock();
        let all = current.iter();
        all.map(|(participant, peer)| (participant.clone(), Arc::clone(peer)))
            .collect()
    }

    pub(super) fn release(&self, participant: &ParticipantId, peer: &Peer) {
        let mut current = self.lock();
        if current
            .get(participant)
            .is_some_and(|bound| bound.id() == peer.id())
        {
            current.remove(participant);
        }
    }
}
