//! The researcher's settings. They arrive as scene metadata, under the names that MUG gave them.

use serde::Serialize;

use crate::source::{FieldErrors, Fields, Kind, Source, text};
use crate::time::Millis;

/// How many of the judged samples must be over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify), tsify(missing_as_null))]
pub enum PingRuleKind {
    /// The last M distinct samples, all of them.
    Consecutive,
    /// M of the last N distinct samples.
    WithinWindow,
}

/// The sustained-ping rule's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct PingConfig {
    /// A round trip above this is a violation; `None` switches the rule off.
    pub max: Option<Millis>,
    /// N: how many of the latest samples are looked at.
    pub window: usize,
    /// M: how many violations exclude.
    pub required: usize,
    /// How the M violations must lie among the N samples.
    pub rule: PingRuleKind,
    /// The time from one ping to the next.
    pub interval: Millis,
    /// A ping unanswered for this long is a violation.
    pub timeout: Millis,
}

/// The hidden-tab rule's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct TabConfig {
    /// Hidden for this long warns; `None` switches the warning off.
    pub warn_after: Option<Millis>,
    /// Hidden for this long excludes; `None` switches the exclusion off.
    pub exclude_after: Option<Millis>,
}

/// What participants are told; `None` is the built-in text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExclusionMessages {
    /// Banner after one slow sample.
    pub ping_warning: Option<String>,
    /// Overlay of a participant excluded for sustained ping.
    pub ping_exclude: Option<String>,
    /// Banner while or after the tab was hidden.
    pub tab_warning: Option<String>,
    /// Overlay of a participant excluded for a hidden tab.
    pub tab_exclude: Option<String>,
}

/// Everything that decides how a participant is watched during play.
///
/// ```
/// # #[cfg(feature = "json")] {
/// use stillhere_core::config::MonitorConfig;
/// let metadata = serde_json::json!({
///     "continuous_monitoring_enabled": true,
///     "continuous_max_ping": 200,
///     "continuous_tab_exclude_ms": null,
/// });
/// let parsed = MonitorConfig::parse(&&metadata).unwrap();
/// assert_eq!(parsed.config.tab.exclude_after, None);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorConfig {
    /// Whether anything is judged at all. Telemetry is kept either way.
    pub enabled: bool,
    /// The sustained-ping rule.
    pub ping: PingConfig,
    /// The hidden-tab rule.
    pub tab: TabConfig,
    /// What participants are told.
    pub messages: ExclusionMessages,
    /// Ask the researcher's own rule every so many frames; `None` if there is none.
    pub callback_interval_frames: Option<u64>,
    /// A tab hidden for this long ends the session as `focus_loss_timeout`; `None` switches it off.
    pub focus_loss_timeout: Option<Millis>,
    /// What a participant is told whose session ended that way.
    pub focus_loss_message: Option<String>,
    /// What a participant is told whose partner's connection was lost.
    pub partner_disconnect_message: Option<String>,
    /// How long a lost socket may take to come back.
    pub reconnect_grace: Millis,
    /// No sign of life for this long, though connected, excludes; `None` switches the rule off.
    pub silence_exclude: Option<Millis>,
    /// Whether a page that never answers the server's probes is judged by that. `false` for pages
    /// that do not know probes: they are judged by them only from the first answer on.
    pub presence_required: bool,
    /// How long the server waits for a participant's export.
    pub export_ack_timeout: Millis,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            ping: PingConfig {
                max: None,
                window: 5,
                required: 3,
                rule: PingRuleKind::Consecutive,
                interval: Millis::new(1_000.0),
                timeout: Millis::new(5_000.0),
            },
            tab: TabConfig {
                warn_after: Some(Millis::new(3_000.0)),
                exclude_after: Some(Millis::new(10_000.0)),
            },
            messages: ExclusionMessages::default(),
            callback_interval_frames: None,
            focus_loss_timeout: None,
            focus_loss_message: None,
            partner_disconnect_message: None,
            reconnect_grace: Millis::new(5_000.0),
            silence_exclude: Some(Millis::new(15_000.0)),
            presence_required: true,
            export_ack_timeout: Millis::new(10_000.0),
        }
    }
}

/// Settings that were read, and what was passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedConfig {
    /// The settings.
    pub config: MonitorConfig,
    /// Keys that look like ours and are not known. They are ignored; say so once in the log.
    pub unknown_keys: Vec<String>,
}

const KEYS: &[&str] = &[
    "continuous_monitoring_enabled",
    "continuous_max_ping",
    "continuous_ping_violation_window",
    "continuous_ping_required_violations",
    "continuous_tab_warning_ms",
    "continuous_tab_exclude_ms",
    "continuous_exclusion_messages",
    "continuous_callback_interval_frames",
    "has_continuous_callback",
    "focus_loss_timeout_ms",
    "focus_loss_message",
    "partner_disconnect_message",
    "ping_interval_ms",
    "ping_timeout_ms",
    "ping_rule",
    "reconnect_grace_ms",
    "silence_exclude_ms",
    "presence_required",
    "export_ack_timeout_ms",
];

const MESSAGE_KEYS: &[&str] = &[
    "ping",
    "ping_warning",
    "ping_exclude",
    "tab_warning",
    "tab_exclude",
];

/// Scene metadata holds the game's own keys too; only these beginnings are taken for ours.
const OUR_PREFIXES: &[&str] = &[
    "continuous_",
    "has_continuous_",
    "ping_",
    "focus_loss_",
    "reconnect_",
    "silence_",
    "presence_",
    "export_ack_",
];

const POSITIVE: &str = "a number of milliseconds above 0";
const POSITIVE_OR_OFF: &str = "a number of milliseconds above 0, or null for off";

impl MonitorConfig {
    /// Reads the settings from scene metadata. Absent keys keep their default, `null` disables.
    ///
    /// # Errors
    /// Every impossible value at once, each with its key and what is allowed.
    pub fn parse<S: Source>(metadata: &S) -> Result<ParsedConfig, FieldErrors> {
        let default = Self::default();
        let mut fields = Fields::of(metadata, "scene_metadata");
        let mut unknown_keys = unknown_among(&fields.keys(), "");

        let ping = read_ping(&mut fields, &default.ping);
        let tab = read_tab(&mut fields, &default.tab);
        let mut messages = ExclusionMessages::default();
        fields.record("continuous_exclusion_messages", |inner| {
            unknown_keys.extend(
                inner
                    .keys()
                    .into_iter()
                    .filter(|key| !MESSAGE_KEYS.contains(&key.as_str()))
                    .map(|key| text(&["continuous_exclusion_messages.", &key])),
            );
            let short = inner.text("ping");
            messages = ExclusionMessages {
                ping_warning: inner.text("ping_warning"),
                ping_exclude: inner.text("ping_exclude").or(short),
                tab_warning: inner.text("tab_warning"),
                tab_exclude: inner.text("tab_exclude"),
            };
        });
        let interval_frames = at_least_one(&mut fields, "continuous_callback_interval_frames", 30);
        let has_callback = fields.flag("has_continuous_callback").unwrap_or(false);
        // MUG switches this one off with 0; scenes written for it must go on working.
        let focus_loss_timeout = match fields
            .given("focus_loss_timeout_ms")
            .map(|value| value.kind())
        {
            Some(Kind::Number(0.0)) => None,
            _ => threshold(
                &mut fields,
                "focus_loss_timeout_ms",
                default.focus_loss_timeout,
            ),
        };

        let config = Self {
            enabled: fields
                .flag("continuous_monitoring_enabled")
                .unwrap_or(default.enabled),
            ping,
            tab,
            messages,
            callback_interval_frames: has_callback.then_some(interval_frames as u64),
            focus_loss_timeout,
            focus_loss_message: fields.text("focus_loss_message"),
            partner_disconnect_message: fields.text("partner_disconnect_message"),
            reconnect_grace: duration(&mut fields, "reconnect_grace_ms", default.reconnect_grace),
            silence_exclude: threshold(&mut fields, "silence_exclude_ms", default.silence_exclude),
            presence_required: fields
                .flag("presence_required")
                .unwrap_or(default.presence_required),
            export_ack_timeout: duration(
                &mut fields,
                "export_ack_timeout_ms",
                default.export_ack_timeout,
            ),
        };
        fields.finish(ParsedConfig {
            config,
            unknown_keys,
        })
    }
}

fn unknown_among(keys: &[String], prefix: &str) -> Vec<String> {
    keys.iter()
        .filter(|key| OUR_PREFIXES.iter().any(|ours| key.starts_with(ours)))
        .filter(|key| !KEYS.contains(&key.as_str()))
        .map(|key| text(&[prefix, key]))
        .collect()
}

fn read_ping<S: Source>(fields: &mut Fields<S>, default: &PingConfig) -> PingConfig {
    let window = at_least_one(fields, "continuous_ping_violation_window", default.window);
    let required = at_least_one(
        fields,
        "continuous_ping_required_violations",
        default.required,
    );
    if required > window {
        fields.refuse(
            "continuous_ping_required_violations",
            &text(&[
                "a whole number from 1 to continuous_ping_violation_window, which is ",
                &window.to_string(),
            ]),
        );
    }
    let rule = fields
        .word(
            "ping_rule",
            &[
                ("consecutive", PingRuleKind::Consecutive),
                ("within_window", PingRuleKind::WithinWindow),
            ],
        )
        .unwrap_or(default.rule);
    PingConfig {
        max: threshold(fields, "continuous_max_ping", default.max),
        window,
        required,
        rule,
        interval: duration(fields, "ping_interval_ms", default.interval),
        timeout: duration(fields, "ping_timeout_ms", default.timeout),
    }
}

fn read_tab<S: Source>(fields: &mut Fields<S>, default: &TabConfig) -> TabConfig {
    let exclude_after = threshold(fields, "continuous_tab_exclude_ms", default.exclude_after);
    let mut warn_after = threshold(fields, "continuous_tab_warning_ms", default.warn_after);
    if let (Some(warn), Some(exclude)) = (warn_after, exclude_after)
        && warn >= exclude
    {
        if fields.raw("continuous_tab_warning_ms").is_some() {
            fields.refuse(
                "continuous_tab_warning_ms",
                "a number of milliseconds below continuous_tab_exclude_ms, or null for off",
            );
        } else {
            // The researcher chose a short exclusion and said nothing of the warning.
            warn_after = Some(Millis::new(exclude.as_f64() / 2.0));
        }
    }
    TabConfig {
        warn_after,
        exclude_after,
    }
}

fn above_zero(kind: &Kind) -> Option<Millis> {
    match kind {
        Kind::Number(ms) if ms.is_finite() && *ms > 0.0 => Some(Millis::new(*ms)),
        _ => None,
    }
}

/// A threshold: absent keeps the default, `null` is off.
fn threshold<S: Source>(
    fields: &mut Fields<S>,
    key: &str,
    default: Option<Millis>,
) -> Option<Millis> {
    let Some(value) = fields.raw(key) else {
        return default;
    };
    let kind = value.kind();
    if kind == Kind::Null {
        return None;
    }
    let given = above_zero(&kind);
    if given.is_none() {
        fields.refuse(key, POSITIVE_OR_OFF);
    }
    given
}

/// A duration that cannot be switched off.
fn duration<S: Source>(fields: &mut Fields<S>, key: &str, default: Millis) -> Millis {
    let Some(value) = fields.given(key) else {
        return default;
    };
    above_zero(&value.kind()).unwrap_or_else(|| {
        fields.refuse(key, POSITIVE);
        default
    })
}

/// More than a participant can ever produce, and small enough to count with anywhere.
const MAX_COUNT: f64 = 1_000_000.0;

fn at_least_one<S: Source>(fields: &mut Fields<S>, key: &str, default: usize) -> usize {
    let Some(value) = fields.given(key) else {
        return default;
    };
    match value.kind() {
        Kind::Number(count) if count.fract() == 0.0 && (1.0..=MAX_COUNT).contains(&count) => {
            count as usize
        }
        _ => {
            fields.refuse(key, "a whole number from 1 to 1000000");
            default
        }
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use serde_json::json;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn errors_of(metadata: &serde_json::Value) -> Vec<String> {
        match MonitorConfig::parse(&metadata) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn an_empty_scene_gets_the_documented_defaults() {
        let parsed = MonitorConfig::parse(&&json!({})).unwrap();
        assert_eq!(parsed.config, MonitorConfig::default());
    }

    #[test]
    fn null_disables_each_threshold() {
        let parsed = MonitorConfig::parse(&&json!({
            "continuous_max_ping": null,
            "continuous_tab_warning_ms": null,
            "continuous_tab_exclude_ms": null,
            "silence_exclude_ms": null,
            "focus_loss_timeout_ms": 0,
        }))
        .unwrap();
        assert_eq!(parsed.config.ping.max, None);
        assert_eq!(
            parsed.config.tab,
            TabConfig {
                warn_after: None,
                exclude_after: None
            }
        );
        assert_eq!(parsed.config.silence_exclude, None);
        assert_eq!(parsed.config.focus_loss_timeout, None);
    }

    #[test]
    fn every_impossible_value_is_named_at_once() {
        let errors = errors_of(&json!({
            "continuous_max_ping": -3,
            "continuous_ping_violation_window": 2,
            "continuous_ping_required_violations": 3,
            "continuous_tab_warning_ms": 9000,
            "continuous_tab_exclude_ms": 5000,
            "continuous_exclusion_messages": {"tab_warning": 7},
            "ping_rule": "sometimes",
            "ping_interval_ms": 0,
            "continuous_callback_interval_frames": 0,
        }));
        assert_eq!(
            errors,
            [
                "`continuous_ping_required_violations` is 3, allowed is a whole number from 1 to \
                 continuous_ping_violation_window, which is 2",
                "`ping_rule` is \"sometimes\", allowed is \"consecutive\" or \"within_window\"",
                "`continuous_max_ping` is -3, allowed is a number of milliseconds above 0, or null for off",
                "`ping_interval_ms` is 0, allowed is a number of milliseconds above 0",
                "`continuous_tab_warning_ms` is 9000, allowed is a number of milliseconds below \
                 continuous_tab_exclude_ms, or null for off",
                "`continuous_exclusion_messages.tab_warning` is 7, allowed is text",
                "`continuous_callback_interval_frames` is 0, allowed is a whole number from 1 to 1000000",
            ]
        );
    }

    #[test]
    fn metadata_that_is_no_object_is_one_fault() {
        assert_eq!(
            errors_of(&json!([1])),
            ["`scene_metadata` is [1], allowed is an object"]
        );
    }

    #[test]
    fn unknown_keys_of_ours_are_reported_and_the_games_own_are_not() {
        let parsed = MonitorConfig::parse(&&json!({
            "continuous_max_pings": 100,
            "episodes": 2,
            "continuous_exclusion_messages": {"pin": "x"},
        }))
        .unwrap();
        assert_eq!(
            parsed.unknown_keys,
            ["continuous_max_pings", "continuous_exclusion_messages.pin"]
        );
    }

    #[test]
    fn the_short_key_ping_is_ping_exclude() {
        let parsed = MonitorConfig::parse(&&json!({
            "continuous_exclusion_messages": {"ping": "Too slow, sorry."},
        }))
        .unwrap();
        assert_eq!(
            parsed.config.messages.ping_exclude.as_deref(),
            Some("Too slow, sorry.")
        );
    }

    #[test]
    fn pages_that_do_not_know_probes_can_be_exempted() {
        let parsed = MonitorConfig::parse(&&json!({"presence_required": false})).unwrap();
        assert!(!parsed.config.presence_required);
        assert_eq!(
            errors_of(&json!({"presence_required": "no"})).len(),
            1,
            "text is no flag"
        );
    }

    #[test]
    fn a_short_exclusion_without_a_warning_threshold_warns_halfway() {
        let parsed = MonitorConfig::parse(&&json!({"continuous_tab_exclude_ms": 2000})).unwrap();
        assert_eq!(parsed.config.tab.warn_after, Some(Millis::new(1000.0)));
    }
}
