use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use stillhere_core::ids::{ExportId, GameId, ParticipantId};
use stillhere_core::session::GameSession;
use stillhere_core::time::Millis;
use stillhere_server::store::{Done, Job, LiveGames, SeatRecord, SqliteStore, Store, StoreError};
use tokio::sync::watch;

/// A real store whose writes can be held up, or made to fail.
pub struct FaultyStore {
    inner: SqliteStore,
    open: watch::Sender<bool>,
    failing: AtomicBool,
    killed: AtomicBool,
    panicking: AtomicBool,
    failures: watch::Sender<usize>,
    /// How many jobs the commit has that waits to be let through.
    held: watch::Sender<usize>,
    commits: Mutex<Vec<usize>>,
}

impl FaultyStore {
    pub fn new(inner: SqliteStore) -> Self {
        Self {
            inner,
            open: watch::Sender::new(true),
            failing: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            panicking: AtomicBool::new(false),
            failures: watch::Sender::new(0),
            held: watch::Sender::new(0),
            commits: Mutex::default(),
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

    /// Waits until one more write has failed.
    pub async fn until_failed_since(&self, failures: usize) {
        let mut failed = self.failures.subscribe();
        let _ = failed.wait_for(|now| *now > failures).await;
    }

    /// Waits until a write is held up.
    pub async fn until_held(&self) {
        let _ = self.held.subscribe().wait_for(|held| *held > 0).await;
    }

    /// How many jobs are in the write that is held up.
    pub fn held(&self) -> usize {
        *self.held.borrow()
    }

    /// The next write panics.
    pub fn panic_once(&self) {
        self.panicking.store(true, Ordering::SeqCst);
    }

    /// No write ever comes back, as in a process that is no more.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
    }

    /// The number of jobs in each commit since the last time that somebody asked.
    pub fn take_commits(&self) -> Vec<usize> {
        std::mem::take(&mut self.commits.lock().unwrap())
    }

    async fn may_write(&self, jobs: usize) -> Result<(), StoreError> {
        if self.killed.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let mut open = self.open.subscribe();
        self.held.send_replace(jobs);
        let _ = open.wait_for(|open| *open).await;
        self.held.send_replace(0);
        assert!(
            !self.panicking.swap(false, Ordering::SeqCst),
            "this was asked for"
        );
        if self.failing.load(Ordering::SeqCst) {
            self.failures.send_modify(|failures| *failures += 1);
            return Err(StoreError::Unavailable("the disk is full".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn commit(
        &self,
        now: Millis,
        jobs: Vec<Job>,
    ) -> Result<Vec<Result<Done, StoreError>>, StoreError> {
        self.may_write(jobs.len()).await?;
        let done = self.inner.commit(now, jobs).await?;
        self.commits.lock().unwrap().push(done.len());
        Ok(done)
    }

    async fn chunk(
        &self,
        participant: &ParticipantId,
        export: &ExportId,
        offset: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.chunk(participant, export, offset).await
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
