//! The configuration: what is played, by how many, and where they go afterwards.

mod read;
mod sources;
mod storage;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use stillhere_core::config::MonitorConfig;
use stillhere_core::ids::SceneId;
use stillhere_core::session::{GameSettings, OnExclusion, Outcome};
use stillhere_core::time::Millis;

use crate::cluster::RedisUrl;
use crate::origins::AllowedOrigin;

pub use sources::SettingsError;
pub use storage::Storage;

/// The largest `emit_multiplayer_metrics` that is accepted, in bytes of JSON.
pub const MAX_EXPORT_BYTES: usize = 8 * 1024 * 1024;
/// The largest other event that is accepted, in bytes of JSON.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Everything that a researcher can set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The experiment's name; games of another one in the same data directory are left alone.
    pub experiment_id: String,
    /// Where games and data are kept.
    pub storage: Storage,
    /// What carries actions between partners on different servers.
    pub redis: Option<RedisUrl>,
    /// What is played by those who ask for nothing in particular.
    pub default_scene: SceneId,
    /// Whose pages may use this server besides its own.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// Whoever asks for `/metrics` has to say this as a bearer token; `None`: only this machine may ask.
    pub metrics_token: Option<String>,
    /// What can be played.
    pub scenes: BTreeMap<SceneId, SceneSettings>,
    /// What looks like a monitoring key and is none; ignored, and said once.
    pub unknown_keys: Vec<String>,
}

/// One scene.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneSettings {
    /// How many play.
    pub players: usize,
    /// Whether the others play on when one is gone for good: excluded, lost, or left.
    pub on_exclusion: OnExclusion,
    /// With fewer than so many the game ends all the same.
    pub min_players: usize,
    /// How long a participant waits for the others at most.
    pub waiting_room_timeout: Millis,
    /// What a participant reads when nobody came.
    pub waiting_room_timeout_message: String,
    /// What the page receives as `scene_metadata`.
    pub metadata: Map<String, Value>,
    /// How participants are watched, as the metadata says.
    pub monitor: MonitorConfig,
    /// Where participants go afterwards, by the name of their outcome, or `default`.
    pub redirects: BTreeMap<String, RedirectTarget>,
}

/// Where a participant goes after the game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectTarget {
    /// With placeholders `{participant_id}`, `{completion_code}`, `{outcome}`.
    pub url: String,
    /// How long the page waits before it goes there.
    pub delay_ms: u64,
    /// The same code for everybody; `None`: a random one for each.
    pub completion_code: Option<String>,
}

impl Settings {
    /// Reads the configuration file, if there is one, and the environment (`STILLHERE_…`, `__` between
    /// levels, as in `STILLHERE_SCENES__GRID__PLAYERS`), which wins.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        sources::load(file)
    }

    /// The settings of a scene, the default one if none is named.
    #[must_use]
    pub fn scene<'a>(
        &'a self,
        asked: Option<&'a SceneId>,
    ) -> Option<(&'a SceneId, &'a SceneSettings)> {
        self.scenes
            .get_key_value(asked.unwrap_or(&self.default_scene))
    }

    /// Where a participant of a scene goes with an outcome.
    #[must_use]
    pub fn redirect(&self, scene: &SceneId, outcome: &str) -> Option<&RedirectTarget> {
        let redirects = &self.scenes.get(scene)?.redirects;
        redirects.get(outcome).or_else(|| redirects.get("default"))
    }

    /// The completion code that is the same for everybody with an outcome, if one is set.
    #[must_use]
    pub fn fixed_completion_code(&self, scene: &SceneId, outcome: Outcome) -> Option<&str> {
        self.redirect(scene, outcome.as_str())?
            .completion_code
            .as_deref()
    }
}

impl SceneSettings {
    /// What a game of this scene is begun with.
    #[must_use]
    pub fn game_settings(&self, scene: &SceneId) -> GameSettings {
        GameSettings {
            scene: scene.clone(),
            players: self.players,
            waiting_room_timeout: self.waiting_room_timeout,
            reconnect_grace: self.monitor.reconnect_grace,
            export_ack_timeout: self.monitor.export_ack_timeout,
            on_exclusion: self.on_exclusion,
            min_players: self.min_players,
        }
    }
}
