//! What the incumbent's page gets wrong at the end of a game, and ours must not. The table in
//! `docs/ARCHITECTURE.md` names every such fault with its test; these had no other place.

use serde_json::{Value, json};
use stillhere_core::participant::{
    Messages, PageEvent, Participant, ParticipantInput, ParticipantOutput, SessionState,
};
use stillhere_core::time::Millis;
use stillhere_core::wire::JoinGame;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A page in a game, and everything that it was told to do.
struct Page {
    participant: Participant,
    now: u64,
    done: Vec<ParticipantOutput>,
}

impl Page {
    fn playing(game: &str) -> Self {
        let participant = Participant::new(Millis::from(1_000), "seed", Messages::default());
        let mut page = Self {
            participant,
            now: 0,
            done: Vec::new(),
        };
        page.say(ParticipantInput::Connected);
        page.say(ParticipantInput::Join(JoinGame::default()));
        page.begin(game);
        page
    }

    fn say(&mut self, input: ParticipantInput<'_, &Value>) {
        self.now += 10;
        self.participant.handle(Millis::from(self.now), input);
        self.done
            .extend(std::iter::from_fn(|| self.participant.poll()));
    }

    fn hear(&mut self, name: &str, payload: Value) {
        self.say(ParticipantInput::Event {
            name,
            payload: &payload,
        });
    }

    fn begin(&mut self, game: &str) {
        self.hear(
            "pyodide_player_assigned",
            json!({"player_id": 0, "game_id": game, "game_seed": 1, "num_players": 2}),
        );
        self.hear(
            "pyodide_game_ready",
            json!({"game_id": game, "players": [0, 1], "player_subjects": {}, "scene_metadata": {}}),
        );
        assert_eq!(self.participant.status().state, SessionState::Playing);
    }

    fn partner_excluded(&mut self, game: &str) {
        self.hear(
            "partner_excluded",
            json!({"message": "", "frame_number": 12, "reason": "partner_exclusion", "game_id": game}),
        );
        self.hear(
            "trigger_data_export",
            json!({"is_partial": true, "termination_reason": "partner_exclusion", "termination_frame": 12, "game_id": game}),
        );
    }

    fn status(&self) -> Value {
        let metrics = self.participant.metrics(Millis::from(self.now));
        serde_json::to_value(metrics).unwrap()["sessionStatus"].take()
    }
}

#[test]
fn completed_episodes_are_the_finished_ones() {
    let mut page = Page::playing("g1");
    for (frame, completed) in [(30, 1), (60, 2)] {
        page.say(ParticipantInput::EpisodeStarted);
        page.participant.frame(frame);
        page.say(ParticipantInput::EpisodeCompleted);
        assert_eq!(page.status()["completedEpisodes"], completed);
    }
    page.say(ParticipantInput::EpisodeStarted);
    page.participant.frame(70);
    page.partner_excluded("g1");
    let status = page.status();
    assert_eq!(
        (&status["completedEpisodes"], &status["isPartial"]),
        (&json!(2), &json!(true)),
        "the third episode was cut off"
    );
}

#[test]
fn the_partial_flag_of_one_game_does_not_leak_into_the_next() {
    let mut page = Page::playing("g1");
    page.say(ParticipantInput::EpisodeStarted);
    page.partner_excluded("g1");
    assert_eq!(page.status()["isPartial"], true);

    page.begin("g2");
    page.say(ParticipantInput::EpisodeStarted);
    page.say(ParticipantInput::EpisodeCompleted);
    page.say(ParticipantInput::Complete);
    let status = page.status();
    assert_eq!(
        (
            &status["isPartial"],
            &status["terminationReason"],
            &status["terminatedBy"],
            &status["completedEpisodes"]
        ),
        (&json!(false), &json!("normal"), &Value::Null, &json!(1))
    );
}

#[test]
fn nobody_drifts_into_another_scene_after_the_end() {
    let mut page = Page::playing("g1");
    page.partner_excluded("g1");
    page.done.clear();
    // What was on its way when the game ended, and what a confused server may still send.
    for (name, payload) in [
        (
            "pyodide_game_ready",
            json!({"game_id": "g1", "players": [], "player_subjects": {}, "scene_metadata": {"scene_id": "next"}}),
        ),
        (
            "pyodide_player_assigned",
            json!({"player_id": 0, "game_id": "g1", "game_seed": 1, "num_players": 2}),
        ),
        (
            "waiting_room",
            json!({"cur_num_players": 1, "players_needed": 1, "ms_remaining": 1}),
        ),
        ("p2p_resume", json!({"game_id": "g1"})),
        (
            "p2p_pause",
            json!({"game_id": "g1", "pause_frame": 1, "detecting_player": 1}),
        ),
    ] {
        page.hear(name, payload);
        assert_eq!(
            page.participant.status().state,
            SessionState::Ended,
            "{name}"
        );
    }
    page.say(ParticipantInput::Complete);
    page.say(ParticipantInput::Resume);
    assert_eq!(page.status()["terminationReason"], "partner_exclusion");
    let begun_again = page.done.iter().any(|output| {
        matches!(
            output,
            ParticipantOutput::NotifyReady
                | ParticipantOutput::StopGame(_)
                | ParticipantOutput::Notify(PageEvent::Assigned { .. } | PageEvent::Resumed {})
        )
    });
    assert!(!begun_again, "{:?}", page.done);
}

#[test]
fn the_partner_is_not_told_to_return_the_study() {
    let mut page = Page::playing("g1");
    page.partner_excluded("g1");
    // The partner's connection goes too, as MUG then told by another code path.
    page.hear(
        "p2p_game_ended",
        json!({"game_id": "g1", "reason": "partner_disconnected", "disconnected_player_id": 1}),
    );
    page.hear("end_game", json!({"message": "Please return the study."}));
    let mut messages = Vec::new();
    for output in &page.done {
        if let ParticipantOutput::Show(overlay) = output
            && !messages.contains(&overlay.message)
        {
            messages.push(overlay.message.clone());
        }
    }
    assert_eq!(
        messages,
        ["Your partner experienced a technical issue. The game has ended."]
    );
}
