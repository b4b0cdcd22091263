//! Ids that nobody else has.

const LETTERS: &[u8; 32] = b"0123456789abcdefghijkmnpqrstuvwx";

/// 120 random bits as text: unique, not secret. Not `crypto.randomUUID`, which is missing where a lab serves its pages
/// without TLS.
pub(crate) fn random() -> String {
    let mut id = String::with_capacity(24);
    while id.len() < id.capacity() {
        let letter = js_sys::Math::random() * LETTERS.len() as f64;
        id.push(char::from(LETTERS[letter as usize]));
    }
    id
}
