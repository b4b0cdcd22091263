//! Of an export only what the server looks at: the rest may be megabytes, is stored as it came, and is nobody's
//! business here.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// What is looked at in the metrics.
const LOOKED_AT: &[&str] = &["gameId", "sessionStatus"];

/// As deep as the parser of all other events goes.
const MAX_DEPTH: usize = 128;

/// The payload of an export.
#[derive(Debug, Default)]
pub(super) struct Sketch<'a> {
    /// With those members of the metrics that are looked at.
    pub(super) payload: Value,
    /// The metrics as they came, if they are an object.
    pub(super) metrics: Option<&'a RawValue>,
}

/// Whether nothing in the text is nested too deeply.
pub(super) fn is_shallow(text: &str) -> bool {
    // The list of the arguments is a level of its own.
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

impl<'de: 'a, 'a> Deserialize<'de> for Sketch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Payload;
        impl<'de> Visitor<'de> for Payload {
            type Value = Sketch<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an export")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sketch<'de>, A::Error> {
                let mut payload = Map::new();
                let mut metrics = None;
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "metrics" => {
                            let raw: &RawValue = map.next_value()?;
                            let is_object = raw.get().starts_with('{');
                            metrics = is_object.then_some(raw);
                            let value = if is_object {
                                looked_at(raw).map_err(A::Error::custom)?
                            } else {
                                serde_json::from_str(raw.get()).map_err(A::Error::custom)?
                            };
                            payload.insert(key, value);
                        }
                        "scene_id" | "export_id" => {
                            payload.insert(key, map.next_value()?);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Sketch {
                    payload: Value::Object(payload),
                    metrics,
                })
            }
        }
        deserializer.deserialize_map(Payload)
    }
}

fn looked_at(metrics: &RawValue) -> serde_json::Result<Value> {
    struct Metrics;
    impl<'de> Visitor<'de> for Metrics {
        type Value = Map<String, Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("metrics")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = Map::new();
            while let Some(key) = map.next_key::<String>()? {
                if LOOKED_AT.contains(&key.as_str()) {
                    found.insert(key, map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    let mut json = serde_json::Deserializer::from_str(metrics.get());
    json.deserialize_map(Metrics).map(Value::Object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sketch(text: &str) -> Sketch<'_> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_looked_at_is_read_and_the_metrics_stay_as_they_came() {
        let text = r#"{ "more": [1], "scene_id": "s", "metrics": {"frames": [1.10, {"gameId": 2}],
            "gameId" : "g", "sessionStatus": {"isPartial": true}}, "export_id": "e"}"#;
        let Sketch { payload, metrics } = sketch(text);
        let expected = json!({
            "scene_id": "s", "export_id": "e",
            "metrics": {"gameId": "g", "sessionStatus": {"isPartial": true}},
        });
        assert_eq!(payload, expected);
        let metrics = metrics.unwrap().get();
        assert!(
            metrics.starts_with(r#"{"frames": [1.10, {"#) && metrics.ends_with("true}}"),
            "{metrics}"
        );
    }

    #[test]
    fn the_last_of_two_counts_and_what_is_no_object_is_shown_as_it_is() {
        let text = r#"{"metrics": {"gameId": 1}, "metrics": {"gameId": 2, "gameId": 3}}"#;
        assert_eq!(sketch(text).payload, json!({"metrics": {"gameId": 3}}));
        let Sketch { payload, metrics } = sketch(r#"{"metrics": [7]}"#);
        assert_eq!(payload, json!({"metrics": [7]}));
        assert!(metrics.is_none());
    }

    #[test]
    fn brackets_in_texts_are_no_nesting() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(is_shallow(&deep(MAX_DEPTH)));
        assert!(!is_shallow(&deep(MAX_DEPTH + 1)));
        assert!(is_shallow(&format!("\"{}\\\"{}\"", deep(200), deep(200))));
    }
}
