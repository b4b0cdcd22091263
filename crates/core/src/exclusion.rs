//! Verdicts and the evidence for them.

use serde::{Deserialize, Serialize};

use crate::config::PingRuleKind;
use crate::ids::Frame;
use crate::time::Millis;

/// Why a participant is excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum ExclusionReason {
    /// The round trip stayed over the limit.
    SustainedPing,
    /// The tab was hidden for too long.
    TabHidden,
    /// The researcher's own rule said so.
    CustomCallback,
    /// Connected, but without any sign of life.
    Unresponsive,
}

impl ExclusionReason {
    /// Every reason under its name on the wire.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("sustained_ping", Self::SustainedPing),
        ("tab_hidden", Self::TabHidden),
        ("custom_callback", Self::CustomCallback),
        ("unresponsive", Self::Unresponsive),
    ];
}

/// Which end of the wire came to a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum Side {
    /// The participant's own page.
    Client,
    /// The server.
    Server,
}

/// A verdict: the participant does not play on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Exclusion {
    /// The rule that was broken.
    pub reason: ExclusionReason,
    /// The frame that the game had reached.
    pub frame: Frame,
    /// What the participant is told.
    pub message: String,
    /// What the verdict rests on.
    pub evidence: Evidence,
}

/// What a verdict rests on, complete enough to judge again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
// Spelt out because an interface, which is what would be made of it, cannot extend a union.
#[cfg_attr(
    feature = "typescript",
    derive(tsify::Tsify),
    tsify(type = "{ decidedBy: Side; decidedAtMs: Millis; decidedAtTimestamp: Millis } & Finding")
)]
pub struct Evidence {
    /// Who decided.
    pub decided_by: Side,
    /// When, on the clock that was judged by (see [`Millis`]).
    pub decided_at_ms: Millis,
    /// When, in milliseconds since the Unix epoch.
    pub decided_at_timestamp: Millis,
    /// The rule, its thresholds, and what broke it.
    #[serde(flatten)]
    pub finding: Finding,
}

/// A rule, its thresholds, and the samples or the period that broke it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(
    tag = "rule",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum Finding {
    /// The sustained-ping rule.
    SustainedPing {
        /// A round trip above this is a violation.
        max_ping_ms: Millis,
        /// N of the rule.
        violation_window: usize,
        /// M of the rule.
        required_violations: usize,
        /// How the violations must lie.
        ping_rule: PingRuleKind,
        /// The samples looked at, oldest first.
        samples: Vec<PingSample>,
    },
    /// The hidden-tab rule.
    TabHidden {
        /// Hidden for this long excludes.
        exclude_after_ms: Millis,
        /// When the judged period began.
        hidden_from_ms: Millis,
        /// How long it was when judged.
        hidden_ms: Millis,
    },
    /// The researcher's rule.
    CustomCallback {
        /// The question that was answered, if the answer named it.
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<u64>,
        /// What the researcher's rule said.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The silence rule. Only the server judges it, and a page never gets to see it: it would be dead
    /// weight in the browser's download.
    #[cfg(feature = "json")]
    Unresponsive {
        /// What was not heard.
        silent: Silent,
        /// Silence for this long excludes.
        exclude_after_ms: Millis,
        /// When it was last heard; `None` if it never was.
        last_heard_ms: Option<Millis>,
        /// How long the silence was when judged, without the server's own delays.
        silence_ms: Millis,
    },
}

/// What was not heard any more.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Silent {
    /// Nothing at all came from the page.
    Page,
    /// Other events came, but the server's probes were no longer answered.
    Monitor,
}

/// Where a round trip was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum PingOrigin {
    /// By our own ping over the socket.
    Socket,
    /// By the game's own means, such as WebRTC.
    Frontend,
}

/// One measured or missed round trip.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct PingSample {
    /// The ping's number; `None` for a round trip that the game measured.
    pub seq: Option<u64>,
    /// When it was sent (or, if the game measured it, when it was reported).
    pub sent_ms: Millis,
    /// The round trip without the page's own stall; `None` if no answer came in time.
    pub rtt_ms: Option<Millis>,
    /// How long the page itself stood still; has been subtracted.
    pub stalled_ms: Millis,
    /// Where it was measured.
    pub origin: PingOrigin,
    /// Whether it counted for or against the participant.
    pub judged: bool,
}

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum WarningKind {
    /// One round trip over the limit (`ping_spike`).
    Ping,
    /// The tab is or was hidden.
    Tab,
    /// The researcher's rule warns.
    Callback,
}

/// A warning that the participant sees.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// What the participant reads.
    pub message: String,
    /// When, on the session's clock.
    pub at_ms: Millis,
    /// The frame that the game had reached.
    pub frame: Frame,
}
