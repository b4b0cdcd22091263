//! The server stops or crashes in the middle of a game and starts again.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn restart(game: &mut GameSession, now: u64) {
    game.handle(at(now), GameInput::Restarted).unwrap();
    assert!(drain(game).is_empty(), "nobody is there to be told");
}

fn deadline(game: &mut GameSession, now: u64) -> Vec<GameOutput> {
    game.handle(at(now), GameInput::Deadline).unwrap();
    drain(game)
}

fn waited_for(outputs: &[GameOutput], name: &str) -> Option<Millis> {
    outputs.iter().find_map(|output| match output {
        GameOutput::Pause { to, event } if *to == who(name) => event.ms_remaining,
        _ => None,
    })
}

#[test]
fn a_restart_is_held_against_nobody_and_all_who_come_back_play_on() {
    let mut game = full_game();
    restart(&mut game, 1_000);
    assert_eq!(game.next_deadline(), Some(at(16_000)));
    assert!(deadline(&mut game, 15_999).is_empty());
    join(&mut game, "A", 15_999).unwrap();
    assert_eq!(waited_for(&drain(&mut game), "A"), Some(at(1)));
    join(&mut game, "B", 15_999).unwrap();
    assert_eq!(game.next_deadline(), None);
    assert_eq!([outcome(&game, "A"), outcome(&game, "B")], [None, None]);
}

#[test]
fn who_alone_does_not_come_back_after_a_restart_is_lost() {
    let mut game = full_game();
    restart(&mut game, 1_000);
    join(&mut game, "A", 2_000).unwrap();
    assert_eq!(waited_for(&drain(&mut game), "A"), Some(at(14_000)));
    deadline(&mut game, 16_000);
    assert_eq!(
        [outcome(&game, "A"), outcome(&game, "B")],
        [
            Some(Outcome::PartnerDisconnected),
            Some(Outcome::Disconnected)
        ]
    );
}

#[test]
fn if_nobody_comes_back_after_a_restart_the_server_ended_the_game() {
    let mut game = full_game();
    restart(&mut game, 1_000);
    deadline(&mut game, 16_000);
    for name in ["A", "B"] {
        assert_eq!(outcome(&game, name), Some(Outcome::ServerShutdown));
    }
    join(&mut game, "B", 60_000).unwrap();
    assert_eq!(told(&drain(&mut game), "B"), ["p2p_game_ended"]);
}

#[test]
fn who_was_away_when_the_server_stopped_is_waited_for_anew() {
    let mut game = full_game();
    disconnect(&mut game, "B", socket("B"), 0);
    drain(&mut game);
    restart(&mut game, 60_000);
    join(&mut game, "A", 60_500).unwrap();
    assert_eq!(waited_for(&drain(&mut game), "A"), Some(at(14_500)));
    assert!(deadline(&mut game, 74_999).is_empty());
    join(&mut game, "B", 74_999).unwrap();
    assert_eq!(outcome(&game, "B"), None);
}

#[test]
fn who_is_lost_again_after_coming_back_has_the_ordinary_grace() {
    let mut game = full_game();
    restart(&mut game, 1_000);
    join(&mut game, "A", 1_500).unwrap();
    join(&mut game, "B", 1_500).unwrap();
    disconnect(&mut game, "B", socket("B"), 2_000);
    assert_eq!(game.next_deadline(), Some(at(7_000)));
    deadline(&mut game, 7_000);
    assert_eq!(outcome(&game, "B"), Some(Outcome::Disconnected));
}

#[test]
fn a_grace_longer_than_that_after_a_restart_is_kept() {
    let mut settings = empty_game().settings().clone();
    settings.reconnect_grace = at(60_000);
    let mut game = GameSession::new(GameId::try_from("g2").unwrap(), 7, settings);
    join(&mut game, "A", 0).unwrap();
    join(&mut game, "B", 0).unwrap();
    drain(&mut game);
    restart(&mut game, 1_000);
    assert_eq!(game.next_deadline(), Some(at(61_000)));
}

#[test]
fn a_waiting_room_is_empty_after_a_restart() {
    let mut game = empty_game();
    join(&mut game, "A", 0).unwrap();
    drain(&mut game);
    restart(&mut game, 1_000);
    assert!(game.seats().is_empty());
    assert!(game.has_room());
}

#[test]
fn an_ending_that_a_restart_interrupted_goes_on_with_what_is_owed() {
    let mut game = full_game();
    exclude(&mut game, "A", 0, 100).unwrap();
    drain(&mut game);
    restart(&mut game, 1_000);
    join(&mut game, "B", 3_000).unwrap();
    assert_eq!(
        told(&drain(&mut game), "B"),
        ["partner_excluded", "trigger_data_export"]
    );
    assert_eq!(outcome(&game, "B"), Some(Outcome::PartnerExcluded));
}
