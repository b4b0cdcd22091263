//! Participant tokens: the proof of having joined before.

use std::fmt;
use std::io::Write;
use std::path::Path;

use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::prelude::*;
use serde::{Deserialize, Serialize};
use stillhere_core::ids::ParticipantId;
use stillhere_core::time::Millis;

use crate::random;

/// A page reopened weeks later may still hold data that was never sent.
pub(crate) const VALID_FOR_MS: i64 = 30 * 24 * 60 * 60 * 1000;
const KEY_BYTES: usize = 32;

#[derive(Serialize, Deserialize)]
struct Holder {
    #[serde(rename = "sub")]
    participant: ParticipantId,
    #[serde(rename = "aud")]
    experiment: String,
    /// Epoch milliseconds: tokens expire by the clock that everything else goes by.
    expires_ms: i64,
}

/// Signs and checks tokens of one experiment.
pub struct Tokens {
    key: Hs256Key,
    experiment: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("experiment", &self.experiment)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Signs with a key that is given.
    #[must_use]
    pub fn new(key: &[u8], experiment: &str) -> Self {
        Self {
            key: Hs256Key::new(key),
            experiment: experiment.to_owned(),
        }
    }

    /// Signs with the key in a file, which is made at the first start and readable by its owner only.
    ///
    /// # Errors
    /// If the file can neither be read nor made, or holds something else.
    pub fn with_key_file(path: &Path, experiment: &str) -> std::io::Result<Self> {
        let key = match std::fs::read(path) {
            Ok(key) => key,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key_file(path)?,
            Err(error) => return Err(error),
        };
        if key.len() != KEY_BYTES {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "it does not hold a key of 32 bytes",
            ));
        }
        Ok(Self::new(&key, experiment))
    }

    /// A token for a participant.
    ///
    /// # Panics
    /// Never: the claims are plain JSON.
    #[must_use]
    pub fn issue(&self, participant: &ParticipantId, now: Millis) -> String {
        let claims = Claims::new(Holder {
            participant: participant.clone(),
            experiment: self.experiment.clone(),
            expires_ms: now.as_f64() as i64 + VALID_FOR_MS,
        });
        Hs256
            .token(&Header::empty(), &claims, &self.key)
            .expect("claims of text and numbers can be written as JSON")
    }

    /// Whose token it is; `None` if it is forged, of another experiment, or expired.
    #[must_use]
    pub fn holder(&self, token: &str, now: Millis) -> Option<ParticipantId> {
        let untrusted = UntrustedToken::new(token).ok()?;
        let token = Hs256
            .validator::<Holder>(&self.key)
            .validate(&untrusted)
            .ok()?;
        let holder = &token.claims().custom;
        let valid = holder.experiment == self.experiment && holder.expires_ms > now.as_f64() as i64;
        valid.then(|| holder.participant.clone())
    }
}

/// A key that nobody has used.
pub(crate) fn fresh_key() -> [u8; KEY_BYTES] {
    random::bytes::<KEY_BYTES>()
}

fn make_key_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let key = fresh_key().to_vec();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn participant(name: &str) -> ParticipantId {
        ParticipantId::try_from(name).unwrap()
    }

    #[test]
    fn a_token_names_its_participant_until_it_expires() {
        let tokens = Tokens::new(&[7; 32], "study");
        let now = Millis::from(1_000_000_u64);
        let token = tokens.issue(&participant("ada"), now);
        assert_eq!(tokens.holder(&token, now), Some(participant("ada")));
        let later = now + Millis::new(VALID_FOR_MS as f64);
        assert_eq!(tokens.holder(&token, later), None);
    }

    #[test]
    fn a_token_of_another_key_or_experiment_or_no_token_is_nobodys() {
        let now = Millis::from(1_000_000_u64);
        let token = Tokens::new(&[7; 32], "study").issue(&participant("ada"), now);
        assert_eq!(Tokens::new(&[8; 32], "study").holder(&token, now), None);
        assert_eq!(Tokens::new(&[7; 32], "other").holder(&token, now), None);
        let tokens = Tokens::new(&[7; 32], "study");
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJhdWQiOiJzdHVkeSIsImV4cGlyZXNfbXMiOjk5OTk5OTk5OTk5OTl9.";
        for bad in ["", "x", "a.b.c", unsigned, &token[..token.len() - 2]] {
            assert_eq!(tokens.holder(bad, now), None, "{bad}");
        }
    }

    #[test]
    fn the_key_is_made_once_and_is_its_owners_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token.key");
        let now = Millis::from(1_u64);
        let token = Tokens::with_key_file(&path, "study")
            .unwrap()
            .issue(&participant("ada"), now);
        let again = Tokens::with_key_file(&path, "study").unwrap();
        assert_eq!(again.holder(&token, now), Some(participant("ada")));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(&path, "short").unwrap();
        assert!(Tokens::with_key_file(&path, "study").is_err());
    }
}
