//! Where a participant goes after the game: by the server's own record of their outcome, whatever
//! the request claims.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use stillhere_core::ids::ParticipantId;
use stillhere_core::session::{GameInput, Seat};
use stillhere_core::wire::{ErrorCode, RedirectAnswer, Refusal};

use crate::lifecycle::refusal;
use crate::state::State;

/// What a redirect address may ask for.
pub(crate) const PLACEHOLDERS: [&str; 3] = ["participant_id", "completion_code", "outcome"];

/// As encodeURIComponent does it.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Fills an address in one pass, so that a value that looks like a placeholder stays a value.
///
/// # Errors
/// The first name that is no placeholder.
pub(crate) fn fill<'v>(
    url: &str,
    value_of: impl Fn(&str) -> Option<&'v str>,
) -> Result<String, String> {
    let mut filled = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').ok_or(after)?;
        if !PLACEHOLDERS.contains(&name) {
            return Err(name.to_owned());
        }
        filled.extend(utf8_percent_encode(
            value_of(name).unwrap_or_default(),
            COMPONENT,
        ));
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The answer to `end_game_request_redirect`.
pub(crate) async fn answer(
    state: &State,
    participant: &ParticipantId,
) -> Result<RedirectAnswer, Refusal> {
    let record = state
        .store
        .seat(participant, None)
        .await
        .map_err(refusal)?
        .ok_or_else(|| Refusal::new(ErrorCode::UnknownGame, "this participant has not played"))?;
    let outcome = record.outcome.ok_or_else(|| {
        Refusal::new(
            ErrorCode::UnknownGame,
            "this participant's game has not ended",
        )
    })?;
    let seat = record.game.seat(participant);
    if seat.is_some_and(Seat::awaits_redirect) {
        let input = GameInput::Redirected {
            participant: participant.clone(),
        };
        // Nobody waits for it: if it cannot be stored, a page that is opened anew is told once more.
        tokio::spawn(state.lifecycle.handle(record.game.id(), input));
    }
    let code = record.completion_code;
    let target = state
        .settings
        .redirect(&record.game.settings().scene, &outcome);
    let redirect_url = target.and_then(|target| {
        fill(&target.url, |name| match name {
            "participant_id" => Some(participant.as_str()),
            "completion_code" => code.as_deref(),
            _ => Some(&outcome),
        })
        .ok()
    });
    Ok(RedirectAnswer {
        redirect_timeout: target.map_or(0, |target| target.delay_ms),
        redirect_url,
        completion_code: code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(url: &str) -> Result<String, String> {
        fill(url, |name| match name {
            "participant_id" => Some("a b&c={outcome}/ö"),
            "completion_code" => Some("C1"),
            _ => Some("excluded"),
        })
    }

    #[test]
    fn values_are_encoded_and_never_read_as_placeholders() {
        assert_eq!(
            filled("https://x.org/{outcome}?p={participant_id}&c={completion_code}#end").unwrap(),
            "https://x.org/excluded?p=a%20b%26c%3D%7Boutcome%7D%2F%C3%B6&c=C1#end"
        );
        assert_eq!(filled("/plain").unwrap(), "/plain");
    }

    #[test]
    fn an_unknown_placeholder_is_named() {
        assert_eq!(filled("/x?{who}"), Err("who".to_owned()));
        assert_eq!(filled("/x?{outcome"), Err("outcome".to_owned()));
    }
}
