//! How games end, for everybody in them.

use crate::world::World;
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
    assert!(matches!(world.game().phase(), Phase::Ended { .. }));
}

#[test]
fn the_overlay_says_saved_only_once_the_server_has_acked() {
    let mut world = World::playing(2, watched(), 1);
    world.disks = false;
    world.hide(0);
    while world.clients[1].heard("partnerExcluded") == 0 {
        world.run(1);
    }
    world.server.storage_broken = true;
    world.run(6_000);
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

    world.server.storage_broken = false;
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
        (0..2)
            .map(|who| world.outcome_of(who).unwrap().as_str())
            .collect::<Vec<_>>(),
        ["excluded", "partner_excluded"]
    );
    let second = world.game().seat(&crate::world::participant(1)).unwrap();
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
    assert!(matches!(world.game().phase(), Phase::Ended { .. }));
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
    assert!(matches!(world.game().phase(), Phase::Ended { .. }));
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
    assert!(world.has_partial_record(1));
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
    assert!(world.server.storage.exports.is_empty());
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
