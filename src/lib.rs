//! The browser client of stillhere.
//!
//! Adapters only: the browser and the socket are read here, and what
//! [`Participant`](stillhere_core::participant::Participant) decides is carried out here. Nothing is decided here.

mod banner;
mod callback;
mod clock;
mod driver;
mod export;
mod frames;
mod ids;
mod joining;
mod js;
mod js_source;
#[cfg(target_arch = "wasm32")]
mod memory;
mod options;
mod outbox;
mod overlay;
mod page_events;
mod session;
mod shared;
mod socket;
mod ticker;
mod to_js;
mod types;
mod view;
mod visibility;

pub use session::ParticipantSession;
