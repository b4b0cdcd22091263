use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use stillhere_server::callback::{CallbackQuestion, CallbackVerdict, ContinuousCallback};

use crate::support::{Peer, TestServer, assert_refused};

/// Answers by the frame: what a researcher might write, and everything that can go wrong with it.
struct Rule;

#[async_trait]
impl ContinuousCallback for Rule {
    async fn judge(
        &self,
        question: CallbackQuestion,
    ) -> Result<CallbackVerdict, Box<dyn std::error::Error + Send + Sync>> {
        match question.context.frame_number.0 {
            0 => Ok(CallbackVerdict::default()),
            1 => Ok(CallbackVerdict {
                exclude: true,
                warn: false,
                message: Some(format!("{} in {}", question.participant, question.scene)),
            }),
            2 => Err("the model is not loaded".into()),
            3 => panic!("a mistake in the rule"),
            _ => std::future::pending().await,
        }
    }
}

fn question(frame: u64) -> Value {
    json!({
        "session_id": "s", "scene_id": "grid", "request_id": frame,
        "context": {"ping": 20, "is_tab_hidden": false, "tab_hidden_duration_ms": 0, "frame_number": frame, "episode_number": 0},
    })
}

async fn ask(peer: &mut Peer, frame: u64) -> Value {
    let answer = peer
        .say("execute_continuous_callback", question(frame))
        .await;
    assert_eq!(answer, json!({"ok": true}));
    peer.expect("continuous_callback_result").await
}

#[tokio::test]
async fn the_researchers_rule_is_asked_and_answers_by_the_questions_number() {
    let server = TestServer::with_callback(Arc::new(Rule)).await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    assert_eq!(
        ask(&mut ada, 0).await,
        json!({"exclude": false, "warn": false, "message": null, "request_id": 0})
    );
    assert_eq!(
        ask(&mut ada, 1).await,
        json!({"exclude": true, "warn": false, "message": "ada in grid", "request_id": 1})
    );
    assert_eq!(server.state.callback_failures(), 0);
}

#[tokio::test]
async fn a_rule_that_fails_excludes_nobody_and_is_counted() {
    let server = TestServer::with_callback(Arc::new(Rule)).await;
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    for (failures, frame) in [(1, 2), (2, 3), (3, 4)] {
        let result = ask(&mut ada, frame).await;
        assert_eq!(
            result,
            json!({"exclude": false, "warn": false, "message": null, "request_id": frame})
        );
        assert_eq!(server.state.callback_failures(), failures);
    }
}

#[tokio::test]
async fn a_rule_that_never_answers_holds_nothing_up() {
    let server = TestServer::with_callback(Arc::new(Rule)).await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let answer = ada.say("execute_continuous_callback", question(9)).await;
    assert_eq!(answer["ok"], true);
    assert_eq!(
        ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 9))
            .await["outcome"],
        "accepted"
    );
    bert.expect("partner_excluded").await;
}

#[tokio::test]
async fn only_players_are_asked_about() {
    let server = TestServer::start().await;
    let mut stranger = server.connect().await;
    assert_refused(
        &stranger
            .say("execute_continuous_callback", question(0))
            .await,
        "unauthorized",
    );
    let (mut ada, _bert) = server.pair("ada", "bert").await;
    assert_eq!(
        ask(&mut ada, 1).await["exclude"],
        false,
        "without a rule nobody is excluded"
    );
}
