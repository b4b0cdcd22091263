//! What goes into a watch and what comes out.

use crate::ids::Frame;
use crate::session::Verdict;
use crate::time::Millis;
use crate::wire::ProbeAnswer;

/// Something that the server saw of a participant, or heard from their page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WatchInput {
    /// Time passed: judge.
    Tick,
    /// A ticker of the server beat: shows when the server itself stood still.
    Beat {
        /// When it was due, by the same clock.
        posted: Millis,
    },
    /// The page goes on over another connection, without having been gone. What was asked over the
    /// older one is lost and not judged; all else stays as it was.
    Reconnected,
    /// Anything came from the page: a sign of life.
    Heard,
    /// The page told about itself, with a ping.
    Reported {
        /// For how long the tab has been hidden; 0 if it is visible. MUG's pages do not say.
        hidden: Option<Millis>,
        /// Whether the page does not play at the moment.
        paused: bool,
        /// The frame that the game has reached.
        frame: Option<Frame>,
    },
    /// A probe was acked.
    ProbeAnswered {
        /// Its number.
        seq: u64,
        /// What the page answered; `None` if that cannot be read. Then it is a round trip and a
        /// sign of life, nothing else.
        answer: Option<ProbeAnswer>,
    },
    /// The game runs, or waits for somebody.
    Playing(bool),
    /// The game is over for this participant.
    GameOver,
}

/// What the server is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchOutput {
    /// Send a probe, and hand its ack back as [`WatchInput::ProbeAnswered`].
    Probe {
        /// Its number.
        seq: u64,
    },
    /// The participant is excluded. Nothing is judged after it.
    Verdict(Verdict),
    /// The tab was hidden longer than `focus_loss_timeout_ms`. Nothing is judged after it.
    FocusLost {
        /// The frame that the game had reached.
        frame: Frame,
    },
}
