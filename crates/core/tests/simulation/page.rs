//! Pages and the browsers that they live in.

use std::collections::{BTreeMap, BTreeSet};

use stillhere_core::ids::{ExportId, ParticipantId};
use stillhere_core::participant::{Overlay, PageEvent, Participant, Stop};

use crate::server::NewExport;

/// What made a page's session end, as far as the page knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The server's word.
    Server,
    /// The page itself.
    Itself,
}

/// One life of a page, and the participant's session in it.
pub struct Client {
    pub id: ParticipantId,
    /// The participant's number.
    pub who: usize,
    pub machine: Participant,
    /// When the page was opened: zero of its own clock.
    pub born: u64,
    pub died: Option<u64>,
    /// Its socket, as the page sees it.
    pub socket: Option<usize>,
    /// Whether the page knows the token, so that its next socket shows it.
    pub has_token: bool,
    pub hidden: bool,
    /// Whether the page runs at all: a closed one does not.
    pub open: bool,
    /// Between `ready` and the stop.
    pub playing: bool,
    pub frame: u64,
    pub ended_by: Option<EndedBy>,
    pub ended_at: Option<u64>,
    /// Another page of the participant has the seat.
    pub taken_over: bool,
    /// The server has seated the participant anew, in a game that is not looked at here.
    pub elsewhere: bool,
    /// A report of this page was answered, by whatever.
    pub report_answered: bool,
    /// A report of this page was heard by the server.
    pub report_handled: bool,
    /// A report of this page has been sent.
    pub reported: bool,
    /// A report of this page came too late to decide anything.
    pub report_was_late: bool,
    /// Gone without a word: what the browser had not written yet is lost.
    pub crashed: bool,
    /// What the browser has written of this page's exports, or the server has got.
    pub kept: Vec<ExportId>,
    pub built: Vec<ExportId>,
    pub exports: BTreeMap<ExportId, NewExport>,
    pub overlays: Vec<Overlay>,
    pub events: Vec<PageEvent>,
    /// The elements that showed the end.
    pub final_kinds: BTreeSet<&'static str>,
    pub stops: Vec<Stop>,
    pub went_to: Vec<String>,
    pub banners: usize,
    /// Nothing passes until then.
    pub dead_until: u64,
    /// Everything takes longer until then.
    pub slow_until: u64,
    pub timer: Option<u64>,
}

impl Client {
    pub fn new(id: ParticipantId, who: usize, machine: Participant, born: u64) -> Self {
        Self {
            id,
            who,
            machine,
            born,
            died: None,
            socket: None,
            has_token: false,
            hidden: false,
            open: true,
            playing: false,
            frame: 0,
            ended_by: None,
            ended_at: None,
            taken_over: false,
            elsewhere: false,
            report_answered: false,
            report_handled: false,
            reported: false,
            report_was_late: false,
            crashed: false,
            kept: Vec::new(),
            built: Vec::new(),
            exports: BTreeMap::new(),
            overlays: Vec::new(),
            events: Vec::new(),
            final_kinds: BTreeSet::new(),
            stops: Vec::new(),
            went_to: Vec::new(),
            banners: 0,
            dead_until: 0,
            slow_until: 0,
            timer: None,
        }
    }

    pub fn heard(&self, name: &str) -> usize {
        self.events
            .iter()
            .filter(|event| event.name() == name)
            .count()
    }

    pub fn overlay(&self) -> &Overlay {
        self.overlays.last().expect("an overlay was shown")
    }

    pub fn saw(&self, text: &str) -> bool {
        self.overlays
            .iter()
            .any(|overlay| overlay.message.contains(text))
    }
}

/// What outlives a page.
#[derive(Default)]
pub struct Browser {
    pub has_token: bool,
    pub outbox: BTreeMap<ExportId, NewExport>,
    /// The participant has gone for good.
    pub gone: bool,
}
