//! The metrics as they are sent: ours, with the game's own data beside them.

use js_sys::Function;
use stillhere_core::ids::{ExportId, SceneId};
use stillhere_core::metrics::MultiplayerMetrics;
use stillhere_core::wire::{ClientEvent, EmitMetrics};
use wasm_bindgen::prelude::*;

use crate::js::{ask, get, item, merge, record, set};
use crate::outbox;
use crate::shared::Shared;
use crate::to_js::to_js;

struct Built {
    export_id: ExportId,
    /// As the socket sends it, while it may.
    metrics: JsValue,
    /// As the outbox keeps it, if it does.
    kept: JsValue,
}

/// The exports that were built, and what goes into the next one.
#[derive(Default)]
pub(crate) struct Exports {
    built: Shared<Vec<Built>>,
    source: Shared<Option<Function>>,
    summaries: Shared<Vec<(u32, JsValue)>>,
}

impl Exports {
    pub(crate) fn set_source(&self, source: Option<Function>) {
        self.source.replace(source);
    }

    /// What the page says of an episode.
    pub(crate) fn add_summary(&self, episode: u32, summary: JsValue) {
        self.summaries
            .with(|summaries| summaries.push((episode, summary)));
    }

    /// A new game begins: nothing of the one before may be said of it.
    pub(crate) fn forget_summaries(&self) {
        self.summaries.take();
    }

    pub(crate) fn clear(&self) {
        for built in self.built.take() {
            outbox::release(built.export_id.as_str());
        }
        self.source.take();
        self.summaries.take();
    }

    /// The metrics with the game's own data beside them, and what was wrong with that.
    pub(crate) fn compose(&self, metrics: &MultiplayerMetrics) -> (JsValue, Option<String>) {
        let ours = to_js(metrics);
        let episodes = get(&ours, "episodes");
        self.summaries.with(|summaries| {
            for (episode, summary) in summaries {
                let episode = item(&episodes, *episode);
                if !episode.is_undefined() {
                    set(&episode, "summary", summary);
                }
            }
        });
        let source = self.source.with(|source| source.clone());
        let (game, fault) = match source.map_or_else(|| Ok(record()), |source| ask(&source)) {
            Ok(game) => (game, None),
            Err(error) => (record(), Some(text_of(&error))),
        };
        // Ours come last: whatever the game calls its own data, it says nothing in our name.
        merge(&game, &ours);
        (game, fault)
    }

    pub(crate) fn keep(&self, export_id: ExportId, metrics: JsValue, kept: JsValue) {
        self.built.with(|built| {
            built.push(Built {
                export_id,
                metrics,
                kept,
            });
        });
    }

    pub(crate) fn forget(&self, export_id: &ExportId) {
        self.built.with(|built| {
            let place = built.iter().position(|built| built.export_id == *export_id);
            place.map(|place| built.swap_remove(place))
        });
    }

    /// An export as the outbox keeps it; `undefined` if it was not built here. It goes up in chunks from now on: the
    /// memory that its plain form takes is not needed any more.
    pub(crate) fn kept(&self, export_id: &ExportId) -> JsValue {
        self.built.with(|built| {
            let mut built = built.iter_mut();
            let found = built.find(|built| built.export_id == *export_id);
            found.map_or(JsValue::UNDEFINED, |built| {
                built.metrics = JsValue::UNDEFINED;
                built.kept.clone()
            })
        })
    }

    /// The event's name and payload for an export that was built.
    pub(crate) fn message(
        &self,
        export_id: &ExportId,
        scene_id: SceneId,
    ) -> Option<(&'static str, JsValue)> {
        let metrics = self.built.with(|built| {
            let found = built.iter().find(|built| built.export_id == *export_id);
            found.map(|built| built.metrics.clone())
        })?;
        let message = EmitMetrics {
            scene_id,
            metrics: (),
            export_id: Some(export_id.clone()),
        };
        let payload = to_js(&message);
        // They are JavaScript's already.
        set(&payload, "metrics", &metrics);
        Some((ClientEvent::EmitMetrics(message).name(), payload))
    }
}

fn text_of(error: &JsValue) -> String {
    get(error, "message")
        .as_string()
        .or_else(|| error.as_string())
        .unwrap_or_default()
}
