use serde_json::{Value, json};
use stillhere_core::wire::ClientEvent;

use crate::support::{Peer, TestServer, assert_refused};

/// What a field holds, and so what it must not hold.
#[derive(Clone, Copy)]
enum Field {
    Id,
    Player,
    Count,
    Text,
    Flag,
    Millis,
    Record,
    Word,
    Anything,
}

use Field::{Anything, Count, Flag, Id, Millis, Player, Record, Text, Word};

impl Field {
    fn bad_values(self) -> Vec<Value> {
        let long = "x".repeat(129);
        let nested = json!({"a": [{"b": [[[]]]}]});
        match self {
            Id => vec![
                json!(""),
                json!(long),
                json!("a\u{0}b"),
                json!(7),
                json!(true),
                json!([]),
                nested,
            ],
            Player => vec![
                json!(""),
                json!(long),
                json!(1.5),
                json!(1e300),
                json!(true),
                json!([]),
                nested,
            ],
            Count => vec![
                json!(-1),
                json!(1.5),
                json!("1"),
                json!(1e300),
                json!(u64::MAX),
                json!(true),
                json!([]),
                nested,
            ],
            Text => vec![json!(7), json!(true), json!([]), nested],
            Flag => vec![json!(0), json!(1), json!("true"), json!([]), nested],
            Millis => vec![json!(-1), json!("1"), json!(true), json!([]), nested],
            Record => vec![json!(7), json!("x"), json!([]), json!([{}]), json!(true)],
            Word => vec![
                json!("bored"),
                json!(""),
                json!(7),
                json!(true),
                json!([]),
                nested,
            ],
            Anything => vec![],
        }
    }
}

struct Case {
    event: &'static str,
    good: Value,
    required: Vec<(&'static str, Field)>,
    optional: Vec<(&'static str, Field)>,
}

fn cases(peer: &Peer) -> Vec<Case> {
    let seat = |more: Value| {
        let mut payload = json!({"game_id": peer.game_id(), "player_id": peer.player_id()});
        payload
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        payload
    };
    vec![
        Case {
            event: "join_game",
            good: json!({"session_id": "s", "scene_id": "grid", "participant_id": "ada", "participant_token": peer.token}),
            required: vec![],
            optional: vec![
                ("session_id", Text),
                ("scene_id", Id),
                ("participant_id", Id),
                ("participant_token", Text),
            ],
        },
        Case {
            event: "pyodide_player_action",
            good: seat(json!({"action": {"any": []}, "frame_number": 3, "timestamp": 1.5})),
            required: vec![
                ("game_id", Id),
                ("player_id", Player),
                ("action", Anything),
                ("frame_number", Count),
            ],
            optional: vec![("timestamp", Millis)],
        },
        Case {
            event: "ping",
            good: json!({"ping_ms": 12, "document_in_focus": true, "seq": 1, "hidden_ms": 0, "frame_number": 3, "paused": false}),
            required: vec![],
            optional: vec![
                ("ping_ms", Millis),
                ("document_in_focus", Flag),
                ("seq", Count),
                ("hidden_ms", Millis),
                ("frame_number", Count),
                ("paused", Flag),
            ],
        },
        Case {
            event: "mid_game_exclusion",
            good: peer.verdict("tab_hidden", 4),
            required: vec![
                ("game_id", Id),
                ("player_id", Player),
                ("reason", Word),
                ("frame_number", Count),
            ],
            optional: vec![("timestamp", Millis), ("evidence", Record)],
        },
        Case {
            event: "emit_multiplayer_metrics",
            good: json!({"scene_id": "grid", "metrics": {}, "export_id": "e"}),
            required: vec![("scene_id", Id), ("metrics", Record)],
            optional: vec![("export_id", Id)],
        },
        Case {
            event: "multiplayer_game_complete",
            good: seat(json!({})),
            required: vec![("game_id", Id), ("player_id", Player)],
            optional: vec![],
        },
        Case {
            event: "leave_game",
            good: json!({"session_id": "s"}),
            required: vec![],
            optional: vec![("session_id", Text)],
        },
        Case {
            event: "end_game_request_redirect",
            good: json!({"partner_exclusion": true, "mid_game_exclusion": false, "reason": "x"}),
            required: vec![],
            optional: vec![
                ("partner_exclusion", Flag),
                ("mid_game_exclusion", Flag),
                ("reason", Text),
            ],
        },
        Case {
            event: "execute_continuous_callback",
            good: json!({"session_id": "s", "scene_id": "grid", "context": {}, "request_id": 1}),
            required: vec![("context", Record)],
            optional: vec![
                ("session_id", Text),
                ("scene_id", Id),
                ("request_id", Count),
            ],
        },
        Case {
            event: "participant_terminal_state",
            good: json!({
                "game_id": peer.game_id(), "scene_id": "grid", "reason": "focus_loss_timeout",
                "frame_number": 1, "episode_number": 0,
            }),
            required: vec![("game_id", Id), ("reason", Word), ("frame_number", Count)],
            optional: vec![("scene_id", Id), ("episode_number", Count)],
        },
    ]
}

fn bad_payloads(case: &Case) -> Vec<Value> {
    let mut bad = vec![
        Value::Null,
        json!("text"),
        json!(7),
        json!(1e300),
        json!(true),
        json!([]),
        json!([case.good]),
        json!([[[{}]]]),
    ];
    let with = |key: &str, value: Value| {
        let mut payload = case.good.clone();
        payload[key] = value;
        payload
    };
    for (key, field) in case.required.iter().chain(&case.optional) {
        bad.extend(field.bad_values().into_iter().map(|value| with(key, value)));
    }
    for (key, field) in &case.required {
        let mut missing = case.good.clone();
        missing.as_object_mut().unwrap().remove(*key);
        bad.push(missing);
        // Null is a value where anything is.
        if !matches!(field, Anything) {
            bad.push(with(key, Value::Null));
        }
    }
    if !case.required.is_empty() {
        bad.push(json!({}));
    }
    bad
}

/// What no JSON value of ours can say.
fn bad_bodies(event: &str) -> Vec<String> {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    vec![
        format!("[\"{event}\"]"),
        format!("[\"{event}\",{deep}]"),
        format!("[\"{event}\",{{\"game_id\":1e400}}]"),
    ]
}

#[tokio::test]
async fn bad_payloads_of_every_event_are_refused_and_change_nothing() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let mut stranger = server.connect().await;
    let cases = cases(&ada);
    let mut covered: Vec<&str> = cases.iter().map(|case| case.event).collect();
    covered.sort_unstable();
    let mut events = ClientEvent::<&Value>::NAMES.to_vec();
    events.sort_unstable();
    assert_eq!(covered, events, "an event of the contract has no case here");

    let before = server.database.dump().await;
    let mut tried = 0;
    for case in &cases {
        for payload in bad_payloads(case) {
            for peer in [&mut ada, &mut stranger] {
                let answer = peer.say(case.event, payload.clone()).await;
                assert!(
                    answer["ok"] == false && answer["error"]["code"] == "invalid_payload",
                    "{} {payload}: {answer}",
                    case.event
                );
                tried += 1;
            }
        }
        for body in bad_bodies(case.event) {
            let answer = ada.ask_raw(&body).get().await;
            assert!(
                answer["ok"] == false && answer["error"]["code"] == "invalid_payload",
                "{body}: {answer}"
            );
        }
        assert_eq!(
            server.database.dump().await,
            before,
            "{} changed something",
            case.event
        );
    }
    assert!(tried > 500, "{tried}");
    // Nobody heard of any of it, and the game goes on over the same sockets.
    for peer in [&mut ada, &mut bert, &mut stranger] {
        peer.expect_nothing_more().await;
    }
    ada.emit("pyodide_player_action", ada.action(json!(1), 5));
    bert.expect("pyodide_other_player_action").await;
    assert_eq!(
        ada.say("mid_game_exclusion", ada.verdict("tab_hidden", 5))
            .await["outcome"],
        "accepted"
    );
}

#[tokio::test]
async fn the_payloads_that_the_bad_ones_are_made_of_are_accepted() {
    let server = TestServer::start().await;
    for index in 0..ClientEvent::<&Value>::NAMES.len() {
        let (mut ada, _bert) = server
            .pair(&format!("ada{index}"), &format!("bert{index}"))
            .await;
        let mut case = cases(&ada).into_iter().nth(index).unwrap();
        if case.event == "join_game" {
            case.good["participant_id"] = json!(format!("ada{index}"));
        }
        if case.event == "end_game_request_redirect" {
            ada.say("leave_game", json!({})).await;
        }
        let answer = ada.say(case.event, case.good).await;
        assert_eq!(answer["ok"], true, "{}: {answer}", case.event);
    }
}

#[tokio::test]
async fn unknown_ids_are_refused_by_what_is_wrong_with_them() {
    let server = TestServer::start().await;
    let (mut ada, mut bert) = server.pair("ada", "bert").await;
    let before = server.database.dump().await;
    for case in cases(&ada) {
        if case.good.get("game_id").is_some() {
            let mut elsewhere = case.good.clone();
            elsewhere["game_id"] = json!("no such game");
            assert_refused(&ada.say(case.event, elsewhere).await, "unknown_game");
        }
        if case.good.get("player_id").is_some() {
            for player in [bert.player_id(), json!(7), json!("0"), json!(-1)] {
                let mut another = case.good.clone();
                another["player_id"] = player;
                assert_refused(&ada.say(case.event, another).await, "not_your_seat");
            }
        }
    }
    assert_refused(
        &ada.say("join_game", json!({"scene_id": "none"})).await,
        "unknown_game",
    );
    assert_eq!(server.database.dump().await, before);
    bert.expect_nothing_more().await;
}

#[tokio::test]
async fn an_event_that_nobody_knows_is_passed_over() {
    let server = TestServer::start().await;
    let mut peer = server.connect().await;
    peer.emit("drop_all_tables", json!({}));
    peer.expect_nothing_more().await;
}

#[tokio::test]
async fn what_is_no_packet_at_all_costs_only_its_sender_the_line() {
    let server = TestServer::start().await;
    for (index, packet) in [
        "42[",
        "42[]",
        "42[7]",
        "42[\"ping\",{\"a\":}]",
        "99",
        "hello",
    ]
    .into_iter()
    .enumerate()
    {
        let (ada, mut bert) = server
            .pair(&format!("ada{index}"), &format!("bert{index}"))
            .await;
        ada.raw(packet.to_owned());
        assert_eq!(
            bert.expect("p2p_pause").await["detecting_player"],
            0,
            "{packet}"
        );
        let mut back = server.connect_with(&ada.token).await;
        assert_eq!(back.expect("pyodide_player_assigned").await, ada.seat);
        bert.expect("p2p_resume").await;
    }
}
