//! What goes over HTTP where a socket does not work: the last words of a page, and uploads. Ours.

use serde::Serialize;

use crate::ids::{ExportId, Frame, GameId};
use crate::source::{FieldErrors, Fields, Kind, Source};
use crate::time::Millis;

/// Where the last words of a page go.
pub const LAST_STATUS_PATH: &str = "/api/last-status";
/// Where the chunks of an export go; its id comes behind it.
pub const EXPORTS_PATH: &str = "/api/exports/";
/// How many bytes the server has of an export before this chunk.
pub const UPLOAD_OFFSET: &str = "upload-offset";
/// `?1` with the last chunk of an export, `?0` with the others.
pub const UPLOAD_COMPLETE: &str = "upload-complete";

/// The last words of a page that is being closed or reloaded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LastWords {
    /// Proof of who speaks.
    pub participant_token: String,
    /// The game.
    pub game_id: GameId,
    /// The frame that it had reached.
    pub frame_number: Frame,
    /// Finished episodes.
    pub completed_episodes: u64,
    /// For how long the tab had been hidden.
    pub hidden_ms: Millis,
}

impl LastWords {
    /// Reads them.
    ///
    /// # Errors
    /// Every fault of the payload.
    pub fn parse<S: Source>(payload: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(payload, "last-status");
        let participant_token = fields.need_text("participant_token");
        let game_id = fields.need_id("game_id");
        let frame_number = fields.need_frame("frame_number");
        let completed_episodes = fields.need_count("completed_episodes");
        let hidden_ms = fields.need_millis("hidden_ms");
        fields.build(|| {
            Some(Self {
                participant_token,
                game_id: game_id?,
                frame_number,
                completed_episodes,
                hidden_ms,
            })
        })
    }
}

/// The answer to a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UploadAnswer {
    /// The export.
    pub export_id: ExportId,
    /// How many bytes of it the server has: where the next chunk begins.
    pub received: u64,
    /// Whether the whole export is stored.
    pub stored: bool,
    /// Whether it had been stored before.
    pub duplicate: bool,
}

impl UploadAnswer {
    /// Reads the answer.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse<S: Source>(source: &S) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(source, "upload answer");
        let export_id = fields.need_id("export_id");
        let received = fields.need_count("received");
        let mut is_true = |key| fields.flag(key).unwrap_or(false);
        let (stored, duplicate) = (is_true("stored"), is_true("duplicate"));
        fields.build(|| {
            Some(Self {
                export_id: export_id?,
                received,
                stored,
                duplicate,
            })
        })
    }
}

/// Whether an export holds a whole session. One that was written before a reload, or by a page whose seat
/// another tab took, has no end yet: the rest of the session is in a later export.
///
/// MUG's own metrics, whose `sessionStatus` has no such key, are sent at the end only.
#[must_use]
pub fn is_finished<S: Source>(metrics: &S) -> bool {
    metrics
        .field("sessionStatus")
        .filter(|status| status.kind() == Kind::Record)
        .is_none_or(|status| {
            status
                .field("terminatedAtTimestamp")
                .is_none_or(|at| at.kind() != Kind::Null)
        })
}
