//! Every input that changes a game goes through here: committed first, sent after.
//!
//! One input has its turn at a time, and what it has to send is queued before the turn ends. So
//! messages leave in the order in which they were committed (a resume never overtakes its pause),
//! and who is bound to which socket changes only between turns.

use std::sync::Arc;

use stillhere_core::ids::GameId;
use stillhere_core::session::GameInput;
use stillhere_core::wire::{ErrorCode, Refusal};
use tokio::sync::{Mutex, MutexGuard, Notify, mpsc};

use crate::clock::Clock;
use crate::store::{Committed, JoinRequest, NewExport, Store, StoreError};

/// The way in for all inputs. See the [module](self).
pub(crate) struct Lifecycle {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    turn: Mutex<()>,
    committed: mpsc::UnboundedSender<Committed>,
    deadlines_changed: Notify,
}

impl Lifecycle {
    /// The way in, and the queue of what is to be sent.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> (Self, mpsc::UnboundedReceiver<Committed>) {
        let (committed, to_send) = mpsc::unbounded_channel();
        let lifecycle = Self {
            store,
            clock,
            turn: Mutex::new(()),
            committed,
            deadlines_changed: Notify::new(),
        };
        (lifecycle, to_send)
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn {
            lifecycle: self,
            _guard: self.turn.lock().await,
        }
    }

    /// A turn with one input that nobody waits to be answered.
    pub(crate) async fn handle(&self, game: &GameId, input: GameInput) -> Result<(), Refusal> {
        let turn = self.turn().await;
        let committed = turn.handle(game, input).await?;
        turn.publish(committed);
        Ok(())
    }

    /// Waits until a deadline may have changed.
    pub(crate) async fn deadlines_changed(&self) {
        self.deadlines_changed.notified().await;
    }
}

/// The right to change games. Whoever holds it commits, answers, and then publishes.
pub(crate) struct Turn<'a> {
    lifecycle: &'a Lifecycle,
    _guard: MutexGuard<'a, ()>,
}

impl Turn<'_> {
    /// One input to one game.
    pub(crate) async fn handle(
        &self,
        game: &GameId,
        input: GameInput,
    ) -> Result<Committed, Refusal> {
        let now = self.lifecycle.clock.now();
        let result = self.lifecycle.store.transact(now, game, input).await;
        result.map_err(refusal)
    }

    /// A seat for a participant.
    pub(crate) async fn join(&self, request: JoinRequest) -> Result<Committed, Refusal> {
        let now = self.lifecycle.clock.now();
        let result = self.lifecycle.store.join(now, request).await;
        result.map_err(refusal)
    }

    /// A participant's data; `None` if it is stored already.
    pub(crate) async fn export(&self, export: NewExport) -> Result<Option<Committed>, Refusal> {
        let now = self.lifecycle.clock.now();
        let result = self.lifecycle.store.export(now, export).await;
        result.map_err(refusal)
    }

    /// Sends what was committed.
    pub(crate) fn publish(&self, committed: Committed) {
        self.lifecycle.deadlines_changed.notify_one();
        // Without a receiver the server is stopping; what is owed is in storage.
        let _ = self.lifecycle.committed.send(committed);
    }
}

/// What a client hears of a failed transaction: never what the storage said.
pub(crate) fn refusal(error: StoreError) -> Refusal {
    match error {
        StoreError::Refused(refusal) => refusal,
        StoreError::Unavailable(reason) => {
            tracing::error!(%reason, "the storage failed");
            Refusal::new(
                ErrorCode::StorageUnavailable,
                "nothing could be stored; send it again later",
            )
        }
    }
}
