//! One of several servers is gone, and the sockets that it held.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn lose(game: &mut GameSession, sockets: &[&str], now: u64) -> Vec<GameOutput> {
    let connections = sockets.iter().map(|name| socket(name)).collect();
    game.handle(at(now), GameInput::SocketsLost { connections })
        .unwrap();
    drain(game)
}

#[test]
fn a_partner_on_another_server_waits_as_long_as_after_a_restart() {
    let mut game = full_game();
    let told = lose(&mut game, &["A", "nobody"], 1_000);
    let [GameOutput::Pause { to, event }] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!((to, event.ms_remaining), (&who("B"), Some(at(15_000))));
    assert_eq!(game.next_deadline(), Some(at(16_000)));
    join(&mut game, "A", 15_000).unwrap();
    drain(&mut game);
    assert_eq!(game.next_deadline(), None);
    assert_eq!([outcome(&game, "A"), outcome(&game, "B")], [None, None]);
}

#[test]
fn who_does_not_come_back_from_it_is_lost() {
    let mut game = full_game();
    lose(&mut game, &["A"], 1_000);
    game.handle(at(16_000), GameInput::Deadline).unwrap();
    assert_eq!(
        [outcome(&game, "A"), outcome(&game, "B")],
        [
            Some(Outcome::Disconnected),
            Some(Outcome::PartnerDisconnected)
        ]
    );
}

#[test]
fn a_game_that_was_there_alone_was_ended_by_the_server() {
    let mut game = full_game();
    lose(&mut game, &["A", "B"], 1_000);
    game.handle(at(16_000), GameInput::Deadline).unwrap();
    let shutdown = Some(Outcome::ServerShutdown);
    assert_eq!([outcome(&game, "A"), outcome(&game, "B")], [shutdown; 2]);
}

#[test]
fn a_second_look_changes_nothing() {
    let mut game = full_game();
    lose(&mut game, &["A"], 1_000);
    let before = game.clone();
    assert!(lose(&mut game, &["A"], 9_000).is_empty());
    assert_eq!(game, before);
}

#[test]
fn a_seat_in_the_waiting_room_is_free_again() {
    let mut game = empty_game();
    join(&mut game, "A", 0).unwrap();
    drain(&mut game);
    assert!(lose(&mut game, &["B"], 1_000).is_empty());
    assert_eq!(game.seats().len(), 1);
    lose(&mut game, &["A"], 1_000);
    assert!(game.seats().is_empty());
    assert_eq!(game.next_deadline(), None);
}
