//! What the participant is told of a warning or an exclusion, and what the verdict rests on.

use crate::exclusion::{Evidence, Exclusion, ExclusionReason, Finding, Warning, WarningKind};
use crate::time::Millis;

use super::{Monitor, MonitorOutput};

const PING_WARNING: &str = "Your connection is slow at the moment.";
const PING_EXCLUDE: &str = "Your connection was too slow for too long to go on with this game.";
const TAB_WARNING: &str =
    "Please keep this tab in view while you play. If it stays hidden, the game will end.";
const TAB_EXCLUDE: &str = "This tab was hidden for too long while the game was running.";
const CALLBACK_WARNING: &str = "Please keep playing.";
const CALLBACK_EXCLUDE: &str = "This game cannot go on.";

impl Monitor {
    /// Warns, in the rule's own words, the researcher's, or ours.
    pub(super) fn warn(&mut self, kind: WarningKind, message: Option<String>, now: Millis) {
        let (set, built_in) = match kind {
            WarningKind::Ping => (&self.config.messages.ping_warning, PING_WARNING),
            WarningKind::Tab => (&self.config.messages.tab_warning, TAB_WARNING),
            WarningKind::Callback => (&None, CALLBACK_WARNING),
        };
        let message = message
            .or_else(|| set.clone())
            .unwrap_or_else(|| built_in.to_owned());
        let warning = Warning {
            kind,
            message,
            at_ms: now,
            frame: self.frame,
        };
        self.outputs.push(MonitorOutput::Warn(warning));
    }

    /// Comes to a verdict: nothing is judged after it.
    pub(super) fn exclude(&mut self, finding: Finding, message: Option<String>, now: Millis) {
        self.concluded = true;
        let (reason, set, built_in) = match finding {
            Finding::SustainedPing { .. } => (
                ExclusionReason::SustainedPing,
                &self.config.messages.ping_exclude,
                PING_EXCLUDE,
            ),
            Finding::TabHidden { .. } => (
                ExclusionReason::TabHidden,
                &self.config.messages.tab_exclude,
                TAB_EXCLUDE,
            ),
            Finding::CustomCallback { .. } => {
                (ExclusionReason::CustomCallback, &None, CALLBACK_EXCLUDE)
            }
            // The server's watch judges silence and finds the words for it.
            #[cfg(feature = "json")]
            Finding::Unresponsive { .. } => (ExclusionReason::Unresponsive, &None, ""),
        };
        let message = message
            .or_else(|| set.clone())
            .unwrap_or_else(|| built_in.to_owned());
        let evidence = Evidence {
            decided_by: self.side,
            decided_at_ms: now,
            decided_at_timestamp: self.epoch + now,
            finding,
        };
        let exclusion = Exclusion {
            reason,
            frame: self.frame,
            message,
            evidence,
        };
        self.outputs.push(MonitorOutput::Exclude(exclusion));
    }
}
