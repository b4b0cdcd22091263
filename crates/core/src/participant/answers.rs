//! What the server answers once a session has ended, or is about to.

use crate::metrics::{TerminatedBy, TerminationReason};
use crate::source::{Source, text};
use crate::time::Millis;
use crate::wire::{ClientEvent, ErrorCode, ExclusionAnswer, ExclusionOutcome, Redirect, Refusal};

use super::ending::RedirectState;
use super::finish::TRIGGER_PATIENCE;
use super::machine::{Participant, Phase};
use super::page_event::PageEvent;

/// A server that does not know the end of a session by then (about half a minute) will not get to know it.
const MANY_QUESTIONS: u32 = 6;

impl Participant {
    pub(super) fn report_answered<S: Source>(
        &mut self,
        answer: Result<Option<S>, Refusal>,
        now: Millis,
    ) {
        // A socket that speaks for nobody at the moment may be followed by one that does: what happened stays to be told.
        if answer.as_ref().is_err_and(|refusal| {
            refusal.code.is_passing() || refusal.code == ErrorCode::Unauthorized
        }) {
            return;
        }
        let Some((event, _)) = self.report.take() else {
            return;
        };
        if let Err(refusal) = &answer
            && !matches!(event, ClientEvent::GameComplete(_))
        {
            self.notify_error(refusal.code.as_str(), refusal.message.clone());
        }
        let Phase::Reporting { exclusion, until } = &mut self.phase else {
            return;
        };
        let exclusion = exclusion.clone();
        let told = answer.ok().flatten();
        let answer = ExclusionAnswer::parse(told.as_ref());
        match (answer.outcome, answer.termination_reason) {
            (ExclusionOutcome::Accepted, _) => self.end_by_own_verdict(exclusion, now),
            // Another verdict came first, and that one counts.
            (ExclusionOutcome::AlreadyEnded, Some(TerminationReason::PartnerExclusion)) => {
                let message = self.texts.partner_message.to_string();
                self.end_by_partner(message, exclusion.frame, now);
            }
            (ExclusionOutcome::AlreadyEnded, Some(reason)) => {
                if let Some(reason) = reason.exclusion() {
                    let message = self.texts.excluded_message.to_string();
                    self.end_excluded(reason, TerminatedBy::Server, message, exclusion.frame, now);
                } else {
                    // A connection was lost; whose is on its way.
                    *until = now + TRIGGER_PATIENCE;
                }
            }
            (ExclusionOutcome::AlreadyEnded, None) => *until = now + TRIGGER_PATIENCE,
        }
    }

    pub(super) fn redirect_acked<S: Source>(
        &mut self,
        answer: Result<Option<S>, Refusal>,
        now: Millis,
    ) {
        let nowhere = Redirect {
            redirect_url: None,
            redirect_timeout: 0,
            completion_code: None,
        };
        match answer {
            Ok(Some(body)) => match Redirect::parse(&body) {
                Ok(redirect) => self.redirect_answered(redirect, now),
                Err(errors) => {
                    self.notify_error("invalid_payload", errors.message());
                    self.redirect_answered(nowhere, now);
                }
            },
            // MUG acks without an answer; where it sends one it comes as an event of its own.
            Ok(None) => self.redirect_answered(nowhere, now),
            Err(refusal) if refusal.code.is_passing() => {}
            // A server that has not heard yet how the session ended, or not on this socket, cannot say where to go.
            Err(refusal)
                if matches!(
                    refusal.code,
                    ErrorCode::UnknownGame | ErrorCode::Unauthorized
                ) && self.asks_again() => {}
            Err(refusal) => {
                self.notify_error(refusal.code.as_str(), refusal.message);
                self.redirect_answered(nowhere, now);
            }
        }
    }

    fn asks_again(&self) -> bool {
        match &self.phase {
            Phase::Ended(ending) => match &ending.redirect {
                RedirectState::Asking(owed) => owed.attempts() < MANY_QUESTIONS,
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn redirect_answered(&mut self, mut redirect: Redirect, now: Millis) {
        let Phase::Ended(ending) = &mut self.phase else {
            return;
        };
        let settled = match &ending.redirect {
            RedirectState::Left | RedirectState::Nowhere => true,
            RedirectState::Answered { redirect, .. } => redirect.redirect_url.is_some(),
            _ => false,
        };
        if settled {
            return;
        }
        let refused = redirect.redirect_url.take_if(|url| !is_web_address(url));
        let leave_at = now + Millis::from(redirect.redirect_timeout);
        ending.redirect = RedirectState::Answered {
            redirect: redirect.clone(),
            leave_at,
        };
        if let Some(url) = refused {
            self.notify_error(
                "invalid_payload",
                text(&["not a web address to go to: ", &url]),
            );
        }
        self.notify(PageEvent::Redirect {
            url: redirect.redirect_url,
            delay_ms: redirect.redirect_timeout,
            completion_code: redirect.completion_code,
        });
    }
}

/// Only http, https and addresses on the same server: never a script.
fn is_web_address(url: &str) -> bool {
    let lower = url.trim_ascii_start().to_ascii_lowercase();
    lower.starts_with("https://")
        || lower.starts_with("http://")
        || (lower.starts_with('/') && !lower.starts_with("//") && !lower.starts_with("/\\"))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::is_web_address;

    #[test]
    fn only_web_addresses_are_gone_to() {
        for good in [
            "https://a.example/x",
            "http://a.example",
            "/done.html?x=1",
            "HTTPS://A.example",
        ] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            " javascript:x",
            "data:text/html,x",
            "//evil",
            "",
            "ftp://a",
        ] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
