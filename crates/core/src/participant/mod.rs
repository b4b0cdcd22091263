//! One participant's session, as its page lives it: the client's half of the protocol.
//!
//! The machine watches the participant through its
//! [`Monitor`](crate::monitor::Monitor), reports its own verdict, handles
//! what the server tells, sees the data through to the server's ack, and goes where the server says.

mod ending;
mod event;
mod finish;
mod machine;
mod overlay;
mod progress;
mod record;
mod told;

pub use event::{
    Expect, PageEvent, ParticipantInput, ParticipantOutput, SessionState, Status, Stop,
};
pub use machine::Participant;
pub use overlay::{CompletionCode, Messages, Overlay, OverlayKind};
