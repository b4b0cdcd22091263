#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::exclusion::{ExclusionReason, Side};
use crate::ids::{ConnectionId, ExportId, Frame, GameId, ParticipantId, PlayerId, SceneId};
use crate::time::Millis;
use crate::wire::{ErrorCode, Refusal};

mod lost_server;
mod restart;

fn who(name: &str) -> ParticipantId {
    ParticipantId::try_from(name).unwrap()
}

fn at(ms: u64) -> Millis {
    Millis::from(ms)
}

fn empty_game() -> GameSession {
    let settings = GameSettings {
        scene: SceneId::try_from("grid").unwrap(),
        players: 2,
        waiting_room_timeout: at(60_000),
        reconnect_grace: at(5_000),
        export_ack_timeout: at(10_000),
        on_exclusion: OnExclusion::End,
        min_players: 2,
    };
    GameSession::new(GameId::try_from("g1").unwrap(), 7, settings)
}

/// A participant's first socket.
fn socket(name: &str) -> ConnectionId {
    ConnectionId::try_from(format!("socket of {name}")).unwrap()
}

fn join(game: &mut GameSession, name: &str, now: u64) -> Result<GameReply, Refusal> {
    game.handle(
        at(now),
        GameInput::Join {
            participant: who(name),
            connection: socket(name),
        },
    )
}

fn full_game() -> GameSession {
    let mut game = empty_game();
    join(&mut game, "A", 0).unwrap();
    join(&mut game, "B", 0).unwrap();
    drain(&mut game);
    game
}

fn drain(game: &mut GameSession) -> Vec<GameOutput> {
    std::iter::from_fn(|| game.poll()).collect()
}

fn verdict(reason: ExclusionReason) -> Verdict {
    Verdict {
        reason,
        frame: Frame(12),
        decided_by: Side::Client,
        message: None,
        evidence: None,
    }
}

fn exclude(
    game: &mut GameSession,
    name: &str,
    claimed: i64,
    now: u64,
) -> Result<GameReply, Refusal> {
    game.handle(
        at(now),
        GameInput::Verdict {
            participant: who(name),
            claimed: Some(PlayerId::Number(claimed)),
            verdict: verdict(ExclusionReason::TabHidden),
            seen: Frame(12),
        },
    )
}

fn code(result: Result<GameReply, Refusal>) -> ErrorCode {
    result.expect_err("a refusal").code
}

fn told(outputs: &[GameOutput], name: &str) -> Vec<&'static str> {
    outputs
        .iter()
        .filter_map(|output| match output {
            GameOutput::Deliver { to, event, .. } if *to == who(name) => Some(match event {
                DeliveryEvent::PartnerExcluded(_) => "partner_excluded",
                DeliveryEvent::TriggerDataExport(_) => "trigger_data_export",
                DeliveryEvent::ParticipantExcluded(_) => "participant_excluded",
                DeliveryEvent::PartnerLeft(_) => "partner_left",
                DeliveryEvent::P2pGameEnded(_) => "p2p_game_ended",
            }),
            _ => None,
        })
        .collect()
}

#[test]
fn the_last_free_seat_starts_the_game_with_players_zero_and_one() {
    let mut game = empty_game();
    join(&mut game, "A", 0).unwrap();
    assert_eq!(game.phase(), Phase::Waiting);
    drain(&mut game);
    join(&mut game, "B", 10).unwrap();
    let assigned: Vec<_> = drain(&mut game)
        .into_iter()
        .filter_map(|output| match output {
            GameOutput::Assign { to, event } => Some((to, event.player_id, event.game_seed)),
            _ => None,
        })
        .collect();
    assert_eq!(
        assigned,
        [
            (who("A"), PlayerId::Number(0), 7),
            (who("B"), PlayerId::Number(1), 7)
        ]
    );
    assert_eq!(code(join(&mut game, "C", 20)), ErrorCode::AlreadyEnded);
}

#[test]
fn who_leaves_the_waiting_room_frees_the_seat() {
    let mut game = empty_game();
    join(&mut game, "A", 0).unwrap();
    game.handle(
        at(1),
        GameInput::Disconnected {
            participant: who("A"),
            connection: socket("A"),
            frame: Frame(0),
        },
    )
    .unwrap();
    assert!(game.has_room());
    join(&mut game, "B", 2).unwrap();
    join(&mut game, "C", 3).unwrap();
    let players: Vec<_> = game
        .seats()
        .iter()
        .map(|seat| seat.player.clone())
        .collect();
    assert_eq!(players, [PlayerId::Number(0), PlayerId::Number(1)]);
}

#[test]
fn only_the_partner_is_told_and_asked_for_data() {
    let mut game = full_game();
    assert_eq!(
        exclude(&mut game, "A", 0, 100).unwrap(),
        GameReply::Accepted
    );
    let outputs = drain(&mut game);
    assert_eq!(
        told(&outputs, "B"),
        ["partner_excluded", "trigger_data_export"]
    );
    assert!(told(&outputs, "A").is_empty());
}

#[test]
fn a_third_participant_or_a_wrong_claim_cannot_exclude_anyone() {
    let mut game = full_game();
    assert_eq!(
        code(exclude(&mut game, "C", 0, 100)),
        ErrorCode::NotYourSeat
    );
    assert_eq!(
        code(exclude(&mut game, "B", 0, 100)),
        ErrorCode::NotYourSeat
    );
    assert!(drain(&mut game).is_empty());
    assert!(game.seats().iter().all(Seat::is_playing));
}

#[test]
fn a_verdict_before_the_game_began_is_refused() {
    let mut game = empty_game();
    join(&mut game, "A", 0).unwrap();
    assert_eq!(code(exclude(&mut game, "A", 0, 1)), ErrorCode::UnknownGame);
}

#[test]
fn the_repeat_of_a_verdict_whose_ack_was_lost_is_accepted_again() {
    let mut game = full_game();
    exclude(&mut game, "A", 0, 100).unwrap();
    drain(&mut game);
    assert_eq!(
        exclude(&mut game, "A", 0, 200).unwrap(),
        GameReply::Accepted
    );
    assert!(drain(&mut game).is_empty());
}

#[test]
fn a_second_verdict_is_written_down_and_changes_nothing_else() {
    let mut game = full_game();
    exclude(&mut game, "A", 0, 100).unwrap();
    drain(&mut game);
    assert_eq!(
        exclude(&mut game, "B", 1, 150).unwrap(),
        GameReply::AlreadyEnded
    );
    assert!(drain(&mut game).is_empty());
    let seat = game.seat(&who("B")).unwrap();
    assert_eq!(seat.outcome(), Some(Outcome::PartnerExcluded));
    assert!(seat.also_excluded.is_some());
}

#[test]
fn a_delivery_is_repeated_until_acked() {
    let mut game = full_game();
    exclude(&mut game, "A", 0, 0).unwrap();
    let ids: Vec<_> = drain(&mut game)
        .into_iter()
        .filter_map(|output| match output {
            GameOutput::Deliver { delivery, .. } => Some(delivery),
            _ => None,
        })
        .collect();
    assert_eq!(game.next_deadline(), Some(at(1_000)));
    game.handle(at(1_000), GameInput::Deadline).unwrap();
    assert_eq!(told(&drain(&mut game), "B").len(), 2);
    for delivery in ids {
        game.handle(
            at(1_100),
            GameInput::Delivered {
                participant: who("B"),
                delivery,
            },
        )
        .unwrap();
    }
    game.handle(at(5_000), GameInput::Deadline).unwrap();
    assert!(told(&drain(&mut game), "B").is_empty());
}

#[test]
fn a_reconnecting_partner_gets_what_is_owed() {
    let mut game = full_game();
    game.handle(
        at(0),
        GameInput::Disconnected {
            participant: who("B"),
            connection: socket("B"),
            frame: Frame(4),
        },
    )
    .unwrap();
    exclude(&mut game, "A", 0, 100).unwrap();
    assert!(told(&drain(&mut game), "B").is_empty());
    assert_eq!(
        join(&mut game, "B", 4_000).unwrap(),
        GameReply::AlreadyEnded
    );
    assert_eq!(
        told(&drain(&mut game), "B"),
        ["partner_excluded", "trigger_data_export"]
    );
}

#[test]
fn a_page_that_exports_is_not_told_again() {
    let mut game = full_game();
    exclude(&mut game, "A", 0, 0).unwrap();
    drain(&mut game);
    let export = ExportId::try_from("e").unwrap();
    game.handle(
        at(50),
        GameInput::Exported {
            participant: who("B"),
            export,
            finished: true,
        },
    )
    .unwrap();
    game.handle(at(60_000), GameInput::Deadline).unwrap();
    assert!(told(&drain(&mut game), "B").is_empty());
}

#[test]
fn data_that_never_comes_is_replaced_by_the_servers_record_and_still_taken_later() {
    let mut game = full_game();
    exclude(&mut game, "A", 0, 0).unwrap();
    drain(&mut game);
    let export = ExportId::try_from("e").unwrap();
    game.handle(
        at(10),
        GameInput::Exported {
            participant: who("A"),
            export: export.clone(),
            finished: true,
        },
    )
    .unwrap();
    assert!(!drain(&mut game).contains(&GameOutput::Ended));
    game.handle(at(10_000), GameInput::Deadline).unwrap();
    let outputs = drain(&mut game);
    assert!(outputs.contains(&GameOutput::RecordPartial {
        participant: who("B")
    }));
    assert!(outputs.contains(&GameOutput::Ended));
    assert!(!game.is_live());

    game.handle(
        at(3_600_000),
        GameInput::Exported {
            participant: who("B"),
            export: export.clone(),
            finished: true,
        },
    )
    .unwrap();
    let stored = game.seat(&who("B")).unwrap().export.clone().unwrap();
    assert_eq!(
        (stored.id, stored.origin),
        (Some(export), ExportOrigin::Client)
    );
}

#[test]
fn a_partner_who_leaves_ends_the_game_at_once() {
    let mut game = full_game();
    game.handle(
        at(100),
        GameInput::Leave {
            participant: who("A"),
            frame: Frame(9),
        },
    )
    .unwrap();
    assert_eq!(told(&drain(&mut game), "B"), ["p2p_game_ended"]);
    assert_eq!(
        game.seat(&who("A")).unwrap().outcome(),
        Some(Outcome::Disconnected)
    );
    assert_eq!(
        game.seat(&who("B")).unwrap().outcome(),
        Some(Outcome::PartnerDisconnected)
    );
}

#[test]
fn a_page_cannot_declare_its_partner_gone() {
    let mut game = full_game();
    let reason = crate::wire::TerminalStateReason::PartnerDisconnected;
    let input = GameInput::TerminalState {
        participant: who("A"),
        reason,
        frame: Frame(1),
    };
    game.handle(at(100), input).unwrap();
    assert!(game.seats().iter().all(Seat::is_playing));
    assert!(drain(&mut game).is_empty());
}

#[test]
fn a_stopping_server_tells_everybody() {
    let mut game = full_game();
    game.handle(at(100), GameInput::Shutdown).unwrap();
    let outputs = drain(&mut game);
    assert_eq!(told(&outputs, "A"), ["p2p_game_ended"]);
    assert_eq!(told(&outputs, "B"), ["p2p_game_ended"]);

    let mut waiting = empty_game();
    join(&mut waiting, "A", 0).unwrap();
    drain(&mut waiting);
    waiting.handle(at(100), GameInput::Shutdown).unwrap();
    assert!(drain(&mut waiting).contains(&GameOutput::WaitingOver { to: who("A") }));
    assert!(!waiting.is_live());
}

#[test]
fn an_overlong_wait_ends_for_who_waited_and_not_for_who_came_later() {
    let mut settings = empty_game().settings().clone();
    settings.players = 3;
    let mut game = GameSession::new(GameId::try_from("g3").unwrap(), 1, settings);
    join(&mut game, "A", 0).unwrap();
    join(&mut game, "B", 40_000).unwrap();
    drain(&mut game);
    assert_eq!(game.next_deadline(), Some(at(60_000)));
    game.handle(at(60_000), GameInput::Deadline).unwrap();
    let outputs = drain(&mut game);
    assert!(outputs.contains(&GameOutput::WaitingOver { to: who("A") }));
    assert!(!outputs.contains(&GameOutput::WaitingOver { to: who("B") }));
    assert_eq!(game.next_deadline(), Some(at(100_000)));
    assert_eq!(game.seats().len(), 1);
}

/// Three players, of whom two are enough.
fn trio() -> GameSession {
    let mut settings = empty_game().settings().clone();
    settings.players = 3;
    settings.on_exclusion = OnExclusion::Continue;
    let mut game = GameSession::new(GameId::try_from("g3").unwrap(), 1, settings);
    for name in ["A", "B", "C"] {
        join(&mut game, name, 0).unwrap();
    }
    drain(&mut game);
    game
}

fn disconnect(game: &mut GameSession, name: &str, connection: ConnectionId, now: u64) {
    let input = GameInput::Disconnected {
        participant: who(name),
        connection,
        frame: Frame(4),
    };
    game.handle(at(now), input).unwrap();
}

fn outcome(game: &GameSession, name: &str) -> Option<Outcome> {
    game.seat(&who(name)).unwrap().outcome()
}

#[test]
fn with_enough_players_left_the_others_play_on() {
    let mut game = trio();
    exclude(&mut game, "A", 0, 100).unwrap();
    let outputs = drain(&mut game);
    for name in ["B", "C"] {
        assert_eq!(told(&outputs, name), ["partner_left"]);
        assert_eq!(outcome(&game, name), None);
    }
    assert_eq!(
        outcome(&game, "A"),
        Some(Outcome::Excluded(ExclusionReason::TabHidden))
    );
    assert!(matches!(game.phase(), Phase::Playing { .. }));
    // Who is gone is done: their record does not wait for the others' game.
    game.handle(at(10_100), GameInput::Deadline).unwrap();
    assert!(drain(&mut game).contains(&GameOutput::RecordPartial {
        participant: who("A")
    }));
    assert!(game.is_live());
}

#[test]
fn with_too_few_players_left_the_game_ends_for_all() {
    let mut game = trio();
    exclude(&mut game, "A", 0, 100).unwrap();
    drain(&mut game);
    exclude(&mut game, "B", 1, 200).unwrap();
    assert_eq!(
        told(&drain(&mut game), "C"),
        ["partner_excluded", "trigger_data_export"]
    );
    assert_eq!(outcome(&game, "C"), Some(Outcome::PartnerExcluded));
    assert!(matches!(game.phase(), Phase::Ending { .. }));
}

#[test]
fn who_does_not_come_back_is_left_behind_and_the_others_go_on_waiting_for_the_next() {
    let mut game = trio();
    disconnect(&mut game, "A", socket("A"), 100);
    disconnect(&mut game, "B", socket("B"), 2_000);
    drain(&mut game);
    game.handle(at(5_100), GameInput::Deadline).unwrap();
    let outputs = drain(&mut game);
    assert_eq!(outcome(&game, "A"), Some(Outcome::Disconnected));
    assert_eq!(told(&outputs, "C"), ["partner_left"]);
    assert!(
        outputs.iter().any(|output| matches!(
            output,
            GameOutput::Pause { to, event }
                if *to == who("C") && event.detecting_player == Some(PlayerId::Number(1))
        )),
        "B is still away: {outputs:?}"
    );
    game.handle(at(7_000), GameInput::Deadline).unwrap();
    assert_eq!(
        told(&drain(&mut game), "C"),
        ["partner_left", "p2p_game_ended"],
        "the first is repeated until acked"
    );
    assert_eq!(outcome(&game, "C"), Some(Outcome::PartnerDisconnected));
}

#[test]
fn two_whose_time_is_up_at_once_end_once() {
    let mut game = full_game();
    disconnect(&mut game, "A", socket("A"), 100);
    disconnect(&mut game, "B", socket("B"), 100);
    drain(&mut game);
    game.handle(at(5_100), GameInput::Deadline).unwrap();
    let outcomes = drain(&mut game)
        .into_iter()
        .filter(|output| matches!(output, GameOutput::Outcome { .. }))
        .count();
    assert_eq!(outcomes, 2);
    assert_eq!(outcome(&game, "A"), Some(Outcome::Disconnected));
    assert_eq!(outcome(&game, "B"), Some(Outcome::PartnerDisconnected));
}

#[test]
fn the_end_of_an_older_socket_changes_nothing() {
    let mut game = full_game();
    let tab = ConnectionId::try_from("a second tab").unwrap();
    let input = GameInput::Join {
        participant: who("A"),
        connection: tab.clone(),
    };
    game.handle(at(100), input).unwrap();
    drain(&mut game);
    disconnect(&mut game, "A", socket("A"), 200);
    assert!(drain(&mut game).is_empty());
    assert!(game.seat(&who("A")).unwrap().is_connected_by(&tab));
    disconnect(&mut game, "A", tab, 300);
    assert!(!game.seat(&who("A")).unwrap().is_connected());
}

#[test]
fn the_part_before_a_reload_is_not_taken_for_the_whole() {
    let mut game = full_game();
    let exported = |finished| GameInput::Exported {
        participant: who("B"),
        export: ExportId::try_from("before").unwrap(),
        finished,
    };
    game.handle(at(50), exported(false)).unwrap();
    exclude(&mut game, "A", 0, 100).unwrap();
    drain(&mut game);
    game.handle(at(150), exported(false)).unwrap();
    assert!(game.seat(&who("B")).unwrap().export.is_none());
    assert_eq!(game.next_deadline(), Some(at(1_100)), "B is still owed");
    game.handle(at(10_100), GameInput::Deadline).unwrap();
    assert!(drain(&mut game).contains(&GameOutput::RecordPartial {
        participant: who("B")
    }));
}

#[test]
fn the_last_words_of_a_page_are_kept() {
    let mut game = full_game();
    let status = LastStatus {
        frame: Frame(77),
        completed_episodes: 2,
        hidden_ms: at(0),
        at: at(90),
    };
    let input = GameInput::LastStatus {
        participant: who("A"),
        status,
    };
    game.handle(at(90), input).unwrap();
    assert_eq!(game.seat(&who("A")).unwrap().last_status, Some(status));
    assert!(drain(&mut game).is_empty());
}

#[test]
fn one_who_is_back_does_not_end_the_wait_for_another() {
    let mut game = trio();
    disconnect(&mut game, "A", socket("A"), 100);
    disconnect(&mut game, "B", socket("B"), 200);
    drain(&mut game);
    join(&mut game, "A", 300).unwrap();
    let told: Vec<_> = drain(&mut game)
        .into_iter()
        .filter_map(|output| match output {
            GameOutput::Resume { to, .. } => Some((to, None)),
            GameOutput::Pause { to, event } => Some((to, event.detecting_player)),
            _ => None,
        })
        .collect();
    let away = Some(PlayerId::Number(1));
    assert_eq!(
        told,
        [
            (who("B"), None),
            (who("C"), None),
            (who("A"), away.clone()),
            (who("C"), away),
        ]
    );
}

#[test]
fn who_asks_again_goes_back_or_on_and_nobody_goes_in_their_place() {
    let page = |proven, reopened| Applicant { proven, reopened };
    let said = |game: &GameSession, applicant| {
        game.admission(&who("A"), applicant)
            .map_err(|refusal| refusal.code)
    };
    let mut game = full_game();
    assert_eq!(
        said(&game, page(false, false)),
        Err(ErrorCode::Unauthorized)
    );
    assert_eq!(said(&game, page(true, true)), Ok(Admission::Back));
    assert_eq!(
        game.admission(&who("Z"), page(false, false)),
        Ok(Admission::Elsewhere)
    );

    exclude(&mut game, "A", 0, 100).unwrap();
    assert_eq!(said(&game, page(true, false)), Err(ErrorCode::AlreadyEnded));
    let export = GameInput::Exported {
        participant: who("A"),
        export: ExportId::try_from("e").unwrap(),
        finished: true,
    };
    game.handle(at(200), export).unwrap();
    // The page itself may go on to its next game; one that was opened anew has not been told where to go.
    assert_eq!(said(&game, page(true, false)), Ok(Admission::Elsewhere));
    assert_eq!(said(&game, page(true, true)), Err(ErrorCode::AlreadyEnded));
    let told = GameInput::Redirected {
        participant: who("A"),
    };
    game.handle(at(300), told).unwrap();
    assert_eq!(said(&game, page(true, true)), Ok(Admission::Elsewhere));
    assert_eq!(
        said(&game, page(false, false)),
        Err(ErrorCode::Unauthorized),
        "once somebody has played, nobody takes their place"
    );
}
