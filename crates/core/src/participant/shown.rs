//! What the participant is shown at a moment.

use crate::time::Millis;

use super::event::ParticipantOutput;
use super::machine::{Participant, Phase};
use super::overlay::{Overlay, OverlayKind, with_seconds};

/// A socket that is back within this time needs no overlay.
const BLINK: Millis = Millis::new(1_000.0);

impl Participant {
    /// Shows what is to be seen now, if it differs from what is shown.
    pub(super) fn refresh_overlay(&mut self, now: Millis) {
        let wanted = match &self.phase {
            Phase::Ended(ending) => Some(ending.overlay(&self.texts, now)),
            Phase::Playing => self.reconnecting_overlay(now),
            _ => None,
        };
        if wanted == self.shown {
            return;
        }
        if let Some(shown) = &self.shown
            && wanted
                .as_ref()
                .is_none_or(|wanted| wanted.kind != shown.kind)
        {
            self.outputs.push(ParticipantOutput::Hide(shown.kind));
        }
        if let Some(wanted) = &wanted {
            self.outputs.push(ParticipantOutput::Show(wanted.clone()));
        }
        self.shown = wanted;
    }

    fn reconnecting_overlay(&self, now: Millis) -> Option<Overlay> {
        let own = self
            .holds
            .connection
            .is_some_and(|since| now - since >= BLINK);
        let (message, countdown) = if own {
            (&self.texts.own_reconnecting, None)
        } else {
            let (_, until) = self.holds.partner.as_ref()?;
            let seconds = (*until - now).ceil().div_ceil(1_000);
            (
                &self.texts.partner_reconnecting,
                Some(with_seconds(&self.texts.waiting_seconds, seconds)),
            )
        };
        Some(Overlay {
            kind: OverlayKind::Reconnecting,
            heading: self.texts.reconnecting_heading.to_string(),
            message: message.to_string(),
            status: String::new(),
            countdown,
            code: None,
            button: None,
        })
    }
}
