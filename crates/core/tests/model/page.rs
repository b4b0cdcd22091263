//! Pages, as far as they matter to the game: what they were told, what they have to report and to export.

/// What a page takes for its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// Its own verdict.
    Own,
    /// A partner was excluded.
    Partner,
    /// The server excluded it.
    Server,
    /// The game ended without a verdict.
    Lost,
    /// Played to the end.
    Completed,
}

/// What a page tells the server about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Report {
    Exclusion,
    Completion,
    Leaving,
}

/// Something that is sent until it is acked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owing<T> {
    Nothing,
    Open(T),
    Acked(T),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// Its socket, by number; each is used once.
    pub socket: Option<u8>,
    pub next_socket: u8,
    /// Closed, and never opened again.
    pub closed: bool,
    pub ending: Option<Ending>,
    pub report: Owing<Report>,
    pub export: Owing<()>,
    /// The deliveries that it has handled, by number.
    pub inbox: Vec<u8>,
}

impl Page {
    pub const fn new() -> Self {
        Self {
            socket: Some(0),
            next_socket: 1,
            closed: false,
            ending: None,
            report: Owing::Nothing,
            export: Owing::Nothing,
            inbox: Vec::new(),
        }
    }

    pub fn is_playing(&self) -> bool {
        !self.closed && self.ending.is_none() && self.report == Owing::Nothing
    }

    pub fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending);
            self.export = Owing::Open(());
        }
    }
}
