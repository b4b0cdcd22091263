//! What the server counts about itself, for `/metrics`. No ids of anybody, nothing that grows with the number of
//! participants.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use stillhere_core::exclusion::ExclusionReason;
use stillhere_core::metrics::TerminationReason;
use stillhere_core::session::{GameOutput, Outcome};
use stillhere_core::wire::ErrorCode;

use crate::store::{Committed, LiveGames};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PhaseLabel {
    phase: &'static str,
}

/// From half a millisecond to two seconds: a commit takes one or a few, a disk in trouble takes long.
fn commit_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 13))
}

/// What is counted. Every field is safe to count in from anywhere, without a lock.
pub(crate) struct Counters {
    registry: Registry,
    outcomes: Family<OutcomeLabel, Counter>,
    exclusions: Family<ReasonLabel, Counter>,
    refusals: Family<CodeLabel, Counter>,
    games: Family<PhaseLabel, Gauge>,
    commit_seconds: Histogram,
    jobs: Counter,
    stored_bytes: Counter,
    exports: Counter,
    partial_records: Counter,
    storage_failures: Counter,
    writes_waiting: Gauge,
    deadline_lateness: Gauge<f64, AtomicU64>,
    rule_failures: Gauge,
    deliveries_sent: Counter,
    deliveries_acked: Counter,
    relayed: Counter,
    sockets: Gauge,
}

/// What a scrape reads at its moment instead of counting it.
pub(crate) struct Moment {
    pub(crate) games: Option<LiveGames>,
    pub(crate) writes_waiting: usize,
    /// By how much the earliest deadline is over.
    pub(crate) late: Option<Duration>,
    pub(crate) rule_failures: u64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let mut counters = Self {
            registry: Registry::with_prefix("stillhere"),
            outcomes: Family::default(),
            exclusions: Family::default(),
            refusals: Family::default(),
            games: Family::default(),
            commit_seconds: commit_buckets(),
            jobs: Counter::default(),
            stored_bytes: Counter::default(),
            exports: Counter::default(),
            partial_records: Counter::default(),
            storage_failures: Counter::default(),
            writes_waiting: Gauge::default(),
            deadline_lateness: Gauge::default(),
            rule_failures: Gauge::default(),
            deliveries_sent: Counter::default(),
            deliveries_acked: Counter::default(),
            relayed: Counter::default(),
            sockets: Gauge::default(),
        };
        counters.register();
        counters.begin_at_zero();
        counters
    }

    #[rustfmt::skip]
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("sockets", "Sockets that are open", self.sockets.clone());
        registry.register("games", "Games that are live, by phase", self.games.clone());
        registry.register("outcomes", "Participants who are done, by what it came to", self.outcomes.clone());
        registry.register("exclusions", "Participants who were excluded, by the broken rule", self.exclusions.clone());
        registry.register("refusals", "What clients asked and were refused, by code", self.refusals.clone());
        registry.register("exports", "Data of participants that was stored", self.exports.clone());
        registry.register("partial_records", "Records that the server wrote because data did not come in time", self.partial_records.clone());
        registry.register("stored_bytes", "Bytes of data that were stored, as they arrived", self.stored_bytes.clone());
        registry.register("deliveries_sent", "Messages that were owed and sent, repeats included", self.deliveries_sent.clone());
        registry.register("deliveries_acked", "Acks of such messages", self.deliveries_acked.clone());
        registry.register("actions_relayed", "Actions that were passed on to partners", self.relayed.clone());
        registry.register("jobs_committed", "Changes that were committed; many share a commit", self.jobs.clone());
        registry.register("commit_seconds", "How long a commit took", self.commit_seconds.clone());
        registry.register("storage_failures", "Commits that failed", self.storage_failures.clone());
        registry.register("writes_waiting", "Changes that wait for their commit", self.writes_waiting.clone());
        registry.register("deadline_lateness_seconds", "By how much the earliest deadline is over", self.deadline_lateness.clone());
        registry.register("rule_failures", "How often the researcher's own rule failed, and so excluded nobody", self.rule_failures.clone());
    }

    /// A rate over a series that is not there yet is nothing; over a zero it is right from the first event on.
    fn begin_at_zero(&self) {
        for outcome in Outcome::NAMES.iter().copied() {
            let _ = self.outcomes.get_or_create(&OutcomeLabel { outcome });
        }
        for (reason, _) in ExclusionReason::WORDS.iter().copied() {
            let _ = self.exclusions.get_or_create(&ReasonLabel { reason });
        }
        for (code, _) in ErrorCode::WORDS.iter().copied() {
            let _ = self.refusals.get_or_create(&CodeLabel { code });
        }
    }

    /// A transaction was committed.
    pub(crate) fn committed(&self, jobs: usize, bytes: usize, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
        self.jobs.inc_by(jobs as u64);
        self.stored_bytes.inc_by(bytes as u64);
    }

    pub(crate) fn storage_failed(&self) {
        self.storage_failures.inc();
    }

    /// A game took an input in.
    pub(crate) fn game_changed(&self, committed: &Committed) {
        for output in &committed.outputs {
            match output {
                GameOutput::Outcome { outcome, .. } => self.outcome(*outcome),
                GameOutput::RecordPartial { .. } => {
                    self.partial_records.inc();
                }
                _ => {}
            }
        }
    }

    fn outcome(&self, outcome: Outcome) {
        let label = OutcomeLabel {
            outcome: outcome.as_str(),
        };
        self.outcomes.get_or_create(&label).inc();
        if let Outcome::Excluded(reason) = outcome {
            let reason = TerminationReason::from(reason).as_str();
            self.exclusions.get_or_create(&ReasonLabel { reason }).inc();
        }
    }

    /// A participant's data was stored, and was not stored before.
    pub(crate) fn exported(&self) {
        self.exports.inc();
    }

    /// Somebody was refused something.
    pub(crate) fn refused(&self, code: ErrorCode) {
        let code = code.as_str();
        self.refusals.get_or_create(&CodeLabel { code }).inc();
    }

    pub(crate) fn delivery_sent(&self) {
        self.deliveries_sent.inc();
    }

    pub(crate) fn delivery_acked(&self) {
        self.deliveries_acked.inc();
    }

    pub(crate) fn action_relayed(&self) {
        self.relayed.inc();
    }

    pub(crate) fn socket_opened(&self) {
        self.sockets.inc();
    }

    pub(crate) fn socket_closed(&self) {
        self.sockets.dec();
    }

    /// All of it as text in the OpenMetrics format.
    pub(crate) fn text(&self, moment: &Moment) -> String {
        if let Some(games) = moment.games {
            let phases = [
                ("waiting", games.waiting),
                ("playing", games.playing),
                ("ending", games.ending),
            ];
            for (phase, count) in phases {
                self.games.get_or_create(&PhaseLabel { phase }).set(count);
            }
        }
        self.writes_waiting.set(whole(moment.writes_waiting as u64));
        self.deadline_lateness
            .set(moment.late.unwrap_or_default().as_secs_f64());
        self.rule_failures.set(whole(moment.rule_failures));
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => unreachable!("a String takes everything: {error}"),
        }
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
