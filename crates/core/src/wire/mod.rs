//! The wire contract: the only place that knows event names and payloads.
//!
//! Both ends read with the same code ([`Source`](crate::source::Source)), and write with serde. Field names and
//! types are MUG's; the fields that are ours are optional for a peer that lacks them.

mod ack;
mod client_event;
mod server_event;

pub use ack::{
    Accepted, Answer, ErrorCode, ExclusionAnswer, ExclusionOutcome, ExportAnswer, JoinAnswer,
    JoinStatus, ProbeAnswer, RedirectAnswer, Refusal, SeqAnswer, read as read_ack,
};
pub use client_event::{
    CallbackContext, ClientEvent, EmitMetrics, ExecuteCallback, GameComplete, JoinGame, LeaveGame,
    MidGameExclusion, Ping, PlayerAction, RedirectRequest, TerminalState, TerminalStateReason,
};
pub use server_event::{
    CallbackResult, EndGame, GameEndReason, GameEnded, GameReady, ParticipantExcluded,
    PartnerExcluded, PauseGame, PlayerAssigned, PlayersAction, Pong, PresenceProbe, Redirect,
    ResumeGame, ServerEvent, TriggerDataExport, WaitingRoom,
};
