//! Reads and checks the settings; every fault is reported, not only the first.

use std::collections::BTreeMap;

use axum::http::Uri;
use serde_json::{Map, Value};
use stillhere_core::config::{MonitorConfig, ParsedConfig};
use stillhere_core::ids::SceneId;
use stillhere_core::session::{OnExclusion, Outcome};
use stillhere_core::source::{FieldError, FieldErrors, Fields};
use stillhere_core::time::Millis;

use super::storage::{redis, storage};
use super::{RedirectTarget, SceneSettings, Settings};
use crate::origins::AllowedOrigin;
use crate::redirect;

pub(super) const TOP_KEYS: &[&str] = &[
    "experiment_id",
    "default_scene",
    "allowed_origins",
    "metrics_token",
    "storage",
    "cluster",
    "scenes",
];
const SCENE_KEYS: &[&str] = &[
    "players",
    "on_exclusion",
    "min_players",
    "waiting_room_timeout_ms",
    "waiting_room_timeout_message",
    "metadata",
    "redirects",
];
const REDIRECT_KEYS: &[&str] = &["url", "delay_ms", "completion_code"];
/// TOML has no null: for these, `"off"` says it.
const SWITCHES: &[&str] = &[
    "continuous_max_ping",
    "continuous_tab_warning_ms",
    "continuous_tab_exclude_ms",
    "silence_exclude_ms",
    "focus_loss_timeout_ms",
];

const MAX_PLAYERS: u64 = 64;
const MIN_METRICS_TOKEN: usize = 16;
/// Alone it is another game.
const MIN_PLAYERS: u64 = 2;
const DEFAULT_WAITING_MS: f64 = 300_000.0;
const DEFAULT_DELAY_MS: u64 = 5_000;
const DEFAULT_WAITING_MESSAGE: &str =
    "We are sorry: nobody else came to play with you in time. Thank you for waiting.";

type Reader<'a> = Fields<&'a Value>;

pub(super) fn settings(found: &Value) -> Result<Settings, FieldErrors> {
    let mut fields = Fields::of(&found, "configuration");
    let mut faults = Vec::new();
    let mut unknown_keys = Vec::new();
    only_known(&mut fields, TOP_KEYS);
    let experiment_id =
        identifier(&mut fields, "experiment_id").unwrap_or_else(|| "demo".to_owned());
    let allowed_origins = allowed_origins(&mut fields);
    let metrics_token = metrics_token(&mut fields);
    let storage = storage(&mut fields, &mut faults);
    let redis = redis(&mut fields, &storage, &mut faults);
    let mut scenes = BTreeMap::new();
    fields.record("scenes", |inner| {
        for name in inner.keys() {
            let Ok(id) = SceneId::try_from(name.as_str()) else {
                inner.refuse(&name, "a scene under a name of 1 to 128 characters");
                continue;
            };
            inner.record(&name, |fields| {
                let prefix = format!("scenes.{name}.metadata.");
                let scene = scene(fields, &prefix, &mut faults, &mut unknown_keys);
                scenes.insert(id, scene);
            });
        }
    });
    if scenes.is_empty() {
        fields.refuse("scenes", "at least one scene, as in [scenes.grid]");
    }
    let default_scene = fields.id::<SceneId>("default_scene");
    match &default_scene {
        Some(scene) if !scenes.contains_key(scene) => {
            fields.refuse("default_scene", &format!("one of {}", names(&scenes)));
        }
        None if scenes.len() > 1 && fields.given("default_scene").is_none() => {
            fields.refuse("default_scene", &format!("one of {}", names(&scenes)));
        }
        _ => {}
    }
    let default_scene = default_scene.or_else(|| scenes.keys().next().cloned());
    let settings = default_scene.map(|default_scene| Settings {
        experiment_id,
        storage,
        redis,
        default_scene,
        allowed_origins,
        metrics_token,
        scenes,
        unknown_keys,
    });
    match fields.build(|| settings) {
        Ok(settings) if faults.is_empty() => Ok(settings),
        Ok(_) => Err(FieldErrors(faults)),
        Err(FieldErrors(mut all)) => {
            all.extend(faults);
            Err(FieldErrors(all))
        }
    }
}

fn allowed_origins(fields: &mut Reader) -> Vec<AllowedOrigin> {
    let Some(found) = fields.given("allowed_origins") else {
        return Vec::new();
    };
    let read = found.as_array().and_then(|list| {
        list.iter()
            .map(|origin| AllowedOrigin::parse(origin.as_str()?))
            .collect()
    });
    read.unwrap_or_else(|| {
        fields.refuse(
            "allowed_origins",
            &format!("a list of origins, each {}", AllowedOrigin::ALLOWED),
        );
        Vec::new()
    })
}

/// One that can be guessed protects nothing.
fn metrics_token(fields: &mut Reader) -> Option<String> {
    let found = fields.given("metrics_token")?;
    let token = found.as_str().filter(|text| {
        text.len() >= MIN_METRICS_TOKEN && text.bytes().all(|b| b.is_ascii_graphic())
    });
    if token.is_none() {
        fields.refuse(
            "metrics_token",
            &format!("a text of at least {MIN_METRICS_TOKEN} ASCII characters without spaces"),
        );
    }
    token.map(str::to_owned)
}

fn scene(
    fields: &mut Reader,
    metadata_prefix: &str,
    faults: &mut Vec<FieldError>,
    unknown_keys: &mut Vec<String>,
) -> SceneSettings {
    only_known(fields, SCENE_KEYS);
    let players = fields.count("players").unwrap_or(2);
    if !(2..=MAX_PLAYERS).contains(&players) {
        fields.refuse(
            "players",
            &format!("a whole number from 2 to {MAX_PLAYERS}"),
        );
    }
    let on_exclusion = fields
        .word(
            "on_exclusion",
            &[
                ("end", OnExclusion::End),
                ("continue", OnExclusion::Continue),
            ],
        )
        .unwrap_or_default();
    let min_players = fields.count("min_players").unwrap_or(MIN_PLAYERS);
    if !(1..=players).contains(&min_players) {
        fields.refuse(
            "min_players",
            "a whole number from 1 to the scene's `players`",
        );
    }
    let waiting_room_timeout = match fields
        .given("waiting_room_timeout_ms")
        .map(serde_json::Value::as_f64)
    {
        None => Millis::new(DEFAULT_WAITING_MS),
        Some(Some(ms)) if ms > 0.0 => Millis::new(ms),
        Some(_) => {
            fields.refuse(
                "waiting_room_timeout_ms",
                "a number of milliseconds above 0",
            );
            Millis::new(DEFAULT_WAITING_MS)
        }
    };
    let metadata = metadata(fields);
    let monitor = match MonitorConfig::parse(&&Value::Object(metadata.clone())) {
        Ok(ParsedConfig {
            config,
            unknown_keys: unknown,
        }) => {
            unknown_keys.extend(
                unknown
                    .into_iter()
                    .map(|key| format!("{metadata_prefix}{key}")),
            );
            config
        }
        Err(FieldErrors(errors)) => {
            faults.extend(errors.into_iter().map(|error| FieldError {
                key: format!("{metadata_prefix}{}", error.key),
                ..error
            }));
            MonitorConfig::default()
        }
    };
    let waiting_room_timeout_message = fields
        .text("waiting_room_timeout_message")
        .unwrap_or_else(|| DEFAULT_WAITING_MESSAGE.to_owned());
    let mut redirects = BTreeMap::new();
    fields.record("redirects", |inner| {
        for outcome in inner.keys() {
            if outcome != "default" && !Outcome::NAMES.contains(&outcome.as_str()) {
                let known = Outcome::NAMES.join(", ");
                inner.refuse(&outcome, &format!("a table under one of {known}, default"));
                continue;
            }
            if let Some(target) = redirect_target(inner, &outcome) {
                redirects.insert(outcome, target);
            }
        }
    });
    SceneSettings {
        players: usize::try_from(players).unwrap_or(2),
        on_exclusion,
        min_players: usize::try_from(min_players).unwrap_or(2),
        waiting_room_timeout,
        waiting_room_timeout_message,
        metadata,
        monitor,
        redirects,
    }
}

fn metadata(fields: &mut Reader) -> Map<String, Value> {
    let Some(found) = fields.given("metadata") else {
        return Map::new();
    };
    let Some(found) = found.as_object() else {
        fields.refuse("metadata", "a table");
        return Map::new();
    };
    let mut metadata = found.clone();
    for key in SWITCHES {
        if let Some(value) = metadata.get_mut(*key)
            && *value == "off"
        {
            *value = Value::Null;
        }
    }
    metadata
}

fn redirect_target(fields: &mut Reader, outcome: &str) -> Option<RedirectTarget> {
    let mut target = None;
    fields.record(outcome, |fields| {
        only_known(fields, REDIRECT_KEYS);
        let url = fields.need_text("url");
        if !url.is_empty()
            && let Err(allowed) = check_url(&url)
        {
            fields.refuse("url", &allowed);
        }
        target = Some(RedirectTarget {
            url,
            delay_ms: fields.count("delay_ms").unwrap_or(DEFAULT_DELAY_MS),
            completion_code: identifier(fields, "completion_code"),
        });
    });
    target
}

/// A page is sent there: nothing but the web, and no way to name another host by a path.
fn check_url(url: &str) -> Result<(), String> {
    let example = redirect::fill(url, |_| Some("x")).map_err(|unknown| {
        format!(
            "an address whose only placeholders are {}, not {{{unknown}}}",
            redirect::PLACEHOLDERS
                .map(|name| format!("{{{name}}}"))
                .join(", ")
        )
    })?;
    let is_path = example.starts_with('/') && !example[1..].starts_with(['/', '\\']);
    let is_web = ["http://", "https://"]
        .iter()
        .any(|scheme| example.starts_with(scheme));
    let can_be_read = example
        .parse::<Uri>()
        .is_ok_and(|uri| is_path || uri.host().is_some_and(|host| !host.is_empty()));
    if (is_path || is_web) && can_be_read {
        Ok(())
    } else {
        Err("an address that begins with https:// or http://, or with / on this server".to_owned())
    }
}

fn identifier(fields: &mut Reader, key: &str) -> Option<String> {
    // Any text that can be a scene's name can be this.
    fields.id::<SceneId>(key).map(String::from)
}

pub(super) fn only_known(fields: &mut Reader, known: &[&str]) {
    for key in fields.keys() {
        if !known.contains(&key.as_str()) {
            fields.refuse(&key, &format!("one of the settings {}", known.join(", ")));
        }
    }
}

fn names(scenes: &BTreeMap<SceneId, SceneSettings>) -> String {
    scenes
        .keys()
        .map(|scene| format!("\"{scene}\""))
        .collect::<Vec<_>>()
        .join(", ")
}
