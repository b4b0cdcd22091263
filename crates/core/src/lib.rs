//! The rules of stillhere: who is still here, and how a game ends when somebody is not.
//!
//! Everything in this crate is pure: time and ids are arguments, inputs go in through
//! `handle(now, …)`, outputs come out through `poll()`. The browser client and the server
//! are thin adapters over the same code, so both judge a participant alike, and a test can
//! play hours of a session, or a thousand lost packets, in a millisecond.
//!
//! Where to look:
//! - [`monitor`]: the rules (sustained ping, hidden tab, custom callback) and their evidence.
//! - `watch`: the server's own watch on a participant (with the feature `json`).
//! - [`participant`]: the client's half of a session: what one participant's page does.
//! - [`session`]: the server's half: seats, the two-phase ending, owed deliveries.
//! - [`wire`]: the only place that knows event names and payloads.
//! - [`config`]: the researcher's settings, under the names that MUG gave them.
//! - [`metrics`]: what is exported about a session.

pub mod config;
pub mod exclusion;
pub mod ids;
pub mod inbox;
pub mod metrics;
pub mod monitor;
pub mod outbox;
pub mod participant;
mod queue;
pub mod session;
pub mod source;
pub mod time;
pub mod upload;
#[cfg(feature = "json")]
pub mod watch;
pub mod wire;
