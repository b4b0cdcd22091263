//! Every way in which a game can end, within bounds: a model checker drives [`GameSession::handle`] itself.
//!
//! [`GameSession::handle`]: stillhere_core::session::GameSession::handle
#![cfg(not(target_arch = "wasm32"))]

mod calm;
mod canon;
mod checks;
mod page;
mod state;
mod step;
