//! What a game knows of its scene.

use serde::{Deserialize, Serialize};

use crate::ids::SceneId;
use crate::time::Millis;

/// What becomes of a game when one of its participants is gone for good: excluded, lost, or left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExclusion {
    /// It ends for everybody.
    #[default]
    End,
    /// The others play on while there are enough of them.
    Continue,
}

/// What a game needs to know of its scene. Stored with the game: a change of the settings does not
/// change games that are under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GameSettings {
    /// The scene.
    pub scene: SceneId,
    /// How many play; 2 or more.
    pub players: usize,
    /// How long a participant waits for the others at most.
    pub waiting_room_timeout: Millis,
    /// How long a lost socket may take to come back.
    pub reconnect_grace: Millis,
    /// How long the data of a participant is waited for.
    pub export_ack_timeout: Millis,
    /// Whether the others play on when one is gone.
    pub on_exclusion: OnExclusion,
    /// With fewer than so many the game ends, whatever [`GameSettings::on_exclusion`] says.
    pub min_players: usize,
}
