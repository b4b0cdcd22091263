//! The examples in `docs/PROTOCOL.md` are read by the code that reads the wire, so they cannot drift.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stillhere_core::wire::{
    Answer, ClientEvent, EXPORTS_PATH, ErrorCode, ExclusionAnswer, JoinAnswer, LAST_STATUS_PATH,
    LastWords, ProbeAnswer, Redirect, ServerEvent, UPLOAD_COMPLETE, UPLOAD_OFFSET, UploadAnswer,
    is_finished, read_ack,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PROTOCOL: &str = include_str!("../../../docs/PROTOCOL.md");

/// The examples: fenced blocks that begin with ```` ```json client ping ````, `server pong`, `ack ping`.
fn examples(kind: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut lines = PROTOCOL.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line
            .strip_prefix("```json ")
            .and_then(|rest| rest.strip_prefix(kind))
        else {
            continue;
        };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let value = serde_json::from_str(&body.join("\n"))
            .unwrap_or_else(|error| panic!("the example of {kind} {name}: {error}"));
        found.push((name.trim().to_owned(), value));
    }
    found
}

fn names(examples: &[(String, Value)]) -> BTreeSet<&str> {
    examples.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn every_client_event_has_an_example_that_reads_and_writes_the_same() {
    let examples = examples("client");
    for (name, payload) in &examples {
        let event = ClientEvent::parse(name, &payload)
            .unwrap_or_else(|| panic!("no such client event: {name}"))
            .unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert_eq!(serde_json::to_value(&event).unwrap(), *payload, "{name}");
    }
    assert_eq!(
        names(&examples),
        ClientEvent::<Value>::NAMES.iter().copied().collect()
    );
}

#[test]
fn every_server_event_has_an_example_that_is_read() {
    let examples = examples("server");
    for (name, payload) in &examples {
        let event = ServerEvent::parse(name, &payload)
            .unwrap_or_else(|| panic!("no such server event: {name}"))
            .unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert_eq!(event.name(), name);
        // A client leaves the lists of `pyodide_game_ready` to the page.
        if name != "pyodide_game_ready" {
            assert_eq!(serde_json::to_value(&event).unwrap(), *payload, "{name}");
        }
    }
    assert_eq!(
        names(&examples),
        ServerEvent::<Value>::NAMES.iter().copied().collect()
    );
}

#[test]
fn every_ack_in_the_document_is_understood() {
    let examples = examples("ack");
    for (name, ack) in &examples {
        let body = read_ack(Some(&ack)).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        let body = body.expect("an ack with a body");
        match name.as_str() {
            "join_game" => assert!(JoinAnswer::parse(&body).is_ok()),
            "presence_probe" => assert!(ProbeAnswer::parse(&body).is_ok()),
            "mid_game_exclusion" => {
                let answer = Answer::from(Ok(ExclusionAnswer::parse(Some(&body))));
                assert_eq!(serde_json::to_value(answer).unwrap(), *ack);
            }
            "end_game_request_redirect" => assert!(Redirect::parse(&body).is_ok()),
            "upload" => {
                let answer = Answer::from(Ok(UploadAnswer::parse(&body).unwrap()));
                assert_eq!(serde_json::to_value(answer).unwrap(), *ack);
            }
            _ => assert!(
                ClientEvent::<Value>::NAMES.contains(&name.as_str()),
                "{name}"
            ),
        }
    }
    assert!(names(&examples).contains("emit_multiplayer_metrics"));
}

#[test]
fn what_goes_over_http_reads_and_writes_the_same() {
    let (name, words) = examples("http").pop().expect("an example");
    assert!(LAST_STATUS_PATH.ends_with(&name));
    let read = LastWords::parse(&&words).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), words);
    for path in [LAST_STATUS_PATH, EXPORTS_PATH] {
        assert!(PROTOCOL.contains(path), "{path}");
    }
    let document = PROTOCOL.to_lowercase();
    for header in [UPLOAD_OFFSET, UPLOAD_COMPLETE] {
        assert!(document.contains(&format!("`{header}: ")), "{header}");
    }
}

#[test]
fn only_a_session_that_has_ended_is_finished() {
    let status = |at: Value| json!({"sessionStatus": {"terminatedAtTimestamp": at}});
    for (metrics, finished) in [
        (status(json!(1_700_000_027_000_u64)), true),
        (status(Value::Null), false),
        // MUG's own.
        (
            json!({"sessionStatus": {"isPartial": true, "terminationReason": "tab_hidden"}}),
            true,
        ),
        (json!({"frames": []}), true),
        (json!({"sessionStatus": null}), true),
    ] {
        assert_eq!(is_finished(&&metrics), finished, "{metrics}");
    }
}

#[test]
fn every_error_code_is_in_the_document_and_is_understood() {
    let (_, example) = examples("refusal").pop().expect("an example of a refusal");
    let refusal = read_ack(Some(&&example)).expect_err("a refusal");
    assert_eq!(refusal.code, ErrorCode::NotYourSeat);
    for (word, _) in ErrorCode::WORDS {
        assert!(PROTOCOL.contains(&format!("`{word}`")), "{word}");
    }
}
