//! The researcher's own rule, run on the server.
//!
//! It fails open: an error, an answer that comes too late or a panic excludes nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use stillhere_core::ids::{GameId, ParticipantId, PlayerId, SceneId};
use stillhere_core::wire::{CallbackContext, CallbackResult};

/// An answer that takes longer is of no use to a running game.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a rule is asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct CallbackQuestion {
    /// Who plays.
    pub participant: ParticipantId,
    /// The game.
    pub game: GameId,
    /// Who they are in it.
    pub player: PlayerId,
    /// The scene.
    pub scene: SceneId,
    /// What their page reports.
    pub context: CallbackContext,
}

/// What a rule answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackVerdict {
    /// Exclude the participant.
    pub exclude: bool,
    /// Warn the participant.
    pub warn: bool,
    /// What the participant reads.
    pub message: Option<String>,
}

/// A researcher's rule.
#[async_trait]
pub trait ContinuousCallback: Send + Sync + 'static {
    /// Judges a participant.
    ///
    /// # Errors
    /// Any error means that nobody is excluded; it is logged.
    async fn judge(
        &self,
        question: CallbackQuestion,
    ) -> Result<CallbackVerdict, Box<dyn std::error::Error + Send + Sync>>;
}

/// No rule: nobody is ever excluded by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCallback;

#[async_trait]
impl ContinuousCallback for NoCallback {
    async fn judge(
        &self,
        _: CallbackQuestion,
    ) -> Result<CallbackVerdict, Box<dyn std::error::Error + Send + Sync>> {
        Ok(CallbackVerdict::default())
    }
}

/// Runs the rule and counts how often that failed.
pub(crate) struct CallbackRunner {
    rule: Arc<dyn ContinuousCallback>,
    failures: AtomicU64,
}

impl CallbackRunner {
    pub(crate) fn new(rule: Arc<dyn ContinuousCallback>) -> Self {
        Self {
            rule,
            failures: AtomicU64::new(0),
        }
    }

    /// How often the rule gave no answer.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) async fn run(
        &self,
        question: CallbackQuestion,
        request_id: Option<u64>,
    ) -> CallbackResult {
        let rule = Arc::clone(&self.rule);
        // A task of its own, so that a panic in the researcher's code ends there.
        let judging = tokio::spawn(async move { rule.judge(question).await });
        let abort = judging.abort_handle();
        let verdict = match tokio::time::timeout(PATIENCE, judging).await {
            Ok(Ok(Ok(verdict))) => verdict,
            Ok(Ok(Err(error))) => self.failed(&error),
            Ok(Err(_)) => self.failed(&"it panicked"),
            Err(_) => {
                abort.abort();
                self.failed(&"no answer in time")
            }
        };
        CallbackResult {
            exclude: verdict.exclude,
            warn: verdict.warn,
            message: verdict.message,
            request_id,
        }
    }

    fn failed(&self, reason: &dyn std::fmt::Display) -> CallbackVerdict {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::warn!(%reason, failures, "the continuous callback failed; nobody is excluded by it");
        CallbackVerdict::default()
    }
}
