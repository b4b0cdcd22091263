use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use stillhere_core::ids::{GameId, ParticipantId};
use stillhere_core::session::{GameInput, GameSession};
use stillhere_core::time::Millis;
use stillhere_server::store::{
    Committed, JoinRequest, LiveGames, NewExport, SeatRecord, SqliteStore, Store, StoreError,
};
use tokio::sync::watch;

/// A real store whose writes can be held up, or made to fail.
pub struct FaultyStore {
    inner: SqliteStore,
    open: watch::Sender<bool>,
    failing: AtomicBool,
    killed: AtomicBool,
}

impl FaultyStore {
    pub fn new(inner: SqliteStore) -> Self {
        Self {
            inner,
            open: watch::Sender::new(true),
            failing: AtomicBool::new(false),
            killed: AtomicBool::new(false),
        }
    }

    /// Writes wait from now on.
    pub fn hold(&self) {
        self.open.send_replace(false);
    }

    /// Writes go on.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    pub fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    /// No write ever comes back, as in a process that is no more.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
    }

    async fn may_write(&self) -> Result<(), StoreError> {
        if self.killed.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
        if self.failing.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the disk is full".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn transact(
        &self,
        now: Millis,
        game: &GameId,
        input: GameInput,
    ) -> Result<Committed, StoreError> {
        self.may_write().await?;
        self.inner.transact(now, game, input).await
    }

    async fn join(&self, now: Millis, request: JoinRequest) -> Result<Committed, StoreError> {
        self.may_write().await?;
        self.inner.join(now, request).await
    }

    async fn export(
        &self,
        now: Millis,
        export: NewExport,
    ) -> Result<Option<Committed>, StoreError> {
        self.may_write().await?;
        self.inner.export(now, export).await
    }

    async fn seat(
        &self,
        participant: &ParticipantId,
        game: Option<&GameId>,
    ) -> Result<Option<SeatRecord>, StoreError> {
        self.inner.seat(participant, game).await
    }

    async fn next_deadline(&self) -> Result<Option<Millis>, StoreError> {
        self.inner.next_deadline().await
    }

    async fn due(&self, now: Millis) -> Result<Vec<GameId>, StoreError> {
        self.inner.due(now).await
    }

    async fn unsettled(&self) -> Result<Vec<GameSession>, StoreError> {
        self.inner.unsettled().await
    }

    async fn live_games(&self) -> Result<LiveGames, StoreError> {
        self.inner.live_games().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
