//! One participant's session, as its page lives it: the client's half of the protocol.
//!
//! The machine watches the participant through its
//! [`Monitor`](crate::monitor::Monitor), reports its own verdict, handles
//! what the server tells, sees the data through to the server's ack, and goes where the server says.

mod answers;
mod ending;
mod event;
mod finish;
mod machine;
mod overlay;
mod page_event;
mod progress;
mod record;
mod shown;
#[cfg(all(test, feature = "json"))]
mod tests;
mod told;
mod unsent;
mod watched;

pub use event::{
    Expect, ExportOwner, ParticipantInput, ParticipantOutput, SessionState, Status, Stop,
    StopReason,
};
pub use machine::Participant;
pub use overlay::{CompletionCode, Messages, Overlay, OverlayKind};
pub use page_event::PageEvent;
