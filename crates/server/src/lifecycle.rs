//! Every input that changes a game goes through here: committed first, answered then, sent last.
//!
//! Inputs queue for one [writer](crate::writer), which commits whatever has queued in one transaction.
//! So no game waits for another one's commit longer than for a single one, however many end at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stillhere_core::ids::GameId;
use stillhere_core::session::GameInput;
use stillhere_core::wire::{ErrorCode, Refusal};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::store::{Committed, Done, Job, Store, StoreError};
use crate::writer::{Queued, Writer};

/// The way in for all inputs. See the [module](self).
pub(crate) struct Lifecycle {
    games: mpsc::UnboundedSender<Queued>,
    /// Chunks have a queue of their own: they are large, and no game waits for them.
    uploads: mpsc::UnboundedSender<Queued>,
    waiting: Arc<AtomicUsize>,
    deadlines_changed: Arc<Notify>,
    stop: Arc<Notify>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Lifecycle {
    /// The way in, and the queue of what is to be sent. Starts the writer, so it has to be called on a
    /// Tokio runtime.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        counters: Arc<Counters>,
    ) -> (Self, mpsc::UnboundedReceiver<Committed>) {
        let (games, waiting_games) = mpsc::unbounded_channel();
        let (uploads, waiting_uploads) = mpsc::unbounded_channel();
        let (committed, to_send) = mpsc::unbounded_channel();
        let waiting = Arc::<AtomicUsize>::default();
        let deadlines_changed = Arc::<Notify>::default();
        let stop = Arc::<Notify>::default();
        let writer = Writer {
            store,
            clock,
            counters,
            games: waiting_games,
            uploads: waiting_uploads,
            waiting: Arc::clone(&waiting),
            committed,
            deadlines_changed: Arc::clone(&deadlines_changed),
            stop: Arc::clone(&stop),
        };
        let lifecycle = Self {
            games,
            uploads,
            waiting,
            deadlines_changed,
            stop,
            writer: Mutex::new(Some(tokio::spawn(writer.run()))),
        };
        (lifecycle, to_send)
    }

    /// Queues a job at once, and waits until it is committed and answered.
    ///
    /// `after` is called by the writer between the commit and the sending of what the commit brought, in
    /// the order of the commits; or with the refusal, if nothing was changed. It is the place to answer
    /// the client and to bind a socket, and must not take long.
    pub(crate) fn run<T, F>(
        &self,
        job: Job,
        after: F,
    ) -> impl Future<Output = Result<T, Refusal>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(Result<&Done, Refusal>) -> Result<T, Refusal> + Send + 'static,
    {
        let queue = match job {
            Job::Chunk(..) => &self.uploads,
            _ => &self.games,
        };
        let (answer, answered) = oneshot::channel();
        let queued = Queued {
            job,
            after: Box::new(move |result| {
                let _ = answer.send(after(result));
            }),
        };
        self.waiting.fetch_add(1, Ordering::SeqCst);
        if let Err(mpsc::error::SendError(queued)) = queue.send(queued) {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            (queued.after)(Err(unavailable()));
        }
        async { answered.await.unwrap_or_else(|_| Err(unavailable())) }
    }

    /// As [`Lifecycle::run`], with one input to one game.
    pub(crate) fn input<T, F>(
        &self,
        game: &GameId,
        input: GameInput,
        after: F,
    ) -> impl Future<Output = Result<T, Refusal>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(Result<&Committed, Refusal>) -> Result<T, Refusal> + Send + 'static,
    {
        self.run(Job::Input(game.clone(), input), |result| {
            after(result.and_then(|done| done.committed().ok_or_else(unavailable)))
        })
    }

    /// One input that nobody waits to be answered.
    pub(crate) fn handle(
        &self,
        game: &GameId,
        input: GameInput,
    ) -> impl Future<Output = Result<(), Refusal>> + Send + use<> {
        self.input(game, input, |result| result.map(|_| ()))
    }

    /// Waits until a deadline may have changed.
    pub(crate) async fn deadlines_changed(&self) {
        self.deadlines_changed.notified().await;
    }

    /// How many jobs wait for their commit.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Commits what has queued and takes nothing more.
    pub(crate) async fn finish(&self) {
        self.stop.notify_one();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            let _ = writer.await;
        }
    }
}

/// What a client hears if nothing could be stored.
pub(crate) fn unavailable() -> Refusal {
    Refusal::new(
        ErrorCode::StorageUnavailable,
        "nothing could be stored; send it again later",
    )
}

/// What a client hears of a failed transaction: never what the storage said.
pub(crate) fn refusal(error: StoreError) -> Refusal {
    match error {
        StoreError::Refused(refusal) => refusal,
        StoreError::Unavailable(reason) => {
            tracing::error!(%reason, "the storage failed");
            unavailable()
        }
    }
}
