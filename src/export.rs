//! The metrics as they are sent: ours, with the game's own data beside them.

use js_sys::{Array, Function, Object};
use stillhere_core::ids::{ExportId, SceneId};
use stillhere_core::metrics::MultiplayerMetrics;
use stillhere_core::wire::{ClientEvent, EmitMetrics};
use wasm_bindgen::prelude::*;

use crate::js::{get, plain_copy, set};
use crate::shared::Shared;
use crate::to_js::to_js;

/// The exports that were built, and what goes into the next one.
#[derive(Default)]
pub(crate) struct Exports {
    built: Shared<Vec<(ExportId, JsValue)>>,
    source: Shared<Option<Function>>,
    summaries: Shared<Vec<(usize, JsValue)>>,
}

impl Exports {
    pub(crate) fn set_source(&self, source: Option<Function>) {
        self.source.replace(source);
    }

    /// What the page says of an episode.
    pub(crate) fn add_summary(&self, episode: usize, summary: JsValue) {
        self.summaries
            .with(|summaries| summaries.push((episode, summary)));
    }

    /// A new game begins: nothing of the one before may be said of it.
    pub(crate) fn forget_summaries(&self) {
        self.summaries.take();
    }

    pub(crate) fn clear(&self) {
        self.built.take();
        self.source.take();
        self.summaries.take();
    }

    /// The metrics with the game's own data beside them, and what was wrong with that.
    pub(crate) fn compose(&self, metrics: &MultiplayerMetrics) -> (Object, Option<String>) {
        let ours = to_js(metrics);
        let episodes: Array = get(&ours, "episodes").unchecked_into();
        self.summaries.with(|summaries| {
            for (episode, summary) in summaries {
                if let Ok(episode) = u32::try_from(*episode)
                    && episode < episodes.length()
                {
                    set(&episodes.get(episode), "summary", summary);
                }
            }
        });
        let (game, fault) = match self.ask_source() {
            Ok(game) => (game, None),
            Err(fault) => (Object::new(), Some(fault)),
        };
        // Ours come last: whatever the game calls its own data, it says nothing in our name.
        Object::assign(&game, ours.unchecked_ref());
        (game, fault)
    }

    fn ask_source(&self) -> Result<Object, String> {
        let Some(source) = self.source.with(|source| source.clone()) else {
            return Ok(Object::new());
        };
        let data = source
            .call0(&JsValue::UNDEFINED)
            .map_err(|error| text_of(&error))?;
        if data.is_instance_of::<js_sys::Promise>() {
            return Err("it returned a promise; the data is needed at once".to_owned());
        }
        let copy = plain_copy(&data).map_err(|error| text_of(&error))?;
        match copy.dyn_into::<Object>() {
            Ok(object) if !Array::is_array(&object) => Ok(object),
            _ => Err("it returned something else than an object".to_owned()),
        }
    }

    pub(crate) fn keep(&self, export_id: ExportId, metrics: Object) {
        self.built
            .with(|built| built.push((export_id, metrics.into())));
    }

    /// The event's name and payload for an export that was built.
    pub(crate) fn message(
        &self,
        export_id: &ExportId,
        scene_id: SceneId,
    ) -> Option<(&'static str, JsValue)> {
        let metrics = self.built.with(|built| {
            let found = built.iter().find(|(id, _)| id == export_id);
            found.map(|(_, metrics)| metrics.clone())
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
