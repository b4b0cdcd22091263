//! One game as the server knows it: seats, the two-phase ending, owed deliveries.
//!
//! Every lifecycle input goes through [`GameSession::handle`] and is stored before anything is
//! sent. So the state is plain data: it is loaded, handed one input, and stored again.
//! Time here is milliseconds since the Unix epoch, so that deadlines survive a restart.

mod admission;
mod event;
mod game;
mod loss;
mod outcome;
mod reconnect;
mod seat;
mod settings;
mod termination;

#[cfg(test)]
mod tests;

pub use admission::{Admission, Applicant};
pub use event::{GameInput, GameOutput, GameReply, LastStatus, Verdict};
pub use game::{GameSession, Phase};
pub use outcome::Outcome;
pub use seat::{Delivery, DeliveryEvent, Export, ExportOrigin, Presence, Seat, Standing};
pub use settings::{GameSettings, OnExclusion};
