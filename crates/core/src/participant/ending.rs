//! The end of a session on the participant's side: export until acked, then go where the server says.

use crate::ids::ExportId;
use crate::outbox::Owed;
use crate::time::Millis;
use crate::wire::Redirect;

use super::overlay::{CompletionCode, Messages, Overlay, OverlayKind, with_seconds};

/// Where the participant's data is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExportState {
    /// Nothing to export: no game was played.
    None,
    /// The partner's server asks for it in a message of its own; not waited for long.
    Awaiting { until: Millis },
    /// Being built by the adapter.
    Building,
    /// On its way through the socket.
    Sending(Owed),
    /// On its way in chunks.
    Uploading,
    /// Stored by the server.
    Stored,
    /// Refused for good: repeating it would not help.
    Refused,
}

/// Where the participant goes next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RedirectState {
    /// Not asked yet: the data goes first.
    Waiting,
    /// Nowhere: the session goes on in another tab.
    Nowhere,
    /// Asked, until answered.
    Asking(Owed),
    /// Answered; leaving at the moment given, if there is somewhere to go.
    Answered {
        redirect: Redirect,
        leave_at: Millis,
    },
    /// Gone, as far as the page lets us.
    Left,
}

/// An ending under way.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) kind: OverlayKind,
    pub(super) heading: String,
    pub(super) message: String,
    pub(super) export_id: ExportId,
    pub(super) export: ExportState,
    /// Whether the browser has the export for good, so that a later page can send it.
    pub(super) persisted: bool,
    /// Whether the export can go up in chunks.
    pub(super) uploadable: bool,
    pub(super) redirect: RedirectState,
    pub(super) began: Millis,
    /// The server could not be reached or could not store for a while.
    pub(super) delayed: bool,
}

impl Ending {
    /// What the participant is shown at this moment.
    pub(super) fn overlay(&self, texts: &Messages, now: Millis) -> Overlay {
        let data = match self.export {
            ExportState::None => "",
            ExportState::Stored => &texts.saved,
            ExportState::Refused => &texts.refused,
            _ if !self.delayed => &texts.saving,
            _ if self.persisted => &texts.kept,
            _ => &texts.not_saved,
        };
        let redirect = match &self.redirect {
            RedirectState::Answered { redirect, leave_at } => Some((redirect, *leave_at)),
            _ => None,
        };
        let leaving = redirect.filter(|(redirect, _)| redirect.redirect_url.is_some());
        // Data that is still on its way and kept nowhere goes out only while the page stays open; where it is kept, the
        // text says so already.
        let stays = redirect.is_some() || matches!(self.redirect, RedirectState::Nowhere);
        let mut status = data.to_owned();
        if stays && leaving.is_none() && self.is_settled() {
            if !status.is_empty() {
                status.push(' ');
            }
            status.push_str(&texts.close_page);
        }
        Overlay {
            kind: self.kind,
            heading: self.heading.clone(),
            message: self.message.clone(),
            status,
            countdown: leaving.map(|(_, leave_at)| {
                with_seconds(&texts.redirecting, (leave_at - now).ceil().div_ceil(1_000))
            }),
            code: redirect
                .and_then(|(redirect, _)| redirect.completion_code.clone())
                .map(|code| CompletionCode {
                    label: texts.code_label.to_string(),
                    code,
                }),
            button: leaving.map(|_| texts.continue_button.to_string()),
        }
    }

    /// Whether the data has gone where it could.
    pub(super) const fn is_settled(&self) -> bool {
        matches!(
            self.export,
            ExportState::None | ExportState::Stored | ExportState::Refused
        )
    }

    /// Whether the page may be left without losing data.
    pub(super) const fn is_safe(&self) -> bool {
        self.is_settled() || self.persisted
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        let export = match &self.export {
            ExportState::Awaiting { until } => Some(*until),
            ExportState::Sending(owed) => owed.due(),
            _ => None,
        };
        let redirect = match &self.redirect {
            RedirectState::Asking(owed) => owed.due(),
            RedirectState::Answered { leave_at, redirect } if redirect.redirect_url.is_some() => {
                Some(*leave_at)
            }
            _ => None,
        };
        [export, redirect].into_iter().flatten().min()
    }
}
