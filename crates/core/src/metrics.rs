//! What is exported about a session. Keys are camelCase, as in MUG's own metrics.

use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::exclusion::{Exclusion, ExclusionReason, PingSample, Warning};
use crate::ids::{Frame, GameId, PlayerId};
use crate::time::Millis;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum TerminationReason {
    /// Played to its end.
    Normal,
    /// Excluded: the round trip stayed over the limit.
    SustainedPing,
    /// Excluded: the tab was hidden for too long.
    TabHidden,
    /// Excluded by the researcher's own rule.
    CustomCallback,
    /// Excluded: connected, but without any sign of life.
    Unresponsive,
    /// A partner was excluded.
    PartnerExclusion,
    /// A participant's connection did not come back.
    PartnerDisconnected,
    /// A tab was hidden longer than `focus_loss_timeout_ms`.
    FocusLossTimeout,
    /// The server stopped.
    ServerShutdown,
}

impl TerminationReason {
    /// Every reason under its name on the wire.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("normal", Self::Normal),
        ("sustained_ping", Self::SustainedPing),
        ("tab_hidden", Self::TabHidden),
        ("custom_callback", Self::CustomCallback),
        ("unresponsive", Self::Unresponsive),
        ("partner_exclusion", Self::PartnerExclusion),
        ("partner_disconnected", Self::PartnerDisconnected),
        ("focus_loss_timeout", Self::FocusLossTimeout),
        ("server_shutdown", Self::ServerShutdown),
    ];

    /// The reason's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS
            .iter()
            .find(|(_, reason)| *reason == self)
            .map_or("", |(word, _)| word)
    }
}

impl TerminationReason {
    /// The exclusion that it names; `None` if it names another end.
    #[must_use]
    pub fn exclusion(self) -> Option<ExclusionReason> {
        let reasons = ExclusionReason::WORDS.iter().map(|(_, reason)| *reason);
        reasons
            .into_iter()
            .find(|reason| Self::from(*reason) == self)
    }
}

impl From<ExclusionReason> for TerminationReason {
    fn from(reason: ExclusionReason) -> Self {
        match reason {
            ExclusionReason::SustainedPing => Self::SustainedPing,
            ExclusionReason::TabHidden => Self::TabHidden,
            ExclusionReason::CustomCallback => Self::CustomCallback,
            ExclusionReason::Unresponsive => Self::Unresponsive,
        }
    }
}

/// Who ended the session, as the participant saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum TerminatedBy {
    /// The participant's own page.
    #[serde(rename = "self")]
    Own,
    /// A partner's exclusion, departure or lost connection.
    Partner,
    /// The server.
    Server,
}

/// Whether and why a session is partial: the part of the metrics that analyses filter by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct SessionStatus {
    /// Ended before its planned end.
    pub is_partial: bool,
    /// How it ended.
    pub termination_reason: TerminationReason,
    /// Who ended it; `None` if it was played to its end or is still going on.
    pub terminated_by: Option<TerminatedBy>,
    /// The frame at which it ended; 0 is a frame.
    pub termination_frame: Frame,
    /// When it ended, in milliseconds since the Unix epoch; `None` while it goes on.
    pub terminated_at_timestamp: Option<Millis>,
    /// Finished episodes only.
    pub completed_episodes: u64,
    /// Whose connection was lost; 0 is a player, `None` is nobody.
    pub disconnected_player_id: Option<PlayerId>,
}

/// The round trips of a session in a few numbers, all in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct LatencySummary {
    /// Answered pings.
    pub count: usize,
    /// Pings without an answer in time.
    pub lost: usize,
    /// The quickest answer.
    pub min: Option<Millis>,
    /// Half of the answers were quicker.
    pub median: Option<Millis>,
    /// 95 of 100 answers were quicker or as quick (nearest rank).
    pub p95: Option<Millis>,
    /// 99 of 100 answers were quicker or as quick (nearest rank).
    pub p99: Option<Millis>,
    /// The slowest answer.
    pub max: Option<Millis>,
    /// The mean difference between one answer and the next.
    pub jitter: Option<Millis>,
}

impl LatencySummary {
    /// Sums up samples in the order in which they were taken.
    #[must_use]
    pub fn of(samples: &[PingSample]) -> Self {
        let in_order: Vec<Millis> = samples.iter().filter_map(|sample| sample.rtt_ms).collect();
        let lost = samples.len() - in_order.len();
        let jitter = (in_order.len() > 1).then(|| {
            let total: f64 = in_order
                .windows(2)
                .map(|pair| (pair[1].as_f64() - pair[0].as_f64()).abs())
                .sum();
            Millis::new(total / (in_order.len() - 1) as f64)
        });
        // A heap sorts as well as a slice does, with a tenth of the code in the browser's download.
        let sorted = BinaryHeap::from(in_order).into_sorted_vec();
        Self {
            count: sorted.len(),
            lost,
            min: sorted.first().copied(),
            median: median(&sorted),
            p95: nearest_rank(&sorted, 95),
            p99: nearest_rank(&sorted, 99),
            max: sorted.last().copied(),
            jitter,
        }
    }
}

fn median(sorted: &[Millis]) -> Option<Millis> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted[sorted.len() / 2 - 1];
    Some(Millis::new(f64::midpoint(lower.as_f64(), upper.as_f64())))
}

fn nearest_rank(sorted: &[Millis], percent: usize) -> Option<Millis> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// A time during which the participant was not looking. Milliseconds since the session began.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct AwayPeriod {
    /// When it began.
    pub start: Millis,
    /// When it ended; `None` if it had not at the export.
    pub end: Option<Millis>,
    /// How long it was, or has been so far.
    pub duration_ms: Millis,
}

/// When the tab was hidden, and when the window lacked the focus.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct FocusLoss {
    /// The tab was hidden.
    pub background_periods: Vec<AwayPeriod>,
    /// The sum of these.
    pub total_background_ms: Millis,
    /// How many there were.
    pub period_count: usize,
    /// The page was visible, but another window had the focus.
    pub unfocused_periods: Vec<AwayPeriod>,
    /// The sum of these.
    pub total_unfocused_ms: Millis,
    /// The setting `focus_loss_timeout_ms`; `None` is off.
    pub timeout_ms: Option<Millis>,
    /// Whether it ended the session.
    pub was_timeout_triggered: bool,
}

/// One episode as the session saw it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct EpisodeRecord {
    /// The episode's number; the first is 0.
    pub episode: u64,
    /// The frame at which it began.
    pub start_frame: Frame,
    /// The frame at which it was completed; `None` if it was not.
    pub end_frame: Option<Frame>,
    /// When it began, in milliseconds since the session began.
    pub started_ms: Millis,
    /// When it was completed; `None` if it was not.
    pub completed_ms: Option<Millis>,
}

/// A partner who had to leave a game that went on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct PartnerDeparture {
    /// Who left.
    pub player_id: PlayerId,
    /// The last frame for which the leaver's actions count.
    pub frame: Frame,
    /// When this page was told, in milliseconds since the session began.
    pub at_ms: Millis,
}

/// How the participant was watched and what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct MonitorRecord {
    /// Whether anything was judged.
    pub enabled: bool,
    /// Every sample, judged or not, oldest first.
    pub samples: Vec<PingSample>,
    /// The warnings that the participant saw.
    pub warnings: Vec<Warning>,
    /// The verdict of this participant's own page, if it came to one.
    pub exclusion: Option<Exclusion>,
    /// How long the page itself stood still, all in all, in milliseconds.
    pub stalled_ms: Millis,
}

/// The metrics of one participant's session: what `emit_multiplayer_metrics` carries.
///
/// The frontend's own data is merged beside these keys and can not overwrite them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub struct MultiplayerMetrics {
    /// The game; `None` if none was assigned.
    pub game_id: Option<GameId>,
    /// Who the participant was in it.
    pub player_id: Option<PlayerId>,
    /// How many played.
    pub num_players: Option<u64>,
    /// When this was built, in milliseconds since the Unix epoch.
    pub export_timestamp: Millis,
    /// When the session began, in milliseconds since the Unix epoch.
    pub session_start_time: Millis,
    /// How long it has lasted.
    pub session_duration_ms: Millis,
    /// Whether and why it is partial.
    pub session_status: SessionStatus,
    /// The round trips in a few numbers.
    pub latency: LatencySummary,
    /// When the participant was not looking.
    pub focus_loss: FocusLoss,
    /// The episodes, finished or not.
    pub episodes: Vec<EpisodeRecord>,
    /// The partners who left while the game went on.
    pub partners_left: Vec<PartnerDeparture>,
    /// How the participant was watched and what was found.
    pub monitor: MonitorRecord,
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::exclusion::PingOrigin;

    fn samples(rtts: &[Option<f64>]) -> Vec<PingSample> {
        rtts.iter()
            .enumerate()
            .map(|(seq, rtt)| PingSample {
                seq: Some(seq as u64),
                sent_ms: Millis::from(seq as u64 * 1000),
                rtt_ms: rtt.map(Millis::new),
                stalled_ms: Millis::ZERO,
                origin: PingOrigin::Socket,
                judged: true,
            })
            .collect()
    }

    #[test]
    fn no_samples_have_no_quantiles() {
        assert_eq!(LatencySummary::of(&[]), LatencySummary::default());
    }

    #[test]
    fn quantiles_are_nearest_rank_and_losses_are_counted_apart() {
        let mut rtts: Vec<Option<f64>> = (1..=100).map(|rtt| Some(f64::from(rtt))).collect();
        rtts.push(None);
        let summary = LatencySummary::of(&samples(&rtts));
        assert_eq!(summary.count, 100);
        assert_eq!(summary.lost, 1);
        assert_eq!(summary.min, Some(Millis::new(1.0)));
        assert_eq!(summary.median, Some(Millis::new(50.5)));
        assert_eq!(summary.p95, Some(Millis::new(95.0)));
        assert_eq!(summary.p99, Some(Millis::new(99.0)));
        assert_eq!(summary.max, Some(Millis::new(100.0)));
        assert_eq!(summary.jitter, Some(Millis::new(1.0)));
    }

    #[test]
    fn one_sample_is_every_quantile_and_has_no_jitter() {
        let summary = LatencySummary::of(&samples(&[Some(7.0)]));
        assert_eq!(summary.median, Some(Millis::new(7.0)));
        assert_eq!(summary.p99, Some(Millis::new(7.0)));
        assert_eq!(summary.jitter, None);
    }
}
