//! `docs/DATA.md` names every key of the exported metrics, and no other.

use std::collections::BTreeSet;

use crate::world::{World, settings};
use serde_json::{Value, json};
use stillhere_core::participant::ParticipantInput;
use stillhere_core::session::{GameSettings, OnExclusion};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DATA: &str = include_str!("../../../../docs/DATA.md");

/// Every key of a value as a path: `a.b`, and `a[].b` below a list.
fn paths(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(record) => {
            for (key, value) in record {
                let path = if prefix.is_empty() {
                    key.clone()
                } else {
                    format!("{prefix}.{key}")
                };
                found.insert(path.clone());
                paths(value, &path, found);
            }
        }
        Value::Array(list) => {
            for value in list {
                paths(value, &format!("{prefix}[]"), found);
            }
        }
        _ => {}
    }
}

/// The first cell of each row of the table of metrics.
fn documented() -> BTreeSet<String> {
    DATA.lines()
        .skip_while(|line| *line != "## Exported metrics")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

/// A session in which everything happened that leaves a trace, once for each rule.
fn everything() -> BTreeSet<String> {
    let metadata = json!({
        "continuous_monitoring_enabled": true,
        "continuous_max_ping": 100,
        "continuous_tab_exclude_ms": 3_000,
        "has_continuous_callback": true,
    });
    let mut found = BTreeSet::new();
    for rule in ["tab", "ping", "callback"] {
        let mut world = World::playing(2, metadata.clone(), 1);
        world.say(0, ParticipantInput::EpisodeStarted);
        world.say(0, ParticipantInput::Blurred);
        world.run(1_000);
        world.say(0, ParticipantInput::Focused);
        match rule {
            "tab" => world.hide(0),
            "ping" => world.weather.delay = 400,
            _ => {
                world.frame(0, 30);
                world.run(100);
                let payload =
                    json!({"exclude": true, "warn": false, "message": "no", "request_id": 0});
                let name = "continuous_callback_result";
                world.say(
                    0,
                    ParticipantInput::Event {
                        name,
                        payload: &payload,
                    },
                );
            }
        }
        world.run(12_000);
        let metrics = world.export_of(0);
        assert_ne!(metrics["monitor"]["exclusion"], Value::Null, "{rule}");
        paths(metrics, "", &mut found);
    }
    let rules = GameSettings {
        on_exclusion: OnExclusion::Continue,
        min_players: 2,
        ..settings(3)
    };
    let mut world = World::with(rules, metadata, 1);
    world.everybody_joins();
    world.hide(0);
    world.run(4_000);
    world.say(1, ParticipantInput::Complete);
    world.run(1_000);
    paths(world.export_of(1), "", &mut found);
    found
}

#[test]
fn every_exported_key_is_in_the_data_dictionary_and_no_other() {
    let exported = everything();
    // What the frontend adds of its own is described in prose.
    let documented: BTreeSet<String> = documented();
    let missing: Vec<_> = exported.difference(&documented).collect();
    assert!(missing.is_empty(), "not in docs/DATA.md: {missing:?}");
    let stale: Vec<_> = documented.difference(&exported).collect();
    assert!(
        stale.is_empty(),
        "in docs/DATA.md and never exported: {stale:?}"
    );
}
