//! A server on a port of the system's choice, with a clock that the test moves, a store that the test
//! can hold up or break, and the database beside it.

mod clock;
pub mod cut_line;
mod database;
mod faulty;
mod http;
mod peer;
pub mod postgres;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use stillhere_server::callback::{ContinuousCallback, NoCallback};
use stillhere_server::settings::Settings;
use stillhere_server::state::{self, State, StateBuilder};
use stillhere_server::store::{SqliteStore, UploadLimits};
use stillhere_server::token::Tokens;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub use clock::ManualClock;
pub use database::Database;
pub use faulty::FaultyStore;
pub use http::{Response, send};
pub use peer::{Heard, Peer};

/// Two scenes, thresholds far from each other, a redirect for each kind of outcome.
pub const STUDY: &str = r#"
experiment_id = "study"
default_scene = "grid"

[scenes.grid]
players = 2
waiting_room_timeout_ms = 60000
waiting_room_timeout_message = "Nobody came."
[scenes.grid.metadata]
continuous_monitoring_enabled = true
continuous_max_ping = 200
reconnect_grace_ms = 5000
export_ack_timeout_ms = 10000
episodes = 3
[scenes.grid.redirects.completed]
url = "https://lab.example/done?p={participant_id}&c={completion_code}"
delay_ms = 1000
completion_code = "C1ABCDEF"
[scenes.grid.redirects.default]
url = "/done.html?outcome={outcome}&code={completion_code}"
delay_ms = 2000

[scenes.trio]
players = 3

# Nothing is judged: a test may let time fly.
[scenes.unwatched]
players = 2

# Watched, but without a limit for round trips.
[scenes.patient]
players = 2
[scenes.patient.metadata]
continuous_monitoring_enabled = true
reconnect_grace_ms = 120000
export_ack_timeout_ms = 10000

# For pages that do not know probes.
[scenes.foreign]
players = 2
[scenes.foreign.metadata]
continuous_monitoring_enabled = true
continuous_max_ping = 200
presence_required = false

[scenes.crowd]
players = 3
on_exclusion = "continue"
min_players = 2
"#;

/// What all servers of these tests sign with.
pub const TOKEN_KEY: [u8; 32] = [7; 32];

/// Small enough to be reached.
pub const LIMITS: UploadLimits = UploadLimits {
    export: 24 << 20,
    chunks: 60,
    unfinished: 3,
    participant: 26 << 20,
    decompressed: 40 << 20,
};

pub struct TestServer {
    pub address: SocketAddr,
    pub clock: Arc<ManualClock>,
    pub store: Arc<FaultyStore>,
    pub state: Arc<State>,
    pub database: Database,
    directory: Arc<TempDir>,
}

pub fn settings(toml: &str) -> Settings {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stillhere.toml");
    std::fs::write(&file, toml).unwrap();
    Settings::load(Some(&file)).unwrap()
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with_callback(Arc::new(NoCallback)).await
    }

    pub async fn with_callback(callback: Arc<dyn ContinuousCallback>) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Self::launch(
            settings(STUDY),
            directory,
            Arc::new(ManualClock::new()),
            callback,
        )
        .await
    }

    /// A server for a study other than [`STUDY`].
    pub async fn with_settings(settings: Settings) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let clock = Arc::new(ManualClock::new());
        Self::launch(settings, directory, clock, Arc::new(NoCallback)).await
    }

    /// A server for [`STUDY`] on files that are there.
    pub async fn on(directory: TempDir) -> Self {
        let clock = Arc::new(ManualClock::new());
        Self::launch(
            settings(STUDY),
            Arc::new(directory),
            clock,
            Arc::new(NoCallback),
        )
        .await
    }

    /// Another server on the same files and the same clock, as after a crash of this one. Sockets of
    /// the old one stay with it.
    pub async fn crash_and_start_again(&self) -> Self {
        self.store.kill();
        Self::launch(
            settings(STUDY),
            Arc::clone(&self.directory),
            Arc::clone(&self.clock),
            Arc::new(NoCallback),
        )
        .await
    }

    async fn launch(
        settings: Settings,
        directory: Arc<TempDir>,
        clock: Arc<ManualClock>,
        callback: Arc<dyn ContinuousCallback>,
    ) -> Self {
        let file = directory.path().join(state::DATABASE_FILE);
        let sqlite = SqliteStore::open(&file, state::study(&settings))
            .await
            .unwrap();
        let store = Arc::new(FaultyStore::new(sqlite));
        let tokens = Tokens::new(&TOKEN_KEY, &settings.experiment_id);
        let clock_of_state: Arc<dyn stillhere_server::clock::Clock> = clock.clone();
        let state = StateBuilder::new(settings)
            .clock(clock_of_state)
            .callback(callback)
            .upload_limits(LIMITS)
            .with_store(store.clone(), tokens)
            .await
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = stillhere_server::app(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            address,
            clock,
            store,
            state,
            database: Database::open(&file).await,
            directory,
        }
    }

    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub async fn connect(&self) -> Peer {
        Peer::connect(self.address, json!({})).await
    }

    pub async fn connect_with(&self, token: &str) -> Peer {
        Peer::connect(self.address, json!({"participant_token": token})).await
    }

    /// A participant in the waiting room or in a game.
    pub async fn join(&self, name: &str) -> Peer {
        self.join_scene(name, "grid").await
    }

    pub async fn join_scene(&self, name: &str, scene: &str) -> Peer {
        let mut peer = self.connect().await;
        let answer = peer
            .say(
                "join_game",
                json!({"participant_id": name, "scene_id": scene}),
            )
            .await;
        assert_eq!(answer["ok"], true, "{answer}");
        peer.token = answer["participant_token"].as_str().unwrap().to_owned();
        peer
    }

    /// As many participants as a scene takes, in one game, who have heard that it begins.
    pub async fn group<const N: usize>(&self, scene: &str, names: [&str; N]) -> [Peer; N] {
        let mut peers = Vec::new();
        for name in names {
            peers.push(self.join_scene(name, scene).await);
        }
        for peer in &mut peers {
            peer.seat = peer.expect("pyodide_player_assigned").await;
            peer.expect("pyodide_game_ready").await;
        }
        peers.try_into().unwrap_or_else(|_| unreachable!())
    }

    /// Two participants in one game, who have heard that it begins.
    pub async fn pair(&self, one: &str, other: &str) -> (Peer, Peer) {
        let mut one = self.join(one).await;
        let mut other = self.join(other).await;
        for peer in [&mut one, &mut other] {
            peer.seat = peer.expect("pyodide_player_assigned").await;
            peer.expect("pyodide_game_ready").await;
        }
        (one, other)
    }

    /// Waits until a query finds something. What it waits for happens without anybody being told.
    pub async fn wait_until(&self, sql: &str) {
        self.poll_database(sql, 0).await;
    }

    /// As [`TestServer::wait_until`], with the clock moving on meanwhile.
    pub async fn wait_until_as_time_passes(&self, sql: &str) {
        self.poll_database(sql, 1_000).await;
    }

    async fn poll_database(&self, sql: &str, step_ms: u64) {
        let found = async {
            while self.database.rows(sql).await.is_empty() {
                self.clock.advance(step_ms);
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), found)
            .await
            .unwrap_or_else(|_| panic!("never: {sql}"));
    }

    /// `/healthz`, as a monitor would ask for it.
    pub async fn live_games(&self) -> Value {
        let games = self.state.store.live_games().await.unwrap();
        serde_json::to_value(games).unwrap()
    }
}

/// What a page exports.
pub fn metrics(reason: &str, frame: u64) -> Value {
    json!({"sessionStatus": {
        "isPartial": reason != "normal", "terminationReason": reason,
        "terminationFrame": frame, "completedEpisodes": 0, "terminatedAtTimestamp": 1_700_000_000_000_u64,
    }})
}

#[track_caller]
pub fn assert_refused(answer: &Value, code: &str) {
    assert_eq!(answer["ok"], false, "{answer}");
    assert_eq!(answer["error"]["code"], code, "{answer}");
    assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
}
