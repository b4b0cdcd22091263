//! Whatever has happened so far: once nothing more goes wrong, everything comes to its end.

use std::hash::{DefaultHasher, Hash, Hasher};

use stillhere_core::session::Seat;

use crate::canon::read;
use crate::page::{Owing, Page};
use crate::state::State;
use crate::step::Step;

/// No calm takes more steps.
const PATIENCE: usize = 200;
const ONE_IN: u64 = 16;

impl State {
    /// Playing on is dear, so it is done from one state in so many.
    pub fn is_looked_at_in_calm(&self) -> bool {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish().is_multiple_of(ONE_IN)
    }

    /// Plays on without faults until nothing is left to happen: pages that still play complete the game.
    pub fn in_calm(&self) -> Self {
        let mut state = self.clone();
        for _ in 0..PATIENCE {
            let steps = state.steps();
            // Time passes only when everything on its way has arrived.
            let next = steps
                .iter()
                .copied()
                .find(|step| step.is_progress() && *step != Step::Time)
                .or_else(|| state.completion())
                .or_else(|| steps.contains(&Step::Time).then_some(Step::Time));
            let Some(next) = next else {
                return state;
            };
            state = state.after(next);
        }
        state
    }

    fn completion(&mut self) -> Option<Step> {
        let playing = self.pages.iter().position(Page::is_playing)?;
        self.budget.completions += 1;
        Some(Step::Complete(u8::try_from(playing).ok()?))
    }

    /// Whether everybody has been told, all data is stored, and the game is over.
    pub fn is_done(&self) -> bool {
        let game = read(&self.game);
        let all_told = |(page, seat): (&Page, &Seat)| {
            page.closed || seat.deliveries.iter().all(|owed| owed.acked_at.is_some())
        };
        let at_rest = |page: &Page| {
            page.closed
                || (page.ending.is_some()
                    && page.export == Owing::Acked(())
                    && !matches!(page.report, Owing::Open(_)))
        };
        self.ended
            && self.network.is_empty()
            && self.outcomes.iter().all(|outcomes| *outcomes == 1)
            && self.pages.iter().all(at_rest)
            && self.pages.iter().zip(game.seats()).all(all_told)
    }
}
