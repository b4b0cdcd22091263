//! What becomes of the data, and of a game that some leave: played in virtual time.

use serde_json::{Value, json};

use super::*;
use crate::ids::ExportId;
use crate::metrics::{TerminatedBy, TerminationReason};
use crate::time::Millis;
use crate::upload::ChunkAnswer;
use crate::wire::{ClientEvent, JoinGame};

type Input<'a> = ParticipantInput<'a, &'a Value>;

struct Page {
    machine: Participant,
    now: u64,
    outputs: Vec<ParticipantOutput>,
}

impl Page {
    /// In a game of three; `token` as the server gave it.
    fn playing(token: Option<&str>) -> Self {
        let machine = Participant::new(Millis::new(1.7e12), "seed", Messages::default());
        let mut page = Self {
            machine,
            now: 0,
            outputs: Vec::new(),
        };
        page.handle(ParticipantInput::Connected);
        page.handle(ParticipantInput::Join(JoinGame {
            participant_id: Some("ada".try_into().unwrap()),
            ..JoinGame::default()
        }));
        let answer = token.map(|token| {
            json!({"ok": true, "participant_id": "ada", "participant_token": token, "status": "waiting"})
        });
        page.handle(ParticipantInput::Acked {
            to: Expect::Join,
            body: answer.as_ref(),
        });
        page.tell(
            "pyodide_player_assigned",
            json!({"player_id": 0, "game_id": "g1", "game_seed": 1, "num_players": 3}),
        );
        page.tell(
            "pyodide_game_ready",
            json!({
                "game_id": "g1", "players": [0, 1, 2], "player_subjects": {},
                "scene_metadata": {"scene_id": "grid", "continuous_monitoring_enabled": false},
            }),
        );
        assert_eq!(page.machine.status().state, SessionState::Playing);
        page.outputs.clear();
        page
    }

    fn handle(&mut self, input: Input) {
        self.machine.handle(Millis::from(self.now), input);
        while let Some(output) = self.machine.poll() {
            self.outputs.push(output);
        }
    }

    fn tell(&mut self, name: &str, payload: Value) {
        self.handle(ParticipantInput::Event {
            name,
            payload: &payload,
        });
    }

    fn tick(&mut self, ms: u64) {
        self.now += ms;
        self.handle(ParticipantInput::Tick);
    }

    fn take(&mut self) -> Vec<ParticipantOutput> {
        std::mem::take(&mut self.outputs)
    }

    /// The export that was to be built last.
    fn built(&self) -> Option<(ExportId, Option<ExportOwner>)> {
        self.outputs.iter().rev().find_map(|output| match output {
            ParticipantOutput::BuildExport {
                export_id, owner, ..
            } => Some((export_id.clone(), owner.clone())),
            _ => None,
        })
    }

    fn kept(&mut self, export_id: &ExportId, bytes: u64, persisted: bool) {
        self.handle(ParticipantInput::ExportKept {
            export_id: export_id.clone(),
            bytes,
            persisted,
            uploadable: true,
        });
    }

    fn chunk(&mut self, export_id: &ExportId, answer: &Value) {
        self.handle(ParticipantInput::ChunkAnswered {
            export_id: export_id.clone(),
            answer: ChunkAnswer::Said(answer),
        });
    }

    fn refuse_by_socket(&mut self, export_id: &ExportId, code: &str) {
        let refusal = json!({"ok": false, "error": {"code": code, "message": "no"}});
        self.handle(ParticipantInput::Acked {
            to: Expect::Export(export_id.clone()),
            body: Some(&refusal),
        });
    }

    fn complete(&mut self, bytes: u64, persisted: bool) -> ExportId {
        self.handle(ParticipantInput::Complete);
        let (export_id, _) = self.built().unwrap();
        self.kept(&export_id, bytes, false);
        if persisted {
            self.kept(&export_id, bytes, true);
        }
        export_id
    }

    fn redirected(&mut self) {
        let answer = json!({"ok": true, "redirect_url": "/done", "redirect_timeout": 1_000});
        self.handle(ParticipantInput::Acked {
            to: Expect::Redirect,
            body: Some(&answer),
        });
    }

    fn sends_by_socket(&self) -> usize {
        self.count(|output| matches!(output, ParticipantOutput::SendExport { .. }))
    }

    fn chunks(&self) -> Vec<u64> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                ParticipantOutput::SendChunk { offset, .. } => Some(*offset),
                _ => None,
            })
            .collect()
    }

    fn dropped(&self) -> Vec<ExportId> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                ParticipantOutput::DropExport { export_id } => Some(export_id.clone()),
                _ => None,
            })
            .collect()
    }

    fn count(&self, which: impl Fn(&ParticipantOutput) -> bool) -> usize {
        self.outputs.iter().filter(|output| which(output)).count()
    }

    fn told(&self) -> Vec<&PageEvent> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                ParticipantOutput::Notify(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    fn shown(&self) -> &Overlay {
        self.outputs
            .iter()
            .rev()
            .find_map(|output| match output {
                ParticipantOutput::Show(overlay) => Some(overlay),
                _ => None,
            })
            .expect("an overlay")
    }

    fn went(&self) -> bool {
        self.count(|output| matches!(output, ParticipantOutput::Navigate { .. })) > 0
    }
}

const LIMIT: u64 = 256 * 1024;

fn received(export_id: &ExportId, bytes: u64, stored: bool) -> Value {
    json!({"ok": true, "export_id": export_id, "received": bytes, "stored": stored, "duplicate": false})
}

fn export(id: &str) -> ExportId {
    id.try_into().unwrap()
}

#[test]
fn a_small_export_goes_through_the_socket_once_it_is_built() {
    let mut page = Page::playing(Some("t"));
    page.handle(ParticipantInput::Complete);
    assert_eq!(page.sends_by_socket(), 0, "it is not built yet");
    let (export_id, owner) = page.built().unwrap();
    assert_eq!(owner.unwrap().token, "t");
    page.kept(&export_id, LIMIT, false);
    assert_eq!((page.sends_by_socket(), page.chunks().len()), (1, 0));
    let stored = json!({"ok": true, "duplicate": false});
    page.handle(ParticipantInput::Acked {
        to: Expect::Export(export_id.clone()),
        body: Some(&stored),
    });
    assert_eq!(page.dropped(), [export_id]);
    assert_eq!(page.shown().status, "Your game data has been saved.");
}

#[test]
fn a_large_export_goes_up_in_chunks() {
    let mut page = Page::playing(Some("t"));
    let export_id = page.complete(LIMIT + 1, false);
    assert_eq!((page.sends_by_socket(), page.chunks()), (0, vec![0]));
    page.chunk(&export_id, &received(&export_id, 5_000, false));
    assert_eq!(page.chunks(), [0, 5_000]);
    page.chunk(&export_id, &received(&export_id, 7_000, true));
    assert_eq!(page.dropped(), [export_id]);
    assert!(matches!(page.told()[..], [.., PageEvent::Exported { .. }]));
}

#[test]
fn what_cannot_go_up_in_chunks_goes_through_the_socket() {
    // A server that gives no token, and a browser that cannot compress.
    let mut page = Page::playing(None);
    page.complete(LIMIT + 1, false);
    assert_eq!(page.built().unwrap().1, None);
    assert_eq!((page.sends_by_socket(), page.chunks().len()), (1, 0));

    let mut page = Page::playing(Some("t"));
    page.handle(ParticipantInput::Complete);
    let (export_id, _) = page.built().unwrap();
    page.handle(ParticipantInput::ExportKept {
        export_id,
        bytes: LIMIT + 1,
        persisted: false,
        uploadable: false,
    });
    assert_eq!((page.sends_by_socket(), page.chunks().len()), (1, 0));
}

#[test]
fn what_the_socket_finds_too_large_goes_up_in_chunks() {
    let mut page = Page::playing(Some("t"));
    let export_id = page.complete(10, false);
    page.refuse_by_socket(&export_id, "too_large");
    assert_eq!(page.chunks(), [0]);
    assert_eq!(page.dropped(), []);
    page.chunk(&export_id, &received(&export_id, 10, true));
    assert_eq!(page.dropped(), [export_id]);
}

#[test]
fn what_is_refused_for_good_is_not_kept() {
    let mut page = Page::playing(Some("t"));
    let export_id = page.complete(10, true);
    page.refuse_by_socket(&export_id, "invalid_payload");
    assert_eq!(page.dropped(), [export_id]);
    // Nothing that will not happen is promised.
    assert_eq!(page.shown().status, Messages::default().refused);
}

#[test]
fn the_overlay_says_where_the_data_is() {
    let texts = Messages::default();
    for (persisted, late) in [(true, &texts.kept), (false, &texts.not_saved)] {
        let mut page = Page::playing(Some("t"));
        page.complete(10, persisted);
        assert_eq!(page.shown().status, texts.saving);
        page.tick(5_000);
        assert_eq!(page.shown().status, *late);
    }
}

#[test]
fn nobody_is_sent_away_from_data_that_only_this_page_has() {
    for persisted in [true, false] {
        let mut page = Page::playing(Some("t"));
        page.complete(10, persisted);
        page.tick(10_000);
        page.redirected();
        assert_eq!(
            page.shown().countdown.as_deref(),
            Some("You will be taken to the next page in 1 s.")
        );
        page.tick(1_000);
        assert_eq!(page.went(), persisted);
    }
}

#[test]
fn left_overs_are_sent_one_after_the_other_and_the_page_is_told_once() {
    let mut page = Page::playing(Some("t"));
    let (a, b) = (export("a"), export("b"));
    page.handle(ParticipantInput::LeftOvers(vec![a.clone(), b.clone()]));
    assert_eq!(page.chunks(), [0]);
    page.chunk(&a, &received(&a, 10, true));
    assert_eq!(page.chunks(), [0, 0]);
    assert_eq!(page.dropped(), [a]);
    page.handle(ParticipantInput::ChunkAnswered {
        export_id: b.clone(),
        answer: ChunkAnswer::Silence,
    });
    let told = PageEvent::LeftOvers { sent: 1, left: 1 };
    assert_eq!(*page.told().last().unwrap(), &told);
    page.take();
    page.handle(ParticipantInput::Online);
    assert_eq!(page.chunks(), [0]);
    page.chunk(&b, &received(&b, 10, true));
    assert_eq!(page.dropped(), [b]);
    assert!(!page.told().contains(&&told));
}

#[test]
fn an_empty_outbox_is_told_too() {
    let mut page = Page::playing(Some("t"));
    page.handle(ParticipantInput::LeftOvers(Vec::new()));
    assert_eq!(page.told(), [&PageEvent::LeftOvers { sent: 0, left: 0 }]);
}

#[test]
fn a_list_that_comes_late_does_not_send_what_this_page_is_sending() {
    let mut page = Page::playing(Some("t"));
    let export_id = page.complete(10, true);
    page.handle(ParticipantInput::LeftOvers(vec![export_id]));
    assert_eq!(page.chunks().len(), 0);
}

#[test]
fn a_page_that_goes_in_a_game_leaves_what_it_has_and_says_goodbye() {
    let mut page = Page::playing(Some("t"));
    page.machine.frame(77);
    page.handle(ParticipantInput::PageHide);
    let (first, owner) = page.built().unwrap();
    assert!(owner.is_some());
    let beacons: Vec<_> = page
        .outputs
        .iter()
        .filter_map(|output| match output {
            ParticipantOutput::Beacon(words) => Some(words),
            _ => None,
        })
        .collect();
    assert_eq!(beacons.len(), 1);
    assert_eq!(beacons[0].frame_number.0, 77);
    assert_eq!(beacons[0].participant_token, "t");
    page.kept(&first, LIMIT + 1, true);
    assert_eq!((page.sends_by_socket(), page.chunks().len()), (0, 0));
    let status = page.machine.metrics(Millis::ZERO).session_status;
    assert!(status.is_partial);
    assert_eq!(status.terminated_at_timestamp, None);

    // It was only put aside.
    page.handle(ParticipantInput::Visible);
    assert_eq!(page.dropped(), std::slice::from_ref(&first));
    page.handle(ParticipantInput::PageHide);
    let (second, _) = page.built().unwrap();
    assert_ne!(second, first);
    // A beat that was on its way is no sign that the page is back.
    page.handle(ParticipantInput::Beat {
        posted: Millis::ZERO,
    });
    assert_eq!(page.dropped(), std::slice::from_ref(&first));
    page.handle(ParticipantInput::Visible);
    assert_eq!(page.dropped(), [first.clone(), second.clone()]);
    let last = page.complete(10, false);
    assert!(last != first && last != second);
    assert_eq!(page.dropped().len(), 2);
}

#[test]
fn a_page_without_a_token_or_a_game_leaves_nothing() {
    let mut page = Page::playing(None);
    page.handle(ParticipantInput::PageHide);
    assert_eq!(page.outputs, []);
    let mut page = Page::playing(Some("t"));
    page.complete(10, true);
    page.take();
    page.handle(ParticipantInput::PageHide);
    assert_eq!(page.outputs, [], "the final export is kept already");
}

#[test]
fn a_page_that_goes_before_it_is_asked_to_export_builds_the_final_export() {
    let mut page = Page::playing(Some("t"));
    page.tell(
        "partner_excluded",
        json!({"message": "", "frame_number": 3, "reason": "partner_exclusion", "game_id": "g1", "delivery_id": "d"}),
    );
    assert_eq!(page.built(), None);
    page.handle(ParticipantInput::PageHide);
    let status = page.machine.metrics(Millis::ZERO).session_status;
    assert!(page.built().is_some());
    assert_eq!(
        status.termination_reason,
        TerminationReason::PartnerExclusion
    );
    assert!(status.terminated_at_timestamp.is_some());
}

#[test]
fn the_next_game_does_not_lose_the_data_of_the_last() {
    let mut page = Page::playing(Some("t"));
    let export_id = page.complete(10, true);
    page.tell(
        "pyodide_player_assigned",
        json!({"player_id": 1, "game_id": "g2", "game_seed": 1, "num_players": 2}),
    );
    assert_eq!(page.chunks(), [0]);
    page.chunk(&export_id, &received(&export_id, 10, true));
    assert_eq!(page.dropped(), [export_id]);
}

#[test]
fn the_next_game_does_not_lose_what_is_still_being_built() {
    let mut page = Page::playing(Some("t"));
    page.handle(ParticipantInput::Complete);
    let (export_id, _) = page.built().unwrap();
    page.tell(
        "pyodide_player_assigned",
        json!({"player_id": 1, "game_id": "g2", "game_seed": 1, "num_players": 2}),
    );
    assert!(page.chunks().is_empty());
    page.kept(&export_id, 10, false);
    assert_eq!(page.chunks(), [0]);
    page.kept(&export_id, 10, true);
    page.chunk(&export_id, &received(&export_id, 10, true));
    assert_eq!((page.chunks().len(), page.dropped()), (1, vec![export_id]));
}

#[test]
fn only_a_page_that_goes_builds_its_export_at_once() {
    let at_once = |page: &Page| -> Vec<bool> {
        let builds = page.outputs.iter().filter_map(|output| match output {
            ParticipantOutput::BuildExport { at_once, .. } => Some(*at_once),
            _ => None,
        });
        builds.collect()
    };
    let mut page = Page::playing(Some("t"));
    page.handle(ParticipantInput::PageHide);
    page.handle(ParticipantInput::Visible);
    page.handle(ParticipantInput::Complete);
    assert_eq!(at_once(&page), [true, false]);
}

fn taken_over(page: &mut Page) {
    page.tell("end_game", json!({"reason": "taken_over"}));
}

#[test]
fn a_seat_that_is_taken_over_ends_here_without_an_end() {
    let mut page = Page::playing(Some("t"));
    taken_over(&mut page);
    let (export_id, _) = page.built().unwrap();
    assert_eq!(page.told(), [&PageEvent::TakenOver {}]);
    assert!(page.outputs.contains(&ParticipantOutput::StopGame(Stop {
        reason: StopReason::TakenOver,
        terminated_by: None,
    })));
    assert!(page.outputs.contains(&ParticipantOutput::ForgetToken));
    assert_eq!(page.shown().heading, "You went on in another tab");
    let status = page.machine.metrics(Millis::ZERO).session_status;
    assert_eq!(status.terminated_at_timestamp, None);
    // The socket speaks for the other tab now.
    page.kept(&export_id, 10, true);
    assert_eq!((page.sends_by_socket(), page.chunks()), (0, vec![0]));
    page.chunk(&export_id, &received(&export_id, 10, true));
    assert_eq!(
        page.shown().status,
        "Your game data has been saved. You may close this page now."
    );
    page.tick(60_000);
    let asked = page.count(|output| {
        matches!(
            output,
            ParticipantOutput::Emit {
                event: ClientEvent::RequestRedirect(_),
                ..
            }
        )
    });
    assert_eq!(asked, 0);
    taken_over(&mut page);
    assert_eq!(
        page.count(|output| matches!(output, ParticipantOutput::StopGame(_))),
        1
    );
}

fn left(player: u64, delivery: &str) -> Value {
    json!({
        "game_id": "g1", "player_id": player, "frame_number": 9, "num_players": 2, "message": "",
        "delivery_id": delivery,
    })
}

fn paused_by(page: &mut Page, player: u64) {
    page.tell(
        "p2p_pause",
        json!({"game_id": "g1", "pause_frame": 8, "detecting_player": player}),
    );
    assert_eq!(page.machine.status().state, SessionState::Paused);
}

#[test]
fn a_partner_who_leaves_does_not_end_the_game() {
    let mut page = Page::playing(Some("t"));
    page.now = 50;
    paused_by(&mut page, 1);
    page.take();
    page.tell("partner_left", left(1, "d1"));
    assert_eq!(page.machine.status().state, SessionState::Playing);
    let text = Messages::default().partner_left.to_string();
    assert!(
        page.outputs
            .contains(&ParticipantOutput::Banner(text.clone()))
    );
    let told = PageEvent::PartnerLeft {
        player_id: crate::ids::PlayerId::Number(1),
        num_players: 2,
        frame: crate::ids::Frame(9),
        message: text,
    };
    assert_eq!(page.told(), [&told, &PageEvent::Resumed {}]);
    // Repeats, with and without the same delivery, are no news.
    page.take();
    page.tell("partner_left", left(1, "d1"));
    page.tell("partner_left", left(1, "d2"));
    assert_eq!(page.outputs, []);
    let metrics = page.machine.metrics(Millis::from(50_u64));
    let departures = serde_json::to_value(metrics.partners_left).unwrap();
    assert_eq!(departures, json!([{"playerId": 1, "frame": 9, "atMs": 50}]));
}

#[test]
fn the_game_still_waits_for_another_who_is_away() {
    let mut page = Page::playing(Some("t"));
    paused_by(&mut page, 2);
    page.tell("partner_left", left(1, "d1"));
    assert_eq!(page.machine.status().state, SessionState::Paused);
}

#[test]
fn who_is_excluded_while_the_others_go_on_ends_as_ever() {
    let mut page = Page::playing(Some("t"));
    page.tell(
        "participant_excluded",
        json!({
            "game_id": "g1", "player_id": 0, "reason": "sustained_ping", "message": "Too slow.",
            "frame_number": 5, "delivery_id": "d",
        }),
    );
    let stop = Stop {
        reason: StopReason::Ended(TerminationReason::SustainedPing),
        terminated_by: Some(TerminatedBy::Server),
    };
    assert!(page.outputs.contains(&ParticipantOutput::StopGame(stop)));
    assert!(page.built().is_some());
}
