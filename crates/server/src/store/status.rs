//! What an export's metrics say of how the session ended, for queries.

use serde_json::Value;
use stillhere_core::metrics::TerminationReason;

/// Columns that repeat `metrics.sessionStatus`; `None` where it is absent or not well-formed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusColumns {
    /// Whether the session is partial.
    pub is_partial: Option<bool>,
    /// Why it ended.
    pub termination_reason: Option<String>,
    /// The frame at which it ended.
    pub termination_frame: Option<i64>,
    /// Finished episodes.
    pub completed_episodes: Option<i64>,
}

impl StatusColumns {
    /// Reads them out of metrics.
    #[must_use]
    pub fn of(metrics: &Value) -> Self {
        let status = &metrics["sessionStatus"];
        let count = |key: &str| status[key].as_i64().filter(|count| *count >= 0);
        Self {
            is_partial: status["isPartial"].as_bool(),
            termination_reason: status["terminationReason"]
                .as_str()
                .filter(|reason| {
                    TerminationReason::WORDS
                        .iter()
                        .any(|(word, _)| word == reason)
                })
                .map(str::to_owned),
            termination_frame: count("terminationFrame"),
            completed_episodes: count("completedEpisodes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_well_formed_is_read() {
        let good = StatusColumns::of(&json!({"sessionStatus": {
            "isPartial": true, "terminationReason": "tab_hidden", "terminationFrame": 0, "completedEpisodes": 0,
        }}));
        assert_eq!(
            good,
            StatusColumns {
                is_partial: Some(true),
                termination_reason: Some("tab_hidden".to_owned()),
                termination_frame: Some(0),
                completed_episodes: Some(0),
            }
        );
        for bad in [
            json!({}),
            json!({"sessionStatus": null}),
            json!({"sessionStatus": []}),
            json!({"sessionStatus": {
                "isPartial": 1, "terminationReason": "bored", "terminationFrame": -1, "completedEpisodes": "2",
            }}),
        ] {
            assert_eq!(StatusColumns::of(&bad), StatusColumns::default());
        }
    }
}
