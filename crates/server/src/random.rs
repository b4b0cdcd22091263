//! Ids, codes and keys from the operating system's random numbers.

use std::fmt::Write;

use stillhere_core::ids::{GameId, ParticipantId};

/// Without the letters and digits that people confuse.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LENGTH: usize = 10;

/// Random bytes.
///
/// # Panics
/// If the operating system has none, in which case no id would be safe to give out.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    bytes
}

/// Bytes as hexadecimal text.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A game's id.
#[must_use]
pub fn game_id() -> GameId {
    GameId::try_from(hex(&bytes::<16>())).unwrap_or_else(|_| unreachable!("hex digits make an id"))
}

/// An id for a participant who came without one.
#[must_use]
pub fn participant_id() -> ParticipantId {
    ParticipantId::try_from(hex(&bytes::<16>()))
        .unwrap_or_else(|_| unreachable!("hex digits make an id"))
}

/// A seed for a game's own random numbers. 32 bits: what `NumPy` and JavaScript generators take.
#[must_use]
pub fn seed() -> u64 {
    u64::from(u32::from_le_bytes(bytes()))
}

/// A code that a participant shows to be paid.
#[must_use]
pub fn completion_code() -> String {
    bytes::<CODE_LENGTH>()
        .iter()
        .map(|byte| char::from(CODE_LETTERS[usize::from(byte % 32)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_readable_and_differ() {
        let codes: std::collections::HashSet<String> =
            (0..100).map(|_| completion_code()).collect();
        assert_eq!(codes.len(), 100);
        assert!(
            codes
                .iter()
                .all(|code| code.len() == CODE_LENGTH && !code.contains(['0', 'O', '1', 'I']))
        );
    }
}
