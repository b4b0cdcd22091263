//! The metrics as they are sent: ours, with the game's own data beside them.

use std::mem;

use js_sys::Function;
use stillhere_core::exclusion::PingSample;
use stillhere_core::ids::{ExportId, SceneId};
use stillhere_core::metrics::MultiplayerMetrics;
use stillhere_core::time::Millis;
use stillhere_core::wire::{ClientEvent, EmitMetrics};
use wasm_bindgen::prelude::*;

use crate::js::{get, item, samples, set};
use crate::outbox;
use crate::shared::Shared;
use crate::to_js::to_js;

struct Built {
    export_id: ExportId,
    /// As `js/outbox.js` keeps it.
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

    /// The function of the game; `undefined` if there is none.
    pub(crate) fn source(&self) -> JsValue {
        self.source.with(|source| source.clone()).into()
    }

    /// The metrics as JavaScript's, with what the page said of the episodes.
    pub(crate) fn ours(&self, mut metrics: MultiplayerMetrics) -> JsValue {
        // There may be many, and an object written property by property costs as much as thirty made in the script.
        let samples = columns(&mem::take(&mut metrics.monitor.samples));
        let ours = to_js(&metrics);
        set(&get(&ours, "monitor"), "samples", &samples);
        let episodes = get(&ours, "episodes");
        self.summaries.with(|summaries| {
            for (episode, summary) in summaries {
                let episode = item(&episodes, *episode);
                if !episode.is_undefined() {
                    set(&episode, "summary", summary);
                }
            }
        });
        ours
    }

    pub(crate) fn keep(&self, export_id: ExportId, kept: JsValue) {
        self.built
            .with(|built| built.push(Built { export_id, kept }));
    }

    pub(crate) fn forget(&self, export_id: &ExportId) {
        self.built.with(|built| {
            let place = built.iter().position(|built| built.export_id == *export_id);
            place.map(|place| built.swap_remove(place))
        });
    }

    /// An export as it was built here; else `undefined`.
    pub(crate) fn kept(&self, export_id: &ExportId) -> JsValue {
        self.built.with(|built| {
            let found = built.iter().find(|built| built.export_id == *export_id);
            found.map_or(JsValue::UNDEFINED, |built| built.kept.clone())
        })
    }

    /// The event's name and payload for an export that was built.
    pub(crate) fn message(
        &self,
        export_id: &ExportId,
        scene_id: SceneId,
    ) -> Option<(&'static str, JsValue)> {
        let metrics = outbox::plain(&self.kept(export_id));
        if metrics.is_undefined() {
            return None;
        }
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

fn columns(list: &[PingSample]) -> JsValue {
    let mut numbers = Vec::with_capacity(list.len() * 6);
    for sample in list {
        numbers.extend([
            sample.seq.map_or(f64::NAN, |seq| seq as f64),
            sample.sent_ms.as_f64(),
            sample.rtt_ms.map_or(f64::NAN, Millis::as_f64),
            sample.stalled_ms.as_f64(),
            f64::from(sample.origin as u8),
            f64::from(u8::from(sample.judged)),
        ]);
    }
    samples(&numbers)
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use js_sys::JSON;
    use stillhere_core::exclusion::PingOrigin;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn samples_are_written_as_any_other_value() {
        let sample = PingSample {
            seq: Some(0),
            sent_ms: Millis::new(12.25),
            rtt_ms: Some(Millis::new(40.5)),
            stalled_ms: Millis::new(3.0),
            origin: PingOrigin::Socket,
            judged: true,
        };
        let other = PingSample {
            seq: None,
            rtt_ms: None,
            origin: PingOrigin::Frontend,
            judged: false,
            ..sample
        };
        for list in [vec![], vec![sample, other]] {
            let text = |value: &JsValue| JSON::stringify(value).unwrap().as_string();
            assert_eq!(text(&columns(&list)), text(&to_js(&list)));
        }
    }
}
