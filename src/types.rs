//! What TypeScript is told beyond the types of core: the shapes that only exist at this boundary.

use wasm_bindgen::prelude::*;

use crate::js::{get, record, set};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

#[wasm_bindgen]
extern "C" {
    /// What a page may set when it attaches a session.
    #[wasm_bindgen(typescript_type = "SessionOptions")]
    pub type SessionOptions;

    /// Who wants to play what.
    #[wasm_bindgen(typescript_type = "JoinOptions")]
    pub type JoinOptions;

    /// The answer to a join, once it is there.
    #[wasm_bindgen(typescript_type = "Promise<PageEvent.Joined>")]
    pub type JoinPromise;

    /// The page's own metrics.
    #[wasm_bindgen(typescript_type = "(() => Record<string, unknown>) | null")]
    pub type MetricsSource;

    /// Metrics as they are exported.
    #[wasm_bindgen(typescript_type = "ExportedMetrics")]
    pub type ExportedMetrics;
}

/// What the page is told with `ready`, out of the server's own payload.
pub(crate) fn ready_event(payload: &JsValue) -> JsValue {
    let event = record();
    for (ours, theirs) in [
        ("gameId", "game_id"),
        ("players", "players"),
        ("playerSubjects", "player_subjects"),
        ("sceneMetadata", "scene_metadata"),
    ] {
        set(&event, ours, &get(payload, theirs));
    }
    event
}

#[cfg(test)]
mod tests {
    use stillhere_core::exclusion::{Evidence, Finding, Side};
    use stillhere_core::participant::PageEvent;
    use stillhere_core::time::Millis;
    use tsify::Tsify;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TYPES: &str = include_str!("types.d.ts");

    #[test]
    fn every_event_of_the_session_is_declared_once() {
        let start = TYPES.find("interface SessionEvents").unwrap();
        let events = &TYPES[start..];
        let events = &events[..events.find('}').unwrap()];
        let declared: Vec<&str> = events
            .lines()
            .filter_map(|line| line.trim().split_once(": "))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(declared, PageEvent::NAMES);
    }

    #[test]
    fn evidence_is_declared_as_it_is_written() {
        let evidence = Evidence {
            decided_by: Side::Client,
            decided_at_ms: Millis::ZERO,
            decided_at_timestamp: Millis::ZERO,
            finding: Finding::TabHidden {
                exclude_after_ms: Millis::ZERO,
                hidden_from_ms: Millis::ZERO,
                hidden_ms: Millis::ZERO,
            },
        };
        let written = serde_json::to_value(&evidence).unwrap();
        let declared = [Evidence::DECL, Finding::DECL].concat();
        for key in written.as_object().unwrap().keys() {
            assert!(declared.contains(&format!("{key}: ")), "{key}\n{declared}");
        }
        assert_eq!(Evidence::DECL.matches(": ").count(), 3);
    }
}
