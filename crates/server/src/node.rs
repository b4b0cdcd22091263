//! One of several servers on a database, by name.

use std::fmt;

use stillhere_core::ids::ConnectionId;

use crate::random;

/// The name of one run of a server. After its next start it has another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(String);

/// Stands between the node and the socket in the name of a connection.
const SEPARATOR: char = '/';

impl NodeId {
    /// A name that no other run has.
    #[must_use]
    pub fn fresh() -> Self {
        Self(random::hex(&random::bytes::<8>()))
    }

    /// A name as it is stored.
    #[must_use]
    pub const fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that a socket of this server has in stored games.
    pub(crate) fn connection(&self, socket: &str) -> ConnectionId {
        ConnectionId::try_from(format!("{self}{SEPARATOR}{socket}"))
            .unwrap_or_else(|_| unreachable!("a socket's id is short text"))
    }

    /// The server that holds a socket.
    #[must_use]
    pub fn of(connection: &ConnectionId) -> Option<Self> {
        let (node, _) = connection.as_str().split_once(SEPARATOR)?;
        Some(Self(node.to_owned()))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
