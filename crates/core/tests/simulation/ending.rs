//! How games end, for everybody in them.

use crate::world::{Weather, World};
use serde_json::{Value, json};
use stillhere_core::participant::{OverlayKind, ParticipantInput, SessionState};
use stillhere_core::session::Phase;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn watched() -> Value {
    json!({
        "continuous_monitoring_enabled": true,
        "continuous_max_ping": 500,
        "continuous_tab_warning_ms": 1_000,
        "continuous_tab_exclude_ms": 3_000,
    })
}

fn play_one_episode(world: &mut World) {
    for index in 0..world.clients.len() {
        world.say(index, ParticipantInput::EpisodeStarted);
    }
    for frame in 0..90 {
        for index in 0..world.clients.len() {
            world.frame(index, frame);
        }
        world.run(30);
    }
    for index in 0..world.clients.len() {
        world.say(index, ParticipantInput::EpisodeCompleted);
        world.say(index, ParticipantInput::EpisodeStarted);
    }
    for frame in 90..120 {
        for index in 0..world.clients.len() {
            world.frame(index, frame);
        }
        world.run(30);
    }
}

fn status(world: &World, index: usize) -> &Value {
    &world.export_of(index)["sessionStatus"]
}

#[test]
fn a_hidden_tab_ends_the_game_kindly_for_both() {
    let mut world = World::playing(2, watched(), 1);
    play_one_episode(&mut world);
    world.hide(0);
    world.run(3_200);

    assert_eq!(world.clients[0].banners, 1);
    assert_eq!(
        world.clients[0].overlay().kind,
        OverlayKind::MonitorExclusion
    );
    let partner = &world.clients[1];
    assert_eq!(partner.overlay().kind, OverlayKind::PartnerExcluded);
    assert_eq!(partner.overlay().heading, "Game Ended");
    assert_eq!(
        partner.overlay().message,
        "Your partner experienced a technical issue. The game has ended."
    );
    assert!(!world.clients[0].saw("partner"));
    assert_eq!(status(&world, 0)["isPartial"], true);
    assert_eq!(status(&world, 0)["terminationReason"], "tab_hidden");
    assert_eq!(status(&world, 0)["terminatedBy"], "self");
    assert_eq!(status(&world, 0)["terminationFrame"], 119);
    assert_eq!(status(&world, 0)["completedEpisodes"], 1);
    assert_eq!(status(&world, 1)["terminationReason"], "partner_exclusion");
    assert_eq!(status(&world, 1)["terminatedBy"], "partner");
    assert_eq!(status(&world, 1)["terminationFrame"], 119);
    assert_eq!(status(&world, 1)["completedEpisodes"], 1);
    assert_eq!(status(&world, 1)["disconnectedPlayerId"], Value::Null);

    world.run(4_000);
    assert_eq!(world.clients[0].went_to, ["/done.html?outcome=excluded"]);
    assert_eq!(
        world.clients[1].went_to,
        ["/done.html?outcome=partner_excluded"]
    );
    assert!(matches!(world.game.phase(), Phase::Ended { .. }));
}

#[test]
fn the_overlay_says_saved_only_once_the_server_has_acked() {
    let mut world = World::playing(2, watched(), 1);
    world.storage_broken = true;
    world.hide(0);
    world.run(9_000);
    let saved = "Your game data has been saved.";
    assert!(
        !world.clients[1]
            .overlays
            .iter()
            .any(|overlay| overlay.status.contains(saved))
    );
    assert!(
        world.clients[1]
            .overlay()
            .status
            .contains("could not be saved yet")
    );
    assert!(world.clients[1].went_to.is_empty());
    world.run(60_000);
    // Where to go is known by now, but nobody is sent away from data that is not saved.
    assert!(world.clients[1].overlay().button.is_some());
    assert!(world.clients[1].went_to.is_empty());

    world.storage_broken = false;
    world.run(12_000);
    assert_eq!(world.clients[1].heard("exported"), 1);
    assert!(
        world.clients[1]
            .overlays
            .iter()
            .any(|overlay| overlay.status.contains(saved))
    );
    assert_eq!(world.clients[1].went_to.len(), 1);
    world.export_of(0);
    world.export_of(1);
}

#[test]
fn frame_zero_and_player_zero_are_values() {
    let mut world = World::playing(2, watched(), 1);
    world.hide(0);
    world.run(3_200);
    assert_eq!(status(&world, 0)["terminationFrame"], 0);
    assert_eq!(world.export_of(0)["playerId"], 0);

    let mut world = World::playing(2, watched(), 1);
    world.close(0);
    world.run(6_000);
    assert_eq!(status(&world, 1)["disconnectedPlayerId"], 0);
    assert_eq!(
        status(&world, 1)["terminationReason"],
        "partner_disconnected"
    );
}

#[test]
fn both_excluded_at_once_ends_once() {
    let mut world = World::playing(2, watched(), 1);
    world.hide(0);
    world.hide(1);
    world.run(20_000);
    let reasons: Vec<&Value> = (0..2)
        .map(|index| &status(&world, index)["terminationReason"])
        .collect();
    assert_eq!(reasons, ["tab_hidden", "partner_exclusion"]);
    assert_eq!(
        world
            .outcomes
            .iter()
            .map(|(_, outcome)| *outcome)
            .collect::<Vec<_>>(),
        ["excluded", "partner_excluded"]
    );
    let second = world.game.seat(&crate::world::participant("B")).unwrap();
    assert!(second.also_excluded.is_some());
    for client in &world.clients {
        assert_eq!(client.stops.len(), 1);
        assert_eq!(
            client.heard("excluded") + client.heard("partnerExcluded"),
            1
        );
    }
}

#[test]
fn a_game_played_to_its_end_is_not_partial() {
    let mut world = World::playing(2, watched(), 1);
    play_one_episode(&mut world);
    for index in 0..2 {
        world.say(index, ParticipantInput::EpisodeCompleted);
        world.say(index, ParticipantInput::Complete);
    }
    world.run(5_000);
    for index in 0..2 {
        assert_eq!(status(&world, index)["isPartial"], false);
        assert_eq!(status(&world, index)["terminationReason"], "normal");
        assert_eq!(status(&world, index)["terminatedBy"], Value::Null);
        assert_eq!(status(&world, index)["completedEpisodes"], 2);
        assert_eq!(
            world.clients[index].went_to,
            ["/done.html?outcome=completed"]
        );
    }
    assert!(matches!(world.game.phase(), Phase::Ended { .. }));
}

#[test]
fn who_finished_first_is_not_touched_by_what_happens_to_the_partner() {
    let mut world = World::playing(2, watched(), 1);
    world.say(0, ParticipantInput::Complete);
    world.run(100);
    world.hide(1);
    world.run(10_000);
    assert_eq!(status(&world, 0)["isPartial"], false);
    assert_eq!(status(&world, 1)["terminationReason"], "tab_hidden");
    assert_eq!(world.clients[0].heard("partnerExcluded"), 0);
    assert!(matches!(world.game.phase(), Phase::Ended { .. }));
}

#[test]
fn a_partner_who_reconnects_in_time_plays_on() {
    let mut world = World::playing(2, watched(), 1);
    world.disconnect(0);
    world.run(2_000);
    assert_eq!(
        world.clients[1].machine.status().state,
        SessionState::Paused
    );
    assert_eq!(world.clients[1].overlay().kind, OverlayKind::Reconnecting);
    assert_eq!(world.clients[0].overlay().kind, OverlayKind::Reconnecting);
    world.connect(0);
    world.run(20_000);
    for client in &world.clients {
        assert_eq!(client.machine.status().state, SessionState::Playing);
        assert_eq!((client.heard("paused"), client.heard("resumed")), (1, 1));
        assert!(client.stops.is_empty());
    }
}

#[test]
fn a_partner_who_does_not_reconnect_ends_the_game_for_the_other() {
    let mut world = World::playing(2, watched(), 1);
    world.disconnect(1);
    world.run(5_200);
    assert_eq!(
        world.clients[0].overlay().message,
        "Your partner's connection was lost. The game has ended."
    );
    assert_eq!(
        status(&world, 0)["terminationReason"],
        "partner_disconnected"
    );
    // The lost one comes back later: it is told, and its data is stored though the server has
    // written a record of its own.
    world.run(20_000);
    assert_eq!(world.partial_records, [crate::world::participant("B")]);
    world.connect(1);
    world.run(10_000);
    assert_eq!(
        status(&world, 1)["terminationReason"],
        "partner_disconnected"
    );
    assert_eq!(status(&world, 1)["terminatedBy"], "self");
    assert_eq!(status(&world, 1)["disconnectedPlayerId"], 1);
    assert_eq!(
        world.clients[1].went_to,
        ["/done.html?outcome=disconnected"]
    );
}

#[test]
fn the_server_can_exclude_a_participant_who_did_not_report_itself() {
    let mut world = World::playing(2, watched(), 1);
    world.server_verdict(0).unwrap();
    world.run(5_000);
    assert_eq!(status(&world, 0)["terminationReason"], "unresponsive");
    assert_eq!(status(&world, 0)["terminatedBy"], "server");
    assert_eq!(status(&world, 1)["terminationReason"], "partner_exclusion");
    assert!(!world.clients[0].saw("partner"));
}

#[test]
fn three_players_are_all_told() {
    let mut world = World::playing(3, watched(), 1);
    world.hide(1);
    world.run(5_000);
    assert_eq!(status(&world, 0)["terminationReason"], "partner_exclusion");
    assert_eq!(status(&world, 1)["terminationReason"], "tab_hidden");
    assert_eq!(status(&world, 2)["terminationReason"], "partner_exclusion");
}

#[test]
fn nobody_to_play_with_ends_the_waiting_with_a_way_out() {
    let mut world = World::new(2, watched(), 1);
    world.connect(0);
    let join = stillhere_core::wire::JoinGame::default();
    world.say(0, ParticipantInput::Join(join));
    world.run(70_000);
    assert_eq!(
        world.clients[0].overlay().kind,
        OverlayKind::SessionComplete
    );
    assert_eq!(
        world.clients[0].went_to,
        ["/done.html?outcome=waiting_room_timeout"]
    );
    assert!(world.stored.is_empty());
}

#[test]
fn focus_loss_ends_the_game_for_both() {
    let mut metadata = watched();
    metadata["continuous_tab_exclude_ms"] = Value::Null;
    metadata["focus_loss_timeout_ms"] = json!(4_000);
    let mut world = World::playing(2, metadata, 1);
    world.hide(0);
    world.run(6_000);
    assert_eq!(status(&world, 0)["terminationReason"], "focus_loss_timeout");
    assert_eq!(status(&world, 0)["terminatedBy"], "self");
    assert_eq!(world.export_of(0)["focusLoss"]["wasTimeoutTriggered"], true);
    assert_eq!(status(&world, 1)["terminationReason"], "focus_loss_timeout");
    assert_eq!(status(&world, 1)["terminatedBy"], "partner");
}

#[test]
fn an_invalid_setting_excludes_nobody_and_is_reported() {
    let mut metadata = watched();
    metadata["continuous_tab_exclude_ms"] = json!(-1);
    let mut world = World::playing(2, metadata, 1);
    world.hide(0);
    world.run(30_000);
    assert!(world.clients[0].stops.is_empty());
    assert_eq!(world.clients[0].heard("error"), 1);
}

/// All that may happen.
const ALL_KINDS: u64 = 10;
/// Of these, what leaves everybody connected and playing.
const KINDS_WITHIN_REACH: u64 = 6;

/// What happens to whom in one random schedule.
fn disturb(world: &mut World, kinds: u64) {
    let players = world.clients.len() as u64;
    let who = usize::try_from(world.dice.below(players)).unwrap();
    match world.dice.below(kinds) {
        0 | 1 => world.hide(who),
        2 | 3 => world.show(who),
        4 => world.storage_broken = !world.storage_broken,
        5 => {
            let _ = world.server_verdict(who);
        }
        6 | 7 => world.connect(who),
        8 => world.disconnect(who),
        _ => world.say(who, ParticipantInput::Complete),
    }
}

fn check(world: &World, seed: u64) {
    assert!(
        matches!(world.game.phase(), Phase::Ended { .. }),
        "seed {seed}: the game is over"
    );
    for (index, client) in world.clients.iter().enumerate() {
        let seat = world.game.seat(&client.id).expect("a seat");
        let outcome = seat
            .outcome()
            .unwrap_or_else(|| panic!("seed {seed}: {index} has an outcome"));
        let times = world
            .outcomes
            .iter()
            .filter(|(who, _)| *who == client.id)
            .count();
        assert_eq!(times, 1, "seed {seed}: {index} has one outcome");
        assert_eq!(
            client.stops.len(),
            1,
            "seed {seed}: {index} is stopped once"
        );
        let told: usize = ["excluded", "partnerExcluded", "partnerDisconnected"]
            .iter()
            .map(|name| client.heard(name))
            .sum();
        assert!(told <= 1, "seed {seed}: {index} is told once");
        let excluded = outcome.as_str() == "excluded";
        if excluded {
            assert_eq!(
                client.heard("partnerExcluded"),
                0,
                "seed {seed}: {index} was excluded"
            );
        }
        let metrics = world.export_of(index);
        assert_eq!(
            metrics["sessionStatus"]["isPartial"],
            json!(metrics["sessionStatus"]["terminationReason"] != "normal"),
            "seed {seed}"
        );
        assert_eq!(client.went_to.len(), 1, "seed {seed}: {index} was sent on");
        assert!(
            seat.deliveries
                .iter()
                .all(|delivery| delivery.acked_at.is_some()),
            "seed {seed}: {index} was told all"
        );
    }
}

/// Plays one random schedule to its end.
fn random_game(seed: u64, weather: Weather, kinds: u64) -> World {
    let players = 2 + usize::try_from(seed % 2).unwrap();
    let mut world = World::playing(players, watched(), seed);
    world.weather = weather;
    for _ in 0..12 {
        let pause = world.dice.below(2_500);
        world.run(pause);
        disturb(&mut world, kinds);
    }
    // The storm is over; those who still play finish.
    world.storage_broken = false;
    world.weather = crate::world::FAIR;
    for index in 0..players {
        world.connect(index);
        world.show(index);
    }
    world.run(2_000);
    for index in 0..players {
        world.say(index, ParticipantInput::Complete);
    }
    world.run(60_000);
    world
}

const SCHEDULES: u64 = if cfg!(target_arch = "wasm32") {
    50
} else {
    2_000
};

#[test]
fn whatever_happens_every_game_ends_once_and_no_data_is_lost() {
    for seed in 0..SCHEDULES {
        let weather = Weather {
            delay: 5,
            jitter: 300,
            loss: 5,
            duplicates: 5,
        };
        check(&random_game(seed, weather, ALL_KINDS), seed);
    }
}

/// A page out of reach ends its session as it sees it, and may differ from the server's record. As
/// long as messages arrive the two say the same.
#[test]
fn what_a_page_exports_agrees_with_the_servers_record() {
    for seed in 0..SCHEDULES {
        let weather = Weather {
            delay: 5,
            jitter: 300,
            loss: 0,
            duplicates: 5,
        };
        let world = random_game(seed, weather, KINDS_WITHIN_REACH);
        for (index, client) in world.clients.iter().enumerate() {
            let outcome = world.game.seat(&client.id).unwrap().outcome().unwrap();
            let (reason, _) = outcome.termination().expect("a game was played");
            let exported = &status(&world, index)["terminationReason"];
            assert_eq!(*exported, reason.as_str(), "seed {seed}, client {index}");
        }
    }
}
