//! Where Redis is.

use std::fmt;

/// The address of a Redis server: `redis://:password@host:port`. It shows itself without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// What is allowed, for messages.
    pub const ALLOWED: &str = "an address as in redis://:password@host:6379";

    /// Reads an address; `None` if it is none.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let is_ours = url.starts_with("redis://") && redis::Client::open(url).is_ok();
        is_ours.then(|| Self(url.to_owned()))
    }

    pub(super) fn client(&self) -> redis::RedisResult<redis::Client> {
        redis::Client::open(self.0.as_str())
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client() {
            Ok(client) => write!(f, "{}", client.get_connection_info().addr()),
            Err(_) => f.write_str("?"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}
