//! Games as states: times count from now, so that two games that differ by when they happened are one state.

use serde_json::{Value, json};
use stillhere_core::session::GameSession;
use stillhere_core::time::Millis;

/// Now, in every state.
pub const NOW: u64 = 1_000_000;
/// Time goes by in steps of this.
const TICK: u64 = 1_000;
pub const RECONNECT_GRACE: u64 = TICK;
pub const EXPORT_TIMEOUT: u64 = 2 * TICK;

pub fn read(text: &str) -> GameSession {
    serde_json::from_str(text).expect("a stored game")
}

/// The game as stored, moved in time so that `now` is [`NOW`] and what is past and done with leaves no trace.
pub fn write(game: &GameSession, now: Millis) -> String {
    let now = now.ceil();
    let mut value = serde_json::to_value(game).expect("a game");
    let phase = &mut value["phase"];
    for key in ["since", "at"] {
        if !phase[key].is_null() {
            phase[key] = json!(NOW);
        }
    }
    for seat in value["seats"].as_array_mut().expect("seats") {
        seat["joined_at"] = json!(NOW);
        age(&mut seat["presence"]["since"], now, RECONNECT_GRACE);
        let waited_for = seat["export"].is_null();
        age(
            &mut seat["standing"]["at"],
            now,
            if waited_for { EXPORT_TIMEOUT } else { 0 },
        );
        if !waited_for {
            seat["export"]["at"] = json!(NOW);
        }
        for delivery in seat["deliveries"].as_array_mut().expect("deliveries") {
            if !delivery["acked_at"].is_null() {
                delivery["acked_at"] = json!(NOW);
                delivery["owed"] = json!({"attempts": 0, "due": null});
                continue;
            }
            // When exactly it is repeated decides nothing: with the next tick of this clock.
            let owed = &mut delivery["owed"];
            let attempts = owed["attempts"].as_u64().unwrap_or_default().min(1);
            owed["attempts"] = json!(attempts);
            if !owed["due"].is_null() {
                owed["due"] = json!(NOW + TICK);
            }
        }
    }
    value.to_string()
}

/// A moment of the past keeps its distance as far as it matters.
fn age(moment: &mut Value, now: u64, matters: u64) {
    if let Some(at) = moment.as_u64() {
        *moment = json!(NOW - (now - at).min(matters));
    }
}
