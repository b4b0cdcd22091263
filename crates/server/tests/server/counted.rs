//! `/metrics`: what the server counts about itself, and who may read it.

use serde_json::json;

use crate::binary::{ready, send_signal, stillhere};
use crate::support::{Response, STUDY, TestServer, metrics, send, settings};

const TOKEN: &str = "0123456789abcdef";

impl TestServer {
    async fn counting() -> Self {
        Self::with_settings(settings(&format!("metrics_token = \"{TOKEN}\"\n{STUDY}"))).await
    }

    async fn scrape(&self, headers: &[(&str, &str)]) -> Response {
        send(self.address, "GET", "/metrics", headers, b"").await
    }

    async fn counted(&self, series: &str) -> f64 {
        let bearer = format!("Bearer {TOKEN}");
        let answer = self.scrape(&[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let line = answer
            .body
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("{series} is not in\n{}", answer.body));
        value.parse().unwrap()
    }
}

#[tokio::test]
async fn an_exclusion_can_be_read_from_the_counts() {
    let server = TestServer::counting().await;
    let reason = r#"stillhere_exclusions_total{reason="sustained_ping"}"#;
    assert_eq!(server.counted(reason).await, 0.0);
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    assert_eq!(
        server.counted(r#"stillhere_games{phase="playing"}"#).await,
        1.0
    );
    ada.say("mid_game_exclusion", ada.verdict("sustained_ping", 42))
        .await;
    for event in ["partner_excluded", "trigger_data_export"] {
        bert.expect(event).await;
    }
    assert_eq!(server.counted(reason).await, 1.0);
    let outcomes = |name: &str| format!("stillhere_outcomes_total{{outcome=\"{name}\"}}");
    assert_eq!(server.counted(&outcomes("excluded")).await, 1.0);
    assert_eq!(server.counted(&outcomes("partner_excluded")).await, 1.0);
    assert_eq!(server.counted(&outcomes("completed")).await, 0.0);
    assert_eq!(
        server.counted(r#"stillhere_games{phase="playing"}"#).await,
        0.0
    );
    assert_eq!(
        server.counted(r#"stillhere_games{phase="ending"}"#).await,
        1.0
    );

    let export = ada.export("e-ada", &metrics("sustained_ping", 42));
    for _ in 0..2 {
        ada.say("emit_multiplayer_metrics", export.clone()).await;
    }
    assert_eq!(
        server.counted("stillhere_exports_total").await,
        1.0,
        "a repeat is none"
    );
    assert!(server.counted("stillhere_jobs_committed_total").await >= 5.0);
    assert!(server.counted("stillhere_commit_seconds_count").await >= 3.0);
    assert_eq!(server.counted("stillhere_writes_waiting").await, 0.0);

    server.clock.advance(10_000);
    server
        .wait_until("SELECT 1 FROM games WHERE phase = 'ended'")
        .await;
    assert_eq!(server.counted("stillhere_partial_records_total").await, 1.0);
}

#[tokio::test]
async fn sockets_actions_and_refusals_are_counted() {
    let server = TestServer::counting().await;
    let (ada, mut bert) = server.pair("ada", "bert").await;
    assert_eq!(server.counted("stillhere_sockets").await, 2.0);
    let action = ada.action(json!(1), 3);
    ada.emit("pyodide_player_action", action.clone());
    bert.expect("pyodide_other_player_action").await;
    assert_eq!(server.counted("stillhere_actions_relayed_total").await, 1.0);
    let refused = r#"stillhere_refusals_total{code="not_your_seat"}"#;
    assert_eq!(server.counted(refused).await, 0.0);
    let answer = bert.say("pyodide_player_action", action).await;
    assert_eq!(answer["error"]["code"], "not_your_seat");
    assert_eq!(server.counted(refused).await, 1.0);
    assert_eq!(server.counted("stillhere_actions_relayed_total").await, 1.0);
}

#[tokio::test]
async fn a_failing_storage_is_counted() {
    let server = TestServer::counting().await;
    assert_eq!(
        server.counted("stillhere_storage_failures_total").await,
        0.0
    );
    server.store.fail(true);
    let mut ada = server.connect().await;
    let answer = ada.say("join_game", json!({"participant_id": "ada"})).await;
    assert_eq!(answer["error"]["code"], "storage_unavailable");
    assert!(server.counted("stillhere_storage_failures_total").await >= 1.0);
}

#[tokio::test]
async fn only_who_knows_the_token_reads_it() {
    let server = TestServer::counting().await;
    for headers in [
        &[][..],
        &[("authorization", "Bearer 0123456789abcdee")],
        &[("authorization", "Basic 0123456789abcdef")],
        &[("authorization", TOKEN)],
    ] {
        let answer = server.scrape(headers).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, ""),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn without_a_token_only_this_machine_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = stillhere(directory.path()).spawn().unwrap();
    let address = ready(&mut child).parse().unwrap();
    let from_here = send(address, "GET", "/metrics", &[], b"").await;
    let mut through_others = Vec::new();
    for name in ["x-forwarded-for", "forwarded", "x-real-ip", "via"] {
        let headers = [(name, "203.0.113.7")];
        through_others.push(send(address, "GET", "/metrics", &headers, b"").await.status);
    }
    send_signal(&child, "-TERM");
    child.wait().unwrap();
    assert_eq!(from_here.status, 200);
    assert!(from_here.body.ends_with("# EOF\n"), "{}", from_here.body);
    let kind = from_here.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert_eq!(through_others, [404; 4]);
}

#[test]
fn every_series_is_in_the_operators_guide() {
    let guide = include_str!("../../../../docs/OPERATIONS.md");
    let source = include_str!("../../src/counters.rs");
    let names: Vec<&str> = source
        .split("registry.register(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(guide.contains(&format!("`stillhere_{name}")), "{name}");
    }
}
