//! Exports on their way: built by a page, kept by its browser, sent over the socket or in chunks.

use serde_json::Value;
use stillhere_core::ids::{ExportId, Frame};
use stillhere_core::participant::ParticipantInput;
use stillhere_core::time::Millis;
use stillhere_core::upload::{CHUNK_BYTES, ChunkAnswer};
use stillhere_core::wire::{LastWords, Refusal, UploadAnswer};

use crate::server::{NewExport, answer};
use crate::world::{Event, World};

/// A request without an answer is given up after this.
const REQUEST_TIMEOUT: u64 = 5_000;

impl World {
    pub fn build_export(&mut self, page: usize, id: ExportId, owned: bool) {
        let who = self.clients[page].who;
        let now = Millis::from(self.now - self.clients[page].born);
        let metrics = self.clients[page].machine.metrics(now);
        let export = NewExport {
            who,
            id: id.clone(),
            status: metrics.session_status.clone(),
            metrics: if self.json {
                serde_json::to_value(&metrics).unwrap()
            } else {
                Value::Null
            },
        };
        let replaced = self.clients[page].exports.insert(id.clone(), export);
        self.clients[page].built.push(id.clone());
        self.check(replaced.is_none(), || "an export is built once".to_owned());
        if owned && self.disks {
            let written = self.now + self.dice.below(30);
            self.at(written, Event::Kept(page, id.clone()));
        }
        self.tell_kept(page, id, false);
    }

    fn tell_kept(&mut self, page: usize, export_id: ExportId, persisted: bool) {
        let input = ParticipantInput::ExportKept {
            export_id,
            bytes: self.export_bytes,
            persisted,
            uploadable: true,
        };
        self.say(page, input);
    }

    /// The browser has written the export. That the page is gone by then changes nothing: it had been handed over.
    pub fn kept(&mut self, page: usize, id: ExportId) {
        let who = self.clients[page].who;
        let Some(export) = self.clients[page].exports.get(&id).cloned() else {
            return;
        };
        if self.clients[page].crashed {
            return;
        }
        self.clients[page].kept.push(id.clone());
        self.browsers[who].outbox.insert(id.clone(), export);
        self.tell_kept(page, id, true);
    }

    pub fn drop_export(&mut self, page: usize, id: &ExportId) {
        let who = self.clients[page].who;
        let stored = self.server.storage.exports.contains_key(&(who, id.clone()));
        // What was kept when the page seemed to go is of no use once it goes on.
        let superfluous = self.clients[page]
            .exports
            .get(id)
            .is_some_and(|export| !export.is_finished());
        self.check(stored || superfluous, || {
            format!("{id} is stored before the browser drops it")
        });
        self.clients[page].exports.remove(id);
        if !stored {
            self.clients[page].kept.retain(|kept| kept != id);
        }
        self.browsers[who].outbox.remove(id);
    }

    pub fn tell_left_overs(&mut self, page: usize) {
        let who = self.clients[page].who;
        let left = self.browsers[who].outbox.keys().cloned().collect();
        self.say(page, ParticipantInput::LeftOvers(left));
    }

    /// Whether a request, or its answer, gets lost.
    fn request_lost(&mut self, page: usize) -> bool {
        let loss = self.weather.loss;
        !self.server.up
            || self.clients[page].dead_until > self.now
            || (loss > 0 && self.dice.one_in(loss))
    }

    pub fn take_chunk(&mut self, page: usize, id: ExportId, offset: u64) {
        let who = self.clients[page].who;
        if !self.clients[page].open {
            return;
        }
        let kept = self.clients[page].exports.get(&id);
        let Some(export) = kept.or_else(|| self.browsers[who].outbox.get(&id)).cloned() else {
            self.say(
                page,
                ParticipantInput::ChunkAnswered {
                    export_id: id,
                    answer: ChunkAnswer::Gone,
                },
            );
            return;
        };
        if self.request_lost(page) {
            let given_up = self.now + REQUEST_TIMEOUT.min(self.dice.between(1, 9_000));
            self.at(given_up, Event::ChunkAnswer(page, id, None));
            return;
        }
        let said = self.receive_chunk(export, offset);
        let body = answer(said);
        let answered = self.now + self.weather.delay;
        // A crash takes the connection with it, whatever had been stored.
        let body = (!self.request_lost(page)).then_some(body);
        self.at(answered, Event::ChunkAnswer(page, id, body));
    }

    fn receive_chunk(&mut self, export: NewExport, offset: u64) -> Result<UploadAnswer, Refusal> {
        let key = (export.who, export.id.clone());
        let export_id = export.id.clone();
        if self.server.storage.exports.contains_key(&key) {
            return Ok(UploadAnswer {
                export_id,
                received: 0,
                stored: true,
                duplicate: true,
            });
        }
        let received = self.receive_part(&key, offset, self.export_bytes, CHUNK_BYTES)?;
        let whole = received >= self.export_bytes;
        if whole {
            let (_, outputs) = self.take_export(export)?;
            self.publish(outputs);
        }
        Ok(UploadAnswer {
            export_id,
            received,
            stored: whole,
            duplicate: false,
        })
    }

    pub fn answer_chunk(&mut self, page: usize, export_id: ExportId, body: Option<Value>) {
        let answer = match &body {
            Some(body) => ChunkAnswer::Said(body),
            None => ChunkAnswer::Silence,
        };
        self.say(page, ParticipantInput::ChunkAnswered { export_id, answer });
    }

    /// The last words of a page. Nobody hears whether they arrived.
    pub fn beacon(&mut self, page: usize, words: &LastWords) {
        if self.request_lost(page) {
            return;
        }
        let who = self.clients[page].who;
        if self.json {
            let payload = serde_json::to_value(words).unwrap();
            let read = LastWords::parse(&&payload);
            self.check(read.as_ref() == Ok(words), || {
                format!("last words are read as they were written: {payload} {read:?}")
            });
        }
        let Frame(frame) = words.frame_number;
        self.last_status(who, frame, words.completed_episodes);
    }
}
