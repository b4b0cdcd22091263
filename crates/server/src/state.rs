//! What all parts of a running server share.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use socketioxide::SocketIo;
use socketioxide::layer::SocketIoLayer;
use stillhere_core::ids::SceneId;
use stillhere_core::session::{GameInput, Outcome};
use tokio::sync::mpsc;

use crate::callback::{CallbackRunner, ContinuousCallback, NoCallback};
use crate::clock::{Clock, SystemClock};
use crate::cluster::{self, Bell, NotAlone, Relay};
use crate::counters::Counters;
use crate::http::Uploads;
use crate::lifecycle::Lifecycle;
use crate::node::NodeId;
use crate::random;
use crate::settings::{Settings, Storage};
use crate::socket::{self, Pulse, Registry};
use crate::store::{
    Committed, ConnectError, Job, OpenError, PostgresStore, PostgresUrl, SqliteStore, Store,
    StoreError, Study, UploadLimits,
};
use crate::token::{self, Tokens};

/// Where the games are, below the data directory.
pub const DATABASE_FILE: &str = "stillhere.sqlite3";
/// Where the key of the participants' tokens is, below the data directory.
pub const TOKEN_KEY_FILE: &str = "token.key";

/// Its name in a database that several servers share.
const TOKEN_KEY: &str = "participant tokens";

/// So many games are told of the restart in one transaction.
const GAMES_AT_ONCE: usize = 256;

/// Why a server could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The data directory cannot be used.
    #[error(
        "the data directory {0} cannot be written ({1}): choose another with --data-dir, or make it writable"
    )]
    DataDir(String, std::io::Error),
    /// The token key cannot be used.
    #[error(
        "the key file {0} cannot be used ({1}): make it readable, or remove it (participants then lose their seats on reconnect)"
    )]
    TokenKey(String, std::io::Error),
    /// The database cannot be opened.
    #[error("{0}; move the file away or choose another directory with --data-dir")]
    Database(#[from] OpenError),
    /// The database cannot be reached.
    #[error("{0}; check storage.url, and that PostgreSQL is running there")]
    Connect(#[from] ConnectError),
    /// Another server uses the database.
    #[error(
        "another server uses this database, and participants on both would not hear each other: set cluster.redis for all of them, or stop the other"
    )]
    NotAlone,
    /// The database was opened but cannot be read.
    #[error("the stored games cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// A running server's shared state. Make it with [`State::open`] or a [`StateBuilder`].
pub struct State {
    /// The configuration.
    pub settings: Settings,
    /// The clock that all deadlines go by.
    pub clock: Arc<dyn Clock>,
    /// Where games are kept.
    pub store: Arc<dyn Store>,
    pub(crate) tokens: Tokens,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) counters: Arc<Counters>,
    pub(crate) registry: Registry,
    pub(crate) pulse: Pulse,
    pub(crate) callback: CallbackRunner,
    pub(crate) uploads: Uploads,
    pub(crate) io: SocketIo,
    pub(crate) socket_layer: SocketIoLayer,
    to_send: Mutex<Option<mpsc::UnboundedReceiver<Committed>>>,
    draining: AtomicBool,
    left: AtomicBool,
    pub(crate) node: NodeId,
    pub(crate) bell: Bell,
    pub(crate) relay: Relay,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl State {
    /// A server's state, with its storage where the settings say, which may be a directory.
    ///
    /// # Errors
    /// [`StateError`] if the storage cannot be used.
    pub async fn open(settings: Settings, data_dir: &Path) -> Result<Arc<Self>, StateError> {
        StateBuilder::new(settings).open(data_dir).await
    }

    /// How often the researcher's rule has failed since the start.
    #[must_use]
    pub fn callback_failures(&self) -> u64 {
        self.callback.failures()
    }

    /// How many changes wait for the storage at this moment.
    #[must_use]
    pub fn waiting_writes(&self) -> usize {
        self.lifecycle.waiting()
    }

    /// Whether the server is about to stop: nobody new is seated.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether the server gives no signs of life to others any more.
    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::SeqCst);
    }

    /// What is to be sent; handed out once.
    pub(crate) fn take_to_send(&self) -> Option<mpsc::UnboundedReceiver<Committed>> {
        self.to_send
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }

    /// No socket has survived the stop of the last server.
    async fn note_lost_sockets(&self) -> Result<(), StoreError> {
        let games = self.store.unsettled().await?;
        for games in games.chunks(GAMES_AT_ONCE) {
            let jobs = games
                .iter()
                .map(|game| Job::Input(game.id().clone(), GameInput::Restarted))
                .collect();
            for result in self.store.commit(self.clock.now(), jobs).await? {
                result?;
            }
        }
        Ok(())
    }
}

/// Puts a [`State`] together, for those who bring parts of their own.
pub struct StateBuilder {
    settings: Settings,
    clock: Arc<dyn Clock>,
    callback: Arc<dyn ContinuousCallback>,
    upload_limits: UploadLimits,
}

impl fmt::Debug for StateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateBuilder").finish_non_exhaustive()
    }
}

impl StateBuilder {
    /// The system's clock and no rule of the researcher's own.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clock: Arc::new(SystemClock),
            callback: Arc::new(NoCallback),
            upload_limits: UploadLimits::default(),
        }
    }

    /// Another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The researcher's own rule.
    #[must_use]
    pub fn callback(mut self, callback: Arc<dyn ContinuousCallback>) -> Self {
        self.callback = callback;
        self
    }

    /// How large exports may be that come in chunks.
    #[must_use]
    pub const fn upload_limits(mut self, limits: UploadLimits) -> Self {
        self.upload_limits = limits;
        self
    }

    /// Opens the storage that the settings name. The data directory is made if it is needed and does not exist.
    ///
    /// # Errors
    /// [`StateError`] if the storage cannot be used.
    pub async fn open(self, data_dir: &Path) -> Result<Arc<State>, StateError> {
        match self.settings.storage.clone() {
            Storage::DataDir => self.open_files(data_dir).await,
            Storage::Postgres(url) => self.connect(&url).await,
        }
    }

    /// All servers on a database have one key for tokens, which therefore is in it.
    async fn connect(self, url: &PostgresUrl) -> Result<Arc<State>, StateError> {
        let store = PostgresStore::connect(url, study(&self.settings)).await?;
        let relays = self.settings.redis.is_some();
        cluster::enter(&store, relays)
            .await?
            .map_err(|NotAlone| StateError::NotAlone)?;
        let key = store.shared_key(TOKEN_KEY, &token::fresh_key()).await?;
        let tokens = Tokens::new(&key, &self.settings.experiment_id);
        self.with_store(Arc::new(store), tokens).await
    }

    async fn open_files(self, data_dir: &Path) -> Result<Arc<State>, StateError> {
        std::fs::create_dir_all(data_dir)
            .map_err(|error| StateError::DataDir(data_dir.display().to_string(), error))?;
        let key_file = data_dir.join(TOKEN_KEY_FILE);
        let tokens =
            Tokens::with_key_file(&key_file, &self.settings.experiment_id).map_err(|error| {
                match error.kind() {
                    std::io::ErrorKind::InvalidData => {
                        StateError::TokenKey(key_file.display().to_string(), error)
                    }
                    _ => StateError::DataDir(data_dir.display().to_string(), error),
                }
            })?;
        let study = study(&self.settings);
        let store = SqliteStore::open(&data_dir.join(DATABASE_FILE), study).await?;
        self.with_store(Arc::new(store), tokens).await
    }

    /// Uses a store and a token key that are open already.
    ///
    /// # Errors
    /// [`StateError::Store`] if the store cannot be read.
    pub async fn with_store(
        self,
        store: Arc<dyn Store>,
        tokens: Tokens,
    ) -> Result<Arc<State>, StateError> {
        let counters = Arc::new(Counters::new());
        let (lifecycle, to_send) = Lifecycle::new(
            Arc::clone(&store),
            Arc::clone(&self.clock),
            Arc::clone(&counters),
        );
        let node = store
            .shared()
            .map_or_else(NodeId::fresh, |shared| shared.node().clone());
        let (socket_layer, io) = socket::builder().build_layer();
        let state = State {
            settings: self.settings,
            clock: self.clock,
            store,
            tokens,
            lifecycle,
            counters,
            registry: Registry::default(),
            pulse: Pulse::default(),
            callback: CallbackRunner::new(self.callback),
            uploads: Uploads::new(self.upload_limits),
            io,
            socket_layer,
            to_send: Mutex::new(Some(to_send)),
            draining: AtomicBool::new(false),
            left: AtomicBool::new(false),
            node,
            bell: Bell::default(),
            relay: Relay::default(),
        };
        // Where others may be alive, who is not shows in time.
        if state.store.shared().is_none() {
            state.note_lost_sockets().await?;
        }
        Ok(Arc::new(state))
    }
}

/// What the store needs to know of the settings.
#[must_use]
pub fn study(settings: &Settings) -> Study {
    let codes = settings.clone();
    Study {
        experiment_id: settings.experiment_id.clone(),
        completion_code: Arc::new(move |scene: &SceneId, outcome: Outcome| {
            codes
                .fixed_completion_code(scene, outcome)
                .map_or_else(random::completion_code, str::to_owned)
        }),
    }
}
