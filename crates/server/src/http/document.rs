//! Checks an export as a stream: a gzip file of one JSON object.
//!
//! Its size does not matter for the memory: one chunk (1 MiB), the decompressor's window and buffer
//! (about 100 KiB), one byte for each level of nesting (128 at most), and the members that are kept
//! (a little over 6 MiB at most, see [`members`](super::members); three times that while they are put
//! together for the storage).

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::members::Members;
use crate::store::StoreError;

const BUFFER: usize = 64 << 10;

/// Why a document is not stored.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    /// It is not what it has to be.
    #[error("{0}")]
    Invalid(String),
    /// It is larger than allowed, decompressed.
    #[error("decompressed it is larger than allowed")]
    TooLarge,
    /// It has been dropped while it was read.
    #[error("it is not there any more")]
    Gone,
    /// It could not be read.
    #[error("{0}")]
    Storage(StoreError),
}

/// Reads a document to its end, and keeps what stillhere itself recorded.
pub(super) fn check(compressed: impl BufRead, limit: u64) -> Result<Members, Flaw> {
    let mut decoder = GzDecoder::new(compressed);
    let mut members = Members::default();
    let watched = Watched {
        decoder: &mut decoder,
        members: &mut members,
        left: limit,
    };
    let reader = BufReader::with_capacity(BUFFER, watched);
    let mut json = serde_json::Deserializer::from_reader(reader);
    IgnoredAny::deserialize(&mut json)
        .and_then(|_| json.end())
        .map_err(flaw)?;
    drop(json);
    let rest = decoder.into_inner().fill_buf().map(<[u8]>::len);
    match rest {
        Ok(0) => members.finish(),
        Ok(_) => Err(Flaw::Invalid("something follows the gzip file".to_owned())),
        Err(error) => Err(io_flaw(error)),
    }
}

fn flaw(error: serde_json::Error) -> Flaw {
    if error.is_io() {
        io_flaw(error.into())
    } else {
        Flaw::Invalid(format!("it is no JSON: {error}"))
    }
}

fn io_flaw(error: io::Error) -> Flaw {
    match error.downcast::<Flaw>() {
        Ok(flaw) => flaw,
        Err(error) => Flaw::Invalid(format!("it is no gzip file: {error}")),
    }
}

/// Decompresses for the JSON parser, and shows everything to the members on the way.
struct Watched<'a, R> {
    decoder: &'a mut GzDecoder<R>,
    members: &'a mut Members,
    left: u64,
}

impl<R: BufRead> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.decoder.read(buffer)?;
        self.left = self
            .left
            .checked_sub(amount as u64)
            .ok_or_else(|| io::Error::other(Flaw::TooLarge))?;
        self.members
            .watch(&buffer[..amount])
            .map_err(io::Error::other)?;
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::{Value, json};

    use super::*;

    const LIMIT: u64 = 1 << 20;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn kept(text: &str) -> Value {
        let members = check(gzip(text.as_bytes()).as_slice(), LIMIT).unwrap();
        serde_json::from_str(&members.to_json()).unwrap()
    }

    #[track_caller]
    fn invalid(compressed: &[u8]) -> String {
        match check(compressed, LIMIT) {
            Err(Flaw::Invalid(message)) => message,
            other => panic!("not invalid: {other:?}"),
        }
    }

    #[test]
    fn what_stillhere_recorded_is_kept_and_the_rest_is_not() {
        let document = json!({
            "own": {"gameId": "no", "deep": [[{"sessionStatus": 1}]], "text": "a\"b\\,{\"playerId\": 7}"},
            "gameId": "g\"1", "playerId": 0, "numPlayers": 2, "exportTimestamp": 1.5,
            "sessionStatus": {"isPartial": true, "disconnectedPlayerId": null},
            "latency": {"median": 7}, "focusLoss": {}, "episodes": [{"episode": 0}],
            "monitor": {"samples": [], "warnings": [{"message": "{[\"ü\\"}]},
            "actions": [1, 2, [3]],
        });
        let mut expected = document.clone();
        let object = expected.as_object_mut().unwrap();
        object.remove("own");
        object.remove("actions");
        for text in [
            document.to_string(),
            format!(" \n{}\t ", serde_json::to_string_pretty(&document).unwrap()),
        ] {
            assert_eq!(kept(&text), expected);
        }
    }

    #[test]
    fn a_member_that_is_too_long_is_left_out_and_the_last_of_two_counts() {
        let long = "x".repeat(40_000);
        let text = format!(r#"{{"sessionStatus": "{long}", "gameId": "a", "gameId": "b"}}"#);
        assert_eq!(kept(&text), json!({"gameId": "b"}));
        let text = format!(r#"{{"gameId": "a", "gameId": "{long}", "{long}": 1}}"#);
        assert_eq!(kept(&text), json!({}));
    }

    #[test]
    fn everything_that_is_no_gzip_file_of_one_json_object_is_invalid() {
        for text in [
            "",
            " ",
            "7",
            "[]",
            "null",
            "\"{}\"",
            "{",
            "{}}",
            "{} {}",
            "{\"a\":}",
            "{\"a\" 1}",
            "{\"a\":1,}",
            "{'a':1}",
            "[{\"a\":1}]",
            "{\"a\":\"\n\"}",
            "{\"a\":[}]",
        ] {
            invalid(&gzip(text.as_bytes()));
        }
        invalid(b"");
        invalid(b"{}");
        invalid(b"this is no gzip file at all");
        let whole = gzip(br#"{"a": [1, 2, 3]}"#);
        assert!(check(whole.as_slice(), LIMIT).is_ok());
        for cut in 0..whole.len() {
            invalid(&whole[..cut]);
        }
        for extra in [&b"\0"[..], b"x", &whole] {
            let more = [&whole, extra].concat();
            assert!(invalid(&more).contains("follows"), "{extra:?}");
        }
        let mut flipped = whole.clone();
        let checksum = flipped.len() - 6;
        flipped[checksum] ^= 1;
        invalid(&flipped);
    }

    #[test]
    fn texts_are_utf8_wherever_the_buffers_end() {
        let text = format!("{{\"own\": \"{}\"}}", "aü漢🙂".repeat(20_000));
        assert!(check(gzip(text.as_bytes()).as_slice(), LIMIT).is_ok());
        for bytes in [&b"{\"a\": \"\xff\"}"[..], b"{\"a\": \"\xf0\x9f\x99\"}"] {
            assert!(invalid(&gzip(bytes)).contains("UTF-8"));
        }
    }

    #[test]
    fn nesting_and_size_are_bounded() {
        let deep = |levels: usize| {
            let text = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
            gzip(text.as_bytes())
        };
        assert!(check(deep(127).as_slice(), LIMIT).is_ok());
        assert!(invalid(&deep(128)).contains("nested"));
        let bomb = gzip(format!("{{\"a\":\"{}\"}}", "x".repeat(2 << 20)).as_bytes());
        assert!(bomb.len() < 20_000, "{}", bomb.len());
        assert!(matches!(check(bomb.as_slice(), LIMIT), Err(Flaw::TooLarge)));
        assert!(check(bomb.as_slice(), 4 << 20).is_ok());
    }
}
