//! The one task that writes: what has queued while it was busy shares the next commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use stillhere_core::wire::Refusal;
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::counters::Counters;
use crate::lifecycle::{refusal, unavailable};
use crate::store::{Committed, Done, Job, Store};

/// More would make the first of them wait for long.
const JOBS_AT_ONCE: usize = 256;
/// A transaction that holds so many bytes takes no more jobs.
const BYTES_AT_ONCE: usize = 4 << 20;

type After = Box<dyn FnOnce(Result<&Done, Refusal>) + Send>;

/// A job that waits, and what follows its commit.
pub(crate) struct Queued {
    pub(crate) job: Job,
    pub(crate) after: After,
}

enum Next {
    Game(Queued),
    Upload(Queued),
}

pub(crate) struct Writer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) games: mpsc::UnboundedReceiver<Queued>,
    pub(crate) uploads: mpsc::UnboundedReceiver<Queued>,
    pub(crate) waiting: Arc<AtomicUsize>,
    pub(crate) committed: mpsc::UnboundedSender<Committed>,
    pub(crate) deadlines_changed: Arc<Notify>,
    pub(crate) stop: Arc<Notify>,
}

impl Writer {
    /// Writes until it is told to stop, and then what has queued by then.
    pub(crate) async fn run(mut self) {
        while let Some(next) = self.next().await {
            // In turns, and never in one transaction: a chunk for which there is no room on the disk
            // spoils no game's ending.
            let upload = match next {
                Next::Upload(first) => Some(first),
                Next::Game(first) => {
                    let batch = fill(first, &mut self.games);
                    self.commit(batch).await;
                    self.uploads.try_recv().ok()
                }
            };
            if let Some(first) = upload {
                let batch = fill(first, &mut self.uploads);
                self.commit(batch).await;
            }
        }
    }

    async fn next(&mut self) -> Option<Next> {
        let mut open = !self.games.is_closed();
        loop {
            tokio::select! {
                biased;
                () = self.stop.notified(), if open => {
                    open = false;
                    self.games.close();
                    self.uploads.close();
                }
                queued = self.games.recv() => match queued {
                    Some(queued) => return Some(Next::Game(queued)),
                    // Both close at once.
                    None => return self.uploads.recv().await.map(Next::Upload),
                },
                Some(queued) = self.uploads.recv() => return Some(Next::Upload(queued)),
            }
        }
    }

    async fn commit(&mut self, batch: Vec<Queued>) {
        self.waiting.fetch_sub(batch.len(), Ordering::SeqCst);
        let (jobs, afters): (Vec<Job>, Vec<After>) = batch
            .into_iter()
            .map(|queued| (queued.job, queued.after))
            .unzip();
        let bytes = jobs.iter().map(Job::weight).sum();
        let exports: Vec<bool> = jobs
            .iter()
            .map(|job| matches!(job, Job::Export(_)))
            .collect();
        let began = Instant::now();
        let committing = self.store.commit(self.clock.now(), jobs);
        // Whatever happens to one batch, the next one is written.
        let results = match AssertUnwindSafe(committing).catch_unwind().await {
            Ok(Ok(results)) => results,
            Ok(Err(error)) => {
                self.counters.storage_failed();
                return refuse_all(afters, &refusal(error));
            }
            Err(_) => {
                self.counters.storage_failed();
                return refuse_all(afters, &unavailable());
            }
        };
        self.counters
            .committed(afters.len(), bytes, began.elapsed());
        for ((after, result), is_export) in afters.into_iter().zip(results).zip(exports) {
            let result = result.map_err(refusal);
            call(after, result.as_ref().map_err(Clone::clone));
            if let Ok(Done::Committed(committed)) = result {
                if is_export {
                    self.counters.exported();
                }
                self.counters.game_changed(&committed);
                // Without a receiver the server is stopping; what is owed is in storage.
                let _ = self.committed.send(*committed);
            }
        }
        self.deadlines_changed.notify_one();
    }
}

/// What else waits in a queue.
fn fill(first: Queued, queue: &mut mpsc::UnboundedReceiver<Queued>) -> Vec<Queued> {
    let mut bytes = first.job.weight();
    let mut batch = vec![first];
    while batch.len() < JOBS_AT_ONCE && bytes < BYTES_AT_ONCE {
        let Ok(queued) = queue.try_recv() else {
            break;
        };
        bytes += queued.job.weight();
        batch.push(queued);
    }
    batch
}

fn refuse_all(afters: Vec<After>, refusal: &Refusal) {
    for after in afters {
        call(after, Err(refusal.clone()));
    }
}

fn call(after: After, result: Result<&Done, Refusal>) {
    if catch_unwind(AssertUnwindSafe(|| after(result))).is_err() {
        tracing::error!("an answer panicked");
    }
}
