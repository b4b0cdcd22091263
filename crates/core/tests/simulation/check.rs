//! What must hold in every schedule.

use stillhere_core::ids::DeliveryId;
use stillhere_core::participant::{OverlayKind, StopReason};
use stillhere_core::session::{ExportOrigin, GameSession, Outcome, Phase, Seat};

use crate::network::Socket;
use crate::page::EndedBy;
use crate::world::World;

/// The events by which a page learns how it ended.
const ENDINGS: [&str; 3] = ["excluded", "partnerExcluded", "partnerDisconnected"];

impl World {
    /// A delivery reaches a page: it must be one that is stored, and one that is meant for them.
    pub fn check_told(&self, page: usize, name: &str, delivery: &DeliveryId) {
        let client = &self.clients[page];
        let seat = self.seat(client.who);
        let stored = seat.is_some_and(|seat| {
            seat.deliveries.iter().any(|owed| {
                owed.id == *delivery && owed.event.to_server_event::<()>().name() == name
            })
        });
        self.check(stored, || {
            format!("page {page} is told of {delivery} ({name}), which is not stored")
        });
        let excluded = matches!(seat.and_then(Seat::outcome), Some(Outcome::Excluded(_)));
        let partners = matches!(name, "partner_excluded" | "trigger_data_export");
        self.check(!(excluded && partners), || {
            format!("page {page} is excluded, and never gets the partner's {name}")
        });
    }

    pub fn check_overlay(&self, page: usize, kind: OverlayKind) {
        let excluded = matches!(
            self.seat(self.clients[page].who).and_then(Seat::outcome),
            Some(Outcome::Excluded(_))
        );
        self.check(!(excluded && kind == OverlayKind::PartnerExcluded), || {
            format!("page {page} is excluded, and never sees the partner's overlay")
        });
    }

    /// Everything that must hold when all is over.
    pub fn check_end(&self) {
        self.check(self.calm, || "the storm ends".to_owned());
        self.check_game();
        for who in 0..self.browsers.len() {
            self.check_participant(who);
        }
        for page in 0..self.clients.len() {
            self.check_page(page);
        }
        let stored = serde_json::to_string(self.game()).unwrap();
        let loaded: GameSession = serde_json::from_str(&stored).unwrap();
        self.check(loaded == *self.game(), || {
            "a stored game is read as it was".to_owned()
        });
    }

    fn check_game(&self) {
        let storage = &self.server.storage;
        if storage.game.seats().is_empty() {
            // Everybody has left the waiting room.
            return;
        }
        let over = matches!(storage.game.phase(), Phase::Ended { .. });
        self.check(over, || format!("the game ends: {:?}", storage.game));
        self.check(storage.ended == 1, || "the game ends once".to_owned());
        let verdicts = storage
            .game
            .seats()
            .iter()
            .filter(|seat| seat.verdict.is_some())
            .count();
        let goes_on =
            storage.game.settings().on_exclusion == stillhere_core::session::OnExclusion::Continue;
        let most = if goes_on { 2 } else { 1 };
        self.check(verdicts <= most, || {
            format!("{verdicts} verdicts ended one game")
        });
    }

    /// Whatever a browser had written is with the server, unless the browser was never opened again.
    pub fn check_every_export(&self) {
        for (who, browser) in self.browsers.iter().enumerate() {
            let left = browser.outbox.keys().next();
            self.check(browser.gone || left.is_none(), || {
                format!("{who}: every export finds its way: {left:?}")
            });
        }
        for client in &self.clients {
            let who = client.who;
            for id in &client.kept {
                let stored = self.server.storage.exports.contains_key(&(who, id.clone()));
                let kept = self.browsers[who].gone && self.browsers[who].outbox.contains_key(id);
                self.check(stored || kept, || format!("{who}: the export {id} is lost"));
            }
        }
    }

    fn check_participant(&self, who: usize) {
        let browser = &self.browsers[who];
        let Some(seat) = self.seat(who) else {
            return;
        };
        let outcome = seat.outcome();
        self.check(outcome.is_some(), || format!("{who} has an outcome"));
        // A page that has shown the end and gone on may have gone before its ack. Without the answer to its join a page
        // cannot prove who it is, and is taken for somebody new once the game is over.
        let mut pages = self.clients.iter().filter(|client| client.who == who);
        let knows = pages.any(|client| !client.went_to.is_empty() || client.elsewhere);
        let mut pages = self.clients.iter().filter(|client| client.who == who);
        let there = pages.any(|client| client.open && !client.taken_over);
        if there && browser.has_token && !knows {
            let owed = seat.deliveries.iter().find(|owed| owed.acked_at.is_none());
            self.check(owed.is_none(), || format!("{who} is told all: {owed:?}"));
        }
        if !self.server.storage.played {
            return;
        }
        let of_them: Vec<_> = self
            .server
            .storage
            .exports
            .iter()
            .filter(|((of, _), stored)| *of == who && stored.finished)
            .collect();
        let by_client = of_them
            .iter()
            .filter(|(_, stored)| stored.origin == ExportOrigin::Client)
            .count();
        let Some(export) = &seat.export else {
            self.check(false, || format!("{who} has no final record"));
            return;
        };
        let expected = if by_client > 0 {
            ExportOrigin::Client
        } else {
            ExportOrigin::Server
        };
        self.check(export.origin == expected, || {
            format!("{who}: the final record is the page's own if there is one")
        });
        let stored = match &export.id {
            Some(id) => of_them.iter().any(|((_, of), _)| of == id),
            None => of_them
                .iter()
                .any(|(_, stored)| stored.origin == ExportOrigin::Server),
        };
        self.check(stored, || {
            format!("{who}: the final record {export:?} is stored and finished")
        });
        let ended = self
            .clients
            .iter()
            .filter(|client| client.who == who && client.ended_by.is_some())
            .count();
        self.check(by_client <= ended, || {
            format!("{who}: {by_client} final records of {ended} pages")
        });
    }

    fn check_page(&self, page: usize) {
        let client = &self.clients[page];
        let told: usize = ENDINGS.iter().map(|name| client.heard(name)).sum();
        self.check(told <= 1, || format!("page {page} is told once"));
        self.check(client.heard("partnerLeft") <= 1, || {
            format!("page {page} is told once who left")
        });
        let kinds = &client.final_kinds;
        self.check(kinds.len() <= 1, || {
            format!("page {page} sees one ending: {kinds:?}")
        });
        let stops = client.stops.iter();
        let ended = stops.filter(|stop| stop.reason != StopReason::TakenOver);
        self.check(ended.count() <= 1, || {
            format!("page {page} is stopped once")
        });
        self.check(client.went_to.len() <= 1, || {
            format!("page {page} is sent on once")
        });
        // Closed for another reason than having come to the end of it.
        if !client.open && client.went_to.is_empty() {
            return;
        }
        self.check(self.is_page_done(page), || {
            format!(
                "page {page} comes to an end: {:?}, seat {:?}",
                client.machine.status(),
                self.seat(client.who)
            )
        });
        if client.elsewhere || !self.browsers[client.who].has_token || self.is_superseded(page) {
            return;
        }
        let Some(outcome) = self.outcome_of(client.who) else {
            return;
        };
        let Some((reason, _)) = outcome.termination() else {
            return;
        };
        if !self.server.storage.played {
            return;
        }
        self.check(kinds.len() == 1, || format!("page {page} sees its ending"));
        let knew = client.ended_by == Some(EndedBy::Server);
        for id in &client.built {
            let key = (client.who, id.clone());
            let Some(stored) = self.server.storage.exports.get(&key) else {
                continue;
            };
            if !stored.finished {
                continue;
            }
            let status = &stored.status;
            let partial =
                status.termination_reason != stillhere_core::metrics::TerminationReason::Normal;
            self.check(status.is_partial == partial, || {
                format!("page {page}: partial is what is not normal")
            });
            let heard = client.report_answered && !client.report_was_late;
            if knew || heard {
                self.check(status.termination_reason == reason, || {
                    format!("page {page} exports {status:?}, the server has {outcome:?}")
                });
            }
        }
        if knew && matches!(outcome, Outcome::PartnerExcluded) {
            self.check(client.heard("partnerExcluded") == 1, || {
                format!("page {page} is told of the exclusion")
            });
        }
        if knew && matches!(outcome, Outcome::Excluded(_)) {
            self.check(client.heard("excluded") == 1, || {
                format!("page {page} is told of its exclusion")
            });
        }
    }

    /// Every message of the schedule comes once more: nothing changes.
    pub fn replay_everything(&mut self) {
        let handled = std::mem::take(&mut self.handled);
        let before = self.server.storage.clone();
        for (who, packet) in handled {
            let page = self.page_of(who).unwrap_or(who);
            let socket = self.sockets.len();
            self.sockets.push(Socket {
                page_side: false,
                bound: Some(who),
                ..Socket::new(page)
            });
            let told = self.verbose.then(|| format!("{packet:?}"));
            self.take_in(socket, page, packet);
            let after = &self.server.storage;
            let same = after.game == before.game
                && after.exports == before.exports
                && after.outcomes == before.outcomes;
            self.check(same, || {
                format!(
                    "a repeat changes nothing: {who} {told:?}\n{:?}\n{:?}",
                    before.game, after.game
                )
            });
        }
    }
}
