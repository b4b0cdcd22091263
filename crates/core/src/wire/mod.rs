//! The wire contract: the only place that knows event names and payloads.
//!
//! Both ends read with the same code ([`Source`](crate::source::Source)), and write with serde. Field names and
//! types are MUG's; the fields that are ours are optional for a peer that lacks them.

mod ack;
mod client_ending;
mod client_event;
mod http;
mod server_ending;
mod server_event;

pub use ack::{
    Accepted, Answer, ErrorCode, ExclusionAnswer, ExclusionOutcome, ExportAnswer, JoinAnswer,
    JoinStatus, ProbeAnswer, RedirectAnswer, Refusal, SeqAnswer, read as read_ack,
};
pub use client_ending::{
    EmitMetrics, GameComplete, LeaveGame, MidGameExclusion, RedirectRequest, TerminalState,
    TerminalStateReason,
};
pub use client_event::{
    CallbackContext, ClientEvent, ExecuteCallback, JoinGame, Ping, PlayerAction,
};
pub use http::{
    EXPORTS_PATH, LAST_STATUS_PATH, LastWords, UPLOAD_COMPLETE, UPLOAD_OFFSET, UploadAnswer,
    is_finished,
};
pub use server_ending::{
    EndGame, EndGameReason, GameEndReason, GameEnded, ParticipantExcluded, PartnerExcluded,
    PartnerLeft, Redirect, TriggerDataExport,
};
pub use server_event::{
    CallbackResult, GameReady, PauseGame, PlayerAssigned, PlayersAction, Pong, PresenceProbe,
    ResumeGame, ServerEvent, WaitingRoom,
};
