//! What the hot paths cost, for `cargo xtask instructions`: does one of them a number of times within [`measured`], whose
//! instructions Callgrind counts. Without arguments it names them all, with the number of times.

use std::hint::black_box;

use serde_json::{Value, json};
use stillhere_core::config::MonitorConfig;
use stillhere_core::exclusion::{ExclusionReason, Side};
use stillhere_core::ids::{ConnectionId, Frame, GameId, ParticipantId, PlayerId, SceneId};
use stillhere_core::monitor::{Monitor, MonitorInput};
use stillhere_core::participant::{Expect, Messages, Participant, ParticipantInput, SessionState};
use stillhere_core::session::{
    GameInput, GameOutput, GameReply, GameSession, GameSettings, OnExclusion, Verdict,
};
use stillhere_core::time::Millis;
use stillhere_core::watch::{Watch, WatchInput, WatchOutput};
use stillhere_core::wire::{ClientEvent, JoinGame, ProbeAnswer};

/// A hot path, and how often it is done.
type Path = (&'static str, u64, fn(u64));

const PATHS: &[Path] = &[
    ("frame", 1000, frame),
    ("sample_and_judge", 1000, sample_and_judge),
    ("beat", 1000, beat),
    ("metrics_of_1000_samples", 1, metrics),
    ("parse_ping", 100, parse_ping),
    ("parse_action", 100, parse_action),
    ("game_takes_verdict", 10, verdict),
    ("game_takes_ack", 10, ack),
    ("watch_round", 1000, watch_round),
];

fn main() {
    let wanted = std::env::args().nth(1);
    let Some(wanted) = wanted else {
        for (name, times, _) in PATHS {
            println!("{name}\t{times}");
        }
        return;
    };
    let found = PATHS.iter().find(|(name, ..)| *name == wanted);
    let (_, times, run) = found.unwrap_or_else(|| panic!("there is no path {wanted}"));
    run(*times);
}

/// What happens in here counts.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn at(ms: u64) -> Millis {
    Millis::from(ms)
}

fn settings() -> Value {
    json!({
        "continuous_monitoring_enabled": true, "continuous_max_ping": 300,
        "has_continuous_callback": true, "continuous_callback_interval_frames": 30,
    })
}

fn config() -> MonitorConfig {
    let mut config = MonitorConfig {
        enabled: true,
        ..MonitorConfig::default()
    };
    config.ping.max = Some(at(300));
    config
}

fn handle(page: &mut Participant, now: u64, input: ParticipantInput<'_, &Value>) {
    page.handle(at(now), input);
    while let Some(output) = page.poll() {
        black_box(output);
    }
}

fn playing() -> Participant {
    let mut page = Participant::new(Millis::new(1.7e12), "seed", Messages::default());
    handle(&mut page, 0, ParticipantInput::Connected);
    handle(&mut page, 0, ParticipantInput::Join(JoinGame::default()));
    let answer =
        json!({"ok": true, "participant_id": "ada", "participant_token": "t", "status": "waiting"});
    let joined = ParticipantInput::Acked {
        to: Expect::Join,
        body: Some(&answer),
    };
    handle(&mut page, 0, joined);
    let game = json!({"player_id": 0, "game_id": "g1", "game_seed": 1, "num_players": 2});
    let ready = json!({
        "game_id": "g1", "players": [0, 1], "player_subjects": {}, "scene_metadata": settings(),
    });
    for (name, payload) in [
        ("pyodide_player_assigned", &game),
        ("pyodide_game_ready", &ready),
    ] {
        handle(&mut page, 0, ParticipantInput::Event { name, payload });
    }
    assert_eq!(page.status().state, SessionState::Playing);
    page
}

fn frame(times: u64) {
    let mut page = playing();
    measured(|| (0..times).for_each(|frame| black_box(&mut page).frame(black_box(frame))));
    assert_eq!(page.status().frame, Frame(times - 1));
}

fn sample_and_judge(times: u64) {
    let mut monitor = Monitor::new(Side::Client, Millis::ZERO);
    monitor.configure(&config());
    monitor.handle(Millis::ZERO, MonitorInput::Resume);
    measured(|| {
        for i in 0..times {
            let rtt = at(30 + i % 20);
            monitor.handle(at(i * 1000), MonitorInput::RttMeasured { rtt });
            black_box(monitor.poll());
        }
    });
    assert_eq!(monitor.samples().len() as u64, times);
}

fn beat(times: u64) {
    let mut page = playing();
    measured(|| {
        for i in 1..=times {
            handle(
                &mut page,
                i * 50,
                ParticipantInput::Beat { posted: at(i * 50) },
            );
        }
    });
}

fn metrics(times: u64) {
    let mut page = playing();
    for i in 0..1000 {
        let rtt = at(30 + i % 20);
        handle(&mut page, i * 1000, ParticipantInput::RttMeasured(rtt));
    }
    measured(|| (0..times).for_each(|_| drop(black_box(page.metrics(at(1_000_000))))));
    assert_eq!(page.metrics(at(1_000_000)).latency.count, 1000);
}

fn parse(name: &str, payload: &Value, times: u64) {
    let read = measured(|| {
        (0..times).all(|_| matches!(ClientEvent::parse(name, black_box(&payload)), Some(Ok(_))))
    });
    assert!(read);
}

fn parse_ping(times: u64) {
    let payload = json!({
        "ping_ms": 41.5, "document_in_focus": true, "seq": 17, "hidden_ms": 0, "frame_number": 1042, "paused": false,
    });
    parse("ping", &payload, times);
}

fn parse_action(times: u64) {
    let payload = json!({
        "game_id": "5d5b1a1e", "player_id": 1, "action": 4, "frame_number": 1042, "timestamp": 1_700_000_000_123.5_f64,
    });
    parse("pyodide_player_action", &payload, times);
}

fn who(name: &str) -> ParticipantId {
    name.try_into().expect("an id")
}

fn full_game() -> GameSession {
    let settings = GameSettings {
        scene: SceneId::try_from("grid").expect("an id"),
        players: 2,
        waiting_room_timeout: at(60_000),
        reconnect_grace: at(5_000),
        export_ack_timeout: at(10_000),
        on_exclusion: OnExclusion::End,
        min_players: 2,
    };
    let mut game = GameSession::new(GameId::try_from("g1").expect("an id"), 7, settings);
    for name in ["A", "B"] {
        let join = GameInput::Join {
            participant: who(name),
            connection: ConnectionId::try_from(name).expect("an id"),
        };
        take(&mut game, 0, join);
    }
    game
}

fn take(game: &mut GameSession, now: u64, input: GameInput) -> Vec<GameOutput> {
    let reply = game.handle(at(now), input);
    assert_eq!(reply, Ok(GameReply::Accepted));
    std::iter::from_fn(|| game.poll()).collect()
}

fn exclude(game: &mut GameSession) -> Vec<GameOutput> {
    let verdict = GameInput::Verdict {
        participant: who("A"),
        claimed: Some(PlayerId::Number(0)),
        verdict: Verdict {
            reason: ExclusionReason::SustainedPing,
            frame: Frame(12),
            decided_by: Side::Client,
            message: None,
            evidence: None,
        },
        seen: Frame(12),
    };
    take(game, 1000, verdict)
}

fn verdict(times: u64) {
    let mut games: Vec<GameSession> = (0..times).map(|_| full_game()).collect();
    measured(|| {
        games
            .iter_mut()
            .for_each(|game| drop(black_box(exclude(game))));
    });
}

fn ack(times: u64) {
    let mut games: Vec<_> = (0..times)
        .map(|_| {
            let mut game = full_game();
            let outputs = exclude(&mut game);
            let owed = outputs.into_iter().find_map(|output| match output {
                GameOutput::Deliver { to, delivery, .. } => Some((to, delivery)),
                _ => None,
            });
            let (participant, delivery) = owed.expect("a delivery");
            (
                game,
                GameInput::Delivered {
                    participant,
                    delivery,
                },
            )
        })
        .collect();
    measured(|| {
        for (game, input) in &mut games {
            black_box(take(game, 1010, input.clone()));
        }
    });
}

fn watch_round(times: u64) {
    let mut watch = Watch::new(&config(), Millis::ZERO);
    watch.handle(Millis::ZERO, WatchInput::Playing(true));
    let mut answers = 0;
    measured(|| {
        for i in 0..times {
            let now = i * 500;
            watch.handle(at(now), WatchInput::Beat { posted: at(now) });
            watch.handle(at(now), WatchInput::Tick);
            while let Some(output) = watch.poll() {
                let WatchOutput::Probe { seq } = output else {
                    panic!("{output:?}");
                };
                answers += 1;
                let answer = ProbeAnswer {
                    seq,
                    hidden: false,
                    hidden_ms: Millis::ZERO,
                    frame_number: Frame(i),
                    stalled_ms: Millis::ZERO,
                };
                let answered = WatchInput::ProbeAnswered {
                    seq,
                    answer: Some(answer),
                };
                watch.handle(at(now + 40), answered);
            }
        }
    });
    assert!(answers > times / 3, "{answers}");
}
