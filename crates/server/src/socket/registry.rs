//! Which socket speaks for a participant: the newest one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stillhere_core::ids::ParticipantId;

use super::peer::Peer;

/// The current socket of each participant. Changes only within a turn of the lifecycle.
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

    pub(super) fn is_current(&self, participant: &ParticipantId, peer: &Peer) -> bool {
        self.lock()
            .get(participant)
            .is_some_and(|current| current.id() == peer.id())
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
