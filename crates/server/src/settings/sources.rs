//! Where settings come from: the built-in demo, a TOML file, the environment.

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use figment::value::{Dict, Num, Tag, Value as Found};
use serde_json::{Map, Number, Value};
use stillhere_core::source::{FieldError, FieldErrors};

use super::Settings;
use super::read;

const DEMO: &str = include_str!("demo.toml");
const ENV_PREFIX: &str = "STILLHERE_";

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the configuration file {0} cannot be read ({1}): check the path given to --config")]
    Unreadable(String, std::io::Error),
    /// The file is not TOML.
    #[error("the configuration is not valid TOML ({0}): correct this and start again")]
    Syntax(String),
    /// Settings are wrong.
    #[error("the configuration cannot be used: {0}; correct this and start again")]
    Faults(#[from] FieldErrors),
}

pub(super) fn load(file: Option<&Path>) -> Result<Settings, SettingsError> {
    let mut figment = Figment::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| SettingsError::Unreadable(path.display().to_string(), error))?;
        figment = figment.merge(Toml::string(&text));
    }
    // The environment holds other programs' variables with this prefix too.
    let ours = Env::prefixed(ENV_PREFIX)
        .filter(|key| {
            let key = key.as_str();
            let first = key.split("__").next().unwrap_or(key);
            read::TOP_KEYS
                .iter()
                .any(|known| first.eq_ignore_ascii_case(known))
        })
        .split("__");
    if !has_scenes(&figment)? {
        figment = figment.join(Toml::string(DEMO));
    }
    figment = figment.merge(ours);
    let found: Dict = figment.extract().map_err(|error| syntax(&error))?;
    let mut faults = Vec::new();
    let found = to_json(&Found::Dict(Tag::Default, found), "", &mut faults);
    match read::settings(&found) {
        Ok(settings) if faults.is_empty() => Ok(settings),
        Ok(_) => Err(FieldErrors(faults).into()),
        Err(FieldErrors(more)) => {
            faults.extend(more);
            Err(FieldErrors(faults).into())
        }
    }
}

fn has_scenes(figment: &Figment) -> Result<bool, SettingsError> {
    let found: Dict = figment.extract().map_err(|error| syntax(&error))?;
    Ok(found.contains_key("scenes"))
}

/// The parser draws the place over several lines; one sentence is enough to find it.
fn syntax(error: &figment::Error) -> SettingsError {
    let text = error.to_string();
    let words: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.contains('|'))
        .collect();
    SettingsError::Syntax(words.join(", "))
}

/// JSON has no word for NaN or infinity, which TOML has; they must not turn into `null`, which means off.
fn to_json(found: &Found, key: &str, faults: &mut Vec<FieldError>) -> Value {
    let inner = |name: &str| {
        if key.is_empty() {
            name.to_owned()
        } else {
            format!("{key}.{name}")
        }
    };
    match found {
        Found::String(_, text) => Value::String(text.clone()),
        Found::Char(_, letter) => Value::String(letter.to_string()),
        Found::Bool(_, value) => Value::Bool(*value),
        Found::Num(_, number) => {
            let json = match number {
                Num::F32(value) => Number::from_f64(f64::from(*value)),
                Num::F64(value) => Number::from_f64(*value),
                other => other
                    .to_i128()
                    .and_then(|value| i64::try_from(value).ok())
                    .map(Number::from)
                    .or_else(|| {
                        other
                            .to_u128()
                            .and_then(|value| u64::try_from(value).ok())
                            .map(Number::from)
                    }),
            };
            json.map_or_else(
                || {
                    faults.push(FieldError {
                        key: key.to_owned(),
                        value: Some(shown(*number)),
                        allowed: "a finite number".to_owned(),
                    });
                    // Nothing that a reader could take offence at a second time.
                    Value::Null
                },
                Value::Number,
            )
        }
        Found::Empty(..) => Value::Null,
        Found::Dict(_, dict) => Value::Object(
            dict.iter()
                .map(|(name, value)| (name.clone(), to_json(value, &inner(name), faults)))
                .collect::<Map<String, Value>>(),
        ),
        Found::Array(_, list) => Value::Array(
            list.iter()
                .enumerate()
                .map(|(index, value)| to_json(value, &inner(&index.to_string()), faults))
                .collect(),
        ),
    }
}

fn shown(number: Num) -> String {
    match number {
        Num::F32(value) => value.to_string(),
        Num::F64(value) => value.to_string(),
        _ => "a number out of range".to_owned(),
    }
}
