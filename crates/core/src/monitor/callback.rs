//! The researcher's own rule: asked every so many frames, answered by the server.
//!
//! It fails open: no answer, or an answer to a question that was given up, changes nothing.

use crate::time::Millis;

/// A question unanswered for this long is given up, and the next one may be asked.
const PATIENCE: Millis = Millis::new(5_000.0);

/// At most one question is under way.
#[derive(Clone, Debug, Default)]
pub(super) struct CallbackSlot {
    interval_frames: Option<u64>,
    next_frame: u64,
    due: bool,
    next_request: u64,
    pending: Option<(u64, Millis)>,
    /// Questions that nobody answered in time.
    unanswered: u64,
}

impl CallbackSlot {
    pub(super) fn configure(&mut self, interval_frames: Option<u64>) {
        self.interval_frames = interval_frames;
        self.due = false;
    }

    /// The game reached a frame. Called each tick: must stay cheap.
    pub(super) fn frame(&mut self, frame: u64) {
        // Many games count their frames anew in each episode.
        if let Some(interval) = self.interval_frames
            && (frame >= self.next_frame || frame + interval < self.next_frame)
        {
            self.next_frame = frame + interval;
            self.due = true;
        }
    }

    /// The number of the question to ask now, if one is due.
    pub(super) fn ask(&mut self, now: Millis) -> Option<u64> {
        if self
            .pending
            .is_some_and(|(_, asked)| now - asked >= PATIENCE)
        {
            self.pending = None;
            self.unanswered += 1;
        }
        if !self.due || self.pending.is_some() {
            return None;
        }
        self.due = false;
        let request = self.next_request;
        self.next_request += 1;
        self.pending = Some((request, now));
        Some(request)
    }

    /// Whether an answer belongs to the question under way; a MUG server does not name it.
    pub(super) fn answer(&mut self, request: Option<u64>) -> bool {
        let awaited = self
            .pending
            .is_some_and(|(asked, _)| request.is_none_or(|id| id == asked));
        if awaited {
            self.pending = None;
        }
        awaited
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.pending.map(|(_, asked)| asked + PATIENCE)
    }

    #[cfg(test)]
    pub(super) const fn unanswered(&self) -> u64 {
        self.unanswered
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_lost_answer_frees_the_slot() {
        let mut slot = CallbackSlot::default();
        slot.configure(Some(30));
        slot.frame(0);
        assert_eq!(slot.ask(Millis::ZERO), Some(0));
        slot.frame(30);
        assert_eq!(slot.ask(Millis::new(1_000.0)), None);
        assert_eq!(slot.ask(Millis::new(5_000.0)), Some(1));
        assert!(
            !slot.answer(Some(0)),
            "an answer to a question that was given up"
        );
        assert!(slot.answer(Some(1)));
        assert!(!slot.answer(Some(1)), "a repeat");
        assert_eq!(slot.unanswered(), 1);
    }

    #[test]
    fn skipped_frames_do_not_skip_the_question() {
        let mut slot = CallbackSlot::default();
        slot.configure(Some(30));
        slot.frame(7);
        assert!(slot.ask(Millis::ZERO).is_some());
        assert!(slot.answer(None));
        slot.frame(36);
        assert_eq!(slot.ask(Millis::ZERO), None);
        slot.frame(41);
        assert!(slot.ask(Millis::ZERO).is_some());
    }

    #[test]
    fn an_episode_that_counts_its_frames_anew_is_asked_about_from_its_beginning() {
        let mut slot = CallbackSlot::default();
        slot.configure(Some(30));
        slot.frame(900);
        assert!(slot.ask(Millis::ZERO).is_some());
        assert!(slot.answer(None));
        slot.frame(0);
        assert!(slot.ask(Millis::ZERO).is_some());
        assert!(slot.answer(None));
        slot.frame(29);
        assert_eq!(slot.ask(Millis::ZERO), None);
        slot.frame(30);
        assert!(slot.ask(Millis::ZERO).is_some());
    }
}
