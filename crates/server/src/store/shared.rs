//! What several servers on one store tell each other through it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use stillhere_core::ids::{ConnectionId, ParticipantId};
use stillhere_core::session::{GameOutput, GameSession};

use super::StoreError;
use crate::node::NodeId;

/// What a commit on another server has to tell the participants whose sockets this one holds.
#[derive(Clone, Debug)]
pub struct Message {
    /// To be handed back when it was told.
    pub id: i64,
    /// The game as it is stored now; other changes may have followed.
    pub game: GameSession,
    /// What to tell.
    pub news: News,
}

/// What came of an input for other servers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct News {
    /// What is to be sent.
    pub outputs: Vec<GameOutput>,
    /// Sockets that do not speak for their participant any more, because a newer one does.
    pub replaced: Vec<(ParticipantId, ConnectionId)>,
}

/// The servers on a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Those that have given a sign of life in the last seconds, this one among them.
    pub alive: BTreeSet<NodeId>,
    /// Those that have not, and are still in the books.
    pub dead: BTreeSet<NodeId>,
    /// Whether this server was among the living all the time; else others may have taken its sockets for lost.
    pub has_lived: bool,
    /// Of the living, whether each relays to participants on others.
    pub all_relay: bool,
}

/// A store that several servers share.
#[async_trait]
pub trait Shared: Send + Sync {
    /// This server's name among them.
    fn node(&self) -> &NodeId;

    /// Gives a sign of life, and answers who else does.
    async fn beat(&self, relays: bool) -> Result<Nodes, StoreError>;

    /// Takes servers out of the books, with what nobody will tell for them any more.
    async fn forget(&self, nodes: &BTreeSet<NodeId>) -> Result<(), StoreError>;

    /// What this server has to tell, in the order in which it came about.
    async fn messages(&self) -> Result<Vec<Message>, StoreError>;

    /// Messages were told.
    async fn told(&self, messages: &[i64]) -> Result<(), StoreError>;

    /// Waits until there may be messages. Returns at once after a pause in which they could not be heard of.
    async fn heard(&self) -> Result<(), StoreError>;
}
