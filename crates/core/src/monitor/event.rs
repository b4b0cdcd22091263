//! What goes into a monitor and what comes out.

use crate::exclusion::{Exclusion, Warning};
use crate::ids::Frame;
use crate::time::Millis;
use crate::wire::{CallbackContext, CallbackResult, Ping};

/// Something that happened to the participant.
#[derive(Clone, Debug, PartialEq)]
pub enum MonitorInput {
    /// Time passed.
    Tick,
    /// A ticker outside of the page's main thread beat; `posted` is by the ticker's own clock.
    Beat {
        /// When the ticker posted the beat.
        posted: Millis,
    },
    /// A ping was answered.
    PingAnswered {
        /// The ping's number.
        seq: u64,
    },
    /// The game measured a round trip by its own means.
    RttMeasured {
        /// The round trip.
        rtt: Millis,
    },
    /// The tab is hidden, frozen, or its page put aside.
    Hidden,
    /// The tab is visible again.
    Visible,
    /// Another window has the focus.
    Blurred,
    /// The page has the focus again.
    Focused,
    /// The socket is connected.
    Connected,
    /// The socket is lost.
    Disconnected,
    /// Judging stops (an episode transition, a partner who reconnects, the waiting room).
    Pause,
    /// Judging goes on.
    Resume,
    /// The researcher's rule answered.
    CallbackAnswered(CallbackResult),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum MonitorOutput {
    /// Send a ping, and hand its ack back as [`MonitorInput::PingAnswered`].
    SendPing(Ping),
    /// Warn the participant.
    Warn(Warning),
    /// The participant is excluded. Nothing is judged after it.
    Exclude(Exclusion),
    /// The tab was hidden longer than `focus_loss_timeout_ms`. Nothing is judged after it.
    FocusLossTimeout {
        /// The frame that the game had reached.
        frame: Frame,
    },
    /// Ask the researcher's rule.
    AskCallback {
        /// The question's number.
        request_id: u64,
        /// What the rule is told.
        context: CallbackContext,
    },
}
