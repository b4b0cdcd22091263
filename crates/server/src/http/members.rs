//! Cuts what stillhere itself recorded out of a JSON object that passes by.
//!
//! That the whole is JSON is the parser's to say. Only brackets, commas, colons and quotes matter here,
//! and in JSON they can be told apart without knowing more.

use std::str;

use serde_json::{Map, Value};

use super::document::Flaw;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The members of core's `MultiplayerMetrics`, and how many bytes of each are kept at most. One that is
/// longer is left out: it is in the document.
const KEPT: &[(&str, usize)] = &[
    ("gameId", KIB),
    ("playerId", KIB),
    ("numPlayers", KIB),
    ("exportTimestamp", KIB),
    ("sessionStartTime", KIB),
    ("sessionDurationMs", KIB),
    ("sessionStatus", 16 * KIB),
    ("latency", 16 * KIB),
    ("focusLoss", MIB),
    ("episodes", MIB),
    ("monitor", 4 * MIB),
];

/// As deep as the parser of the smaller exports goes.
const MAX_DEPTH: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Members {
    depth: usize,
    begun: bool,
    in_text: bool,
    escaped: bool,
    /// Between the colon and the comma of a member of the object itself.
    in_value: bool,
    key: Vec<u8>,
    /// Where in `KEPT` the member is that passes by.
    keeping: Option<usize>,
    kept: [Option<Vec<u8>>; KEPT.len()],
    /// The beginning of a character whose end is in the next buffer.
    cut: Vec<u8>,
}

impl Members {
    /// Looks at the next bytes of the document.
    pub(super) fn watch(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        self.check_text(bytes)?;
        bytes.iter().try_for_each(|byte| self.step(*byte))
    }

    /// The document is over.
    pub(super) fn finish(self) -> Result<Self, Flaw> {
        if self.cut.is_empty() {
            Ok(self)
        } else {
            Err(not_utf8())
        }
    }

    fn check_text(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        let mut bytes = bytes;
        while let (false, Some((first, rest))) = (self.cut.is_empty(), bytes.split_first()) {
            self.cut.push(*first);
            bytes = rest;
            match str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(error) if error.error_len().is_some() => return Err(not_utf8()),
                Err(_) => {}
            }
        }
        match str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(not_utf8()),
            Err(error) => {
                self.cut.extend(&bytes[error.valid_up_to()..]);
                Ok(())
            }
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.in_text {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return Ok(());
        }
        if !self.begun && !byte.is_ascii_whitespace() {
            if byte != b'{' {
                return Err(Flaw::Invalid("it is no JSON object".to_owned()));
            }
            self.begun = true;
        }
        match byte {
            b'{' | b'[' => {
                self.keep(byte);
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    let message = format!("it is nested deeper than {MAX_DEPTH} levels");
                    return Err(Flaw::Invalid(message));
                }
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end_member();
                }
                self.keep(byte);
            }
            b',' if self.depth == 1 => self.end_member(),
            b':' if self.depth == 1 => self.begin_value(),
            b'"' => {
                self.in_text = true;
                self.keep(byte);
            }
            _ => self.keep(byte),
        }
        Ok(())
    }

    fn begin_value(&mut self) {
        self.in_value = true;
        let name = self.key.trim_ascii();
        self.keeping = KEPT
            .iter()
            .position(|(key, _)| name == format!("\"{key}\"").as_bytes());
        if let Some(index) = self.keeping {
            self.kept[index] = Some(Vec::new());
        }
    }

    fn end_member(&mut self) {
        self.in_value = false;
        self.keeping = None;
        self.key.clear();
    }

    fn keep(&mut self, byte: u8) {
        if !self.in_value {
            // The brace before the first key is no part of it. No key of ours is longer than this.
            if self.depth == 1 && self.key.len() < KIB {
                self.key.push(byte);
            }
            return;
        }
        let Some(index) = self.keeping else {
            return;
        };
        if let Some(kept) = &mut self.kept[index] {
            if kept.len() < KEPT[index].1 {
                kept.push(byte);
            } else {
                self.kept[index] = None;
                self.keeping = None;
            }
        }
    }

    fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let texts = KEPT.iter().zip(&self.kept);
        texts.filter_map(|((key, _), kept)| {
            let text = str::from_utf8(kept.as_deref()?).ok()?;
            Some((*key, text.trim()))
        })
    }

    /// What is kept, as the text of a JSON object.
    pub(super) fn to_json(&self) -> String {
        let members: Vec<String> = self
            .texts()
            .map(|(key, text)| format!("\"{key}\":{text}"))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    /// What says of which game it is and how that ended.
    pub(super) fn status(&self) -> Value {
        let status = self
            .texts()
            .filter(|(key, _)| matches!(*key, "gameId" | "sessionStatus"))
            .filter_map(|(key, text)| Some((key.to_owned(), serde_json::from_str(text).ok()?)));
        Value::Object(status.collect::<Map<_, _>>())
    }
}

fn not_utf8() -> Flaw {
    Flaw::Invalid("it is not UTF-8".to_owned())
}
