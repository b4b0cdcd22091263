//! Exports on their way to the server in chunks, one after the other, whatever happens in between.
//!
//! The server says with each answer how much of an export it has, so an upload goes on where an earlier one stopped: after
//! a lost connection, on another page, on another day.

use crate::ids::ExportId;
use crate::outbox::Owed;
use crate::source::Source;
use crate::time::Millis;
use crate::wire::{Refusal, UploadAnswer, read_ack};

/// No chunk has more bytes.
pub const CHUNK_BYTES: u64 = 256 * 1024;
/// What earlier pages left is tried so often; after that only once the network is back.
const MANY_ATTEMPTS: u32 = 6;

/// How a chunk was answered.
#[derive(Clone, Debug)]
pub enum ChunkAnswer<S> {
    /// The server said this.
    Said(S),
    /// Nothing came back that a server of ours would say.
    Silence,
    /// There is nothing to send any more: another page has seen to it.
    Gone,
}

/// What an answer means for an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is still on its way.
    UnderWay,
    /// It has arrived.
    Stored {
        /// It had arrived before.
        duplicate: bool,
    },
    /// It will never be accepted.
    Refused(Refusal),
}

#[derive(Clone, Debug)]
struct Upload {
    export_id: ExportId,
    /// How much of it the server has.
    offset: u64,
    owed: Owed,
    left_over: bool,
    /// An attempt got nowhere.
    failed: bool,
}

/// Every export that goes up in chunks. One chunk is out at a time.
#[derive(Clone, Debug, Default)]
pub struct Uploads {
    queue: Vec<Upload>,
    out: Option<ExportId>,
}

impl Uploads {
    /// An export is to be sent; `left_over` if an earlier page or game left it.
    pub fn add(&mut self, export_id: ExportId, left_over: bool, now: Millis) {
        if self.place(&export_id).is_none() {
            self.queue.push(Upload {
                export_id,
                offset: 0,
                owed: Owed::new(now),
                left_over,
                failed: false,
            });
        }
    }

    /// An export is not to be sent any more.
    pub fn forget(&mut self, export_id: &ExportId) {
        if let Some(place) = self.place(export_id) {
            self.queue.remove(place);
        }
    }

    /// The export whose next chunk is to be sent now, and where that chunk begins.
    pub fn next_chunk(&mut self, now: Millis) -> Option<(ExportId, u64)> {
        if self.out.is_some() {
            return None;
        }
        for upload in &mut self.queue {
            if upload.owed.take_turn(now) {
                self.out = Some(upload.export_id.clone());
                return Some((upload.export_id.clone(), upload.offset));
            }
        }
        None
    }

    /// The chunk that was out was answered.
    pub fn answered<S: Source>(
        &mut self,
        export_id: &ExportId,
        answer: &ChunkAnswer<S>,
        now: Millis,
    ) -> Progress {
        self.out.take_if(|out| out == export_id);
        let Some(place) = self.place(export_id) else {
            return Progress::UnderWay;
        };
        let upload = &mut self.queue[place];
        let progress = upload.read(answer, now);
        if progress != Progress::UnderWay {
            self.queue.remove(place);
        }
        progress
    }

    /// The network is back: nothing waits any longer.
    pub fn hurry(&mut self, now: Millis) {
        for upload in &mut self.queue {
            upload.owed.hurry(now);
        }
    }

    /// How many left-overs there still are; `None` while one of them has not been tried in full.
    #[must_use]
    pub fn left_over_after_a_round(&self) -> Option<usize> {
        let left_overs = || self.queue.iter().filter(|upload| upload.left_over);
        left_overs()
            .all(|upload| upload.failed)
            .then(|| left_overs().count())
    }

    /// When the next chunk is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        if self.out.is_some() {
            return None;
        }
        self.queue
            .iter()
            .filter_map(|upload| upload.owed.due())
            .min()
    }

    fn place(&self, export_id: &ExportId) -> Option<usize> {
        self.queue
            .iter()
            .position(|upload| upload.export_id == *export_id)
    }
}

impl Upload {
    fn read<S: Source>(&mut self, answer: &ChunkAnswer<S>, now: Millis) -> Progress {
        let said = match answer {
            ChunkAnswer::Gone => return Progress::Stored { duplicate: true },
            ChunkAnswer::Silence => None,
            ChunkAnswer::Said(said) => Some(read_ack(Some(said))),
        };
        match said {
            // The token is of another study on the same address: its own server may still take the data.
            Some(Err(refusal)) if self.left_over && refusal.code.is_about_the_sender() => {
                self.failed = true;
                self.owed.hold();
                return Progress::UnderWay;
            }
            Some(Err(refusal)) if !refusal.code.is_passing() => return Progress::Refused(refusal),
            Some(Ok(Some(body))) => match UploadAnswer::parse(&body) {
                Ok(answer) if answer.stored => {
                    return Progress::Stored {
                        duplicate: answer.duplicate,
                    };
                }
                Ok(answer) => {
                    // A server that has lost what it had starts again, but not in a hurry.
                    let further = answer.received > self.offset;
                    self.offset = answer.received;
                    if further {
                        self.owed = Owed::new(now);
                        return Progress::UnderWay;
                    }
                }
                // Whoever answered is no server of ours.
                Err(_) => {}
            },
            _ => {}
        }
        self.failed = true;
        if self.left_over && self.owed.attempts() >= MANY_ATTEMPTS {
            self.owed.hold();
        }
        Progress::UnderWay
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn id(text: &str) -> ExportId {
        text.try_into().unwrap()
    }

    fn at(ms: u64) -> Millis {
        Millis::from(ms)
    }

    fn has(received: u64) -> Value {
        json!({"ok": true, "export_id": "e", "received": received, "stored": false, "duplicate": false})
    }

    fn said(uploads: &mut Uploads, export: &str, answer: &Value, ms: u64) -> Progress {
        uploads.answered(&id(export), &ChunkAnswer::Said(answer), at(ms))
    }

    fn silence(uploads: &mut Uploads, export: &str, ms: u64) -> Progress {
        uploads.answered::<&Value>(&id(export), &ChunkAnswer::Silence, at(ms))
    }

    fn with(exports: &[(&str, bool)]) -> Uploads {
        let mut uploads = Uploads::default();
        for (export, left_over) in exports {
            uploads.add(id(export), *left_over, Millis::ZERO);
        }
        uploads
    }

    #[test]
    fn chunks_follow_each_other_until_the_export_is_stored() {
        let mut uploads = with(&[("a", false)]);
        assert_eq!(uploads.next_chunk(at(0)), Some((id("a"), 0)));
        assert_eq!(uploads.next_chunk(at(0)), None, "one is out");
        assert_eq!(uploads.next_deadline(), None);
        assert_eq!(said(&mut uploads, "a", &has(500), 40), Progress::UnderWay);
        assert_eq!(
            uploads.next_deadline(),
            Some(at(40)),
            "no pause between chunks"
        );
        assert_eq!(uploads.next_chunk(at(40)), Some((id("a"), 500)));
        let stored = json!({"ok": true, "export_id": "a", "received": 700, "stored": true, "duplicate": false});
        assert_eq!(
            said(&mut uploads, "a", &stored, 80),
            Progress::Stored { duplicate: false }
        );
        assert_eq!(uploads.next_chunk(at(99_000)), None);
        assert_eq!(
            said(&mut uploads, "a", &stored, 90),
            Progress::UnderWay,
            "settled"
        );
    }

    #[test]
    fn an_upload_goes_on_where_the_server_says() {
        let mut uploads = with(&[("a", true)]);
        uploads.next_chunk(at(0)).unwrap();
        // An earlier page had come further.
        said(&mut uploads, "a", &has(900), 10);
        assert_eq!(uploads.next_chunk(at(10)), Some((id("a"), 900)));
        // The server lost it: again, but not in a hurry.
        said(&mut uploads, "a", &has(0), 20);
        assert_eq!(uploads.next_chunk(at(20)), None);
        assert_eq!(uploads.next_chunk(at(1_010)), Some((id("a"), 0)));
    }

    #[test]
    fn a_server_that_gets_nowhere_is_not_flooded() {
        let mut uploads = with(&[("a", false)]);
        let mut sent = 0;
        for ms in 0..60_000 {
            if uploads.next_chunk(at(ms)).is_some() {
                sent += 1;
                said(&mut uploads, "a", &has(0), ms);
            }
        }
        assert!((5..12).contains(&sent), "{sent}");
    }

    #[test]
    fn silence_and_passing_refusals_are_tried_again_at_the_same_place() {
        let mut uploads = with(&[("a", false)]);
        uploads.next_chunk(at(0)).unwrap();
        said(&mut uploads, "a", &has(300), 0);
        let busy =
            json!({"ok": false, "error": {"code": "storage_unavailable", "message": "later"}});
        let foreign = json!({"detail": "Not Found"});
        let mut now = 0;
        for round in 0..30 {
            now += 10_000;
            assert_eq!(uploads.next_chunk(at(now)), Some((id("a"), 300)), "{round}");
            let progress = match round % 3 {
                0 => silence(&mut uploads, "a", now),
                1 => said(&mut uploads, "a", &busy, now),
                _ => said(&mut uploads, "a", &foreign, now),
            };
            assert_eq!(progress, Progress::UnderWay);
            assert_eq!(uploads.next_chunk(at(now)), None, "{round}");
        }
    }

    #[test]
    fn what_another_study_left_is_not_thrown_away() {
        for code in ["unauthorized", "unknown_game"] {
            let mut uploads = with(&[("a", true), ("b", true)]);
            uploads.next_chunk(at(0)).unwrap();
            let refused = json!({"ok": false, "error": {"code": code, "message": "no"}});
            assert_eq!(said(&mut uploads, "a", &refused, 0), Progress::UnderWay);
            assert_eq!(uploads.next_chunk(at(0)), Some((id("b"), 0)));
            said(&mut uploads, "b", &refused, 0);
            assert_eq!(uploads.next_deadline(), None, "not again on this page");
            assert_eq!(uploads.left_over_after_a_round(), Some(2));
        }
    }

    #[test]
    fn what_is_refused_for_good_is_given_up() {
        for (code, left_over) in [
            ("unauthorized", false),
            ("unknown_game", false),
            ("invalid_payload", true),
            ("too_large", true),
        ] {
            let mut uploads = with(&[("a", left_over), ("b", true)]);
            uploads.next_chunk(at(0)).unwrap();
            let refused = json!({"ok": false, "error": {"code": code, "message": "no"}});
            let progress = said(&mut uploads, "a", &refused, 0);
            let Progress::Refused(refusal) = progress else {
                panic!("{progress:?}");
            };
            assert_eq!(refusal.code.as_str(), code);
            assert_eq!(uploads.next_chunk(at(0)), Some((id("b"), 0)));
        }
    }

    #[test]
    fn one_that_fails_does_not_hold_up_the_next() {
        let mut uploads = with(&[("a", true), ("b", true)]);
        assert_eq!(uploads.next_chunk(at(0)), Some((id("a"), 0)));
        assert_eq!(uploads.left_over_after_a_round(), None);
        silence(&mut uploads, "a", 0);
        assert_eq!(uploads.left_over_after_a_round(), None);
        assert_eq!(uploads.next_chunk(at(0)), Some((id("b"), 0)));
        let gone = ChunkAnswer::<&Value>::Gone;
        assert_eq!(
            uploads.answered(&id("b"), &gone, at(0)),
            Progress::Stored { duplicate: true }
        );
        assert_eq!(uploads.left_over_after_a_round(), Some(1));
    }

    #[test]
    fn left_overs_wait_for_the_network_in_the_end_and_own_exports_do_not() {
        let mut uploads = with(&[("old", true), ("own", false)]);
        let mut sent = (0, 0);
        for ms in 0..300_000 {
            if let Some((export, _)) = uploads.next_chunk(at(ms)) {
                if export == id("old") {
                    sent.0 += 1;
                } else {
                    sent.1 += 1;
                }
                silence(&mut uploads, export.as_str(), ms);
            }
        }
        assert_eq!(sent.0, MANY_ATTEMPTS);
        assert!(sent.1 > 25, "{sent:?}");
        uploads.hurry(at(300_000));
        assert_eq!(uploads.next_chunk(at(300_000)), Some((id("old"), 0)));
    }
}
