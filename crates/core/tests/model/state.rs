//! A state of everything: the stored game, the pages, and what is on its way between them.

use std::collections::BTreeSet;

use stillhere_core::ids::{ConnectionId, GameId, ParticipantId, SceneId};
use stillhere_core::session::{GameInput, GameSession, GameSettings, OnExclusion};
use stillhere_core::time::Millis;

use crate::canon::{EXPORT_TIMEOUT, NOW, RECONNECT_GRACE, write};
use crate::page::Page;

/// What is on its way, in no order. What a page sends is not in here: it may reach the server at any moment from which it
/// is sent on, and its answer may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    Delivery {
        page: u8,
        number: u8,
        told: Told,
    },
    /// The server notices that a socket is lost. Sooner or later it does.
    SocketLost {
        page: u8,
        socket: u8,
    },
}

impl Message {
    pub const fn page(self) -> u8 {
        match self {
            Self::Delivery { page, .. } | Self::SocketLost { page, .. } => page,
        }
    }

    pub const fn can_be_lost(self) -> bool {
        matches!(self, Self::Delivery { .. })
    }
}

/// What a delivery tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Told {
    PartnerExcluded,
    Export,
    Excluded,
    PartnerLeft,
    Ended,
}

/// A rule that was broken on the way to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    EndedBeforeStored,
    GivenUpTooEarly,
    TwoOutcomes,
    TwoEndings,
    TwoVerdicts,
    EndedTwice,
    OverdueDeadline,
    RefusalChanged,
    AckedUnstored,
    RepeatChanged,
    SentUnstored,
}

/// How often each thing may still go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    pub crashes: u8,
    pub lost_sockets: u8,
    pub closed_pages: u8,
    pub server_verdicts: u8,
    pub own_verdicts: u8,
    pub completions: u8,
    pub departures: u8,
    pub shutdowns: u8,
    pub repeats: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The game as it is stored.
    pub game: String,
    /// When its next deadline comes, from now.
    pub due: Option<u64>,
    /// The last delivery that is stored.
    pub last_delivery: u8,
    pub pages: Vec<Page>,
    pub network: BTreeSet<Message>,
    /// Who has data in the storage: by the page, by the server.
    pub stored: Vec<(bool, bool)>,
    pub outcomes: Vec<u8>,
    pub ended: bool,
    pub budget: Budget,
    pub faults: BTreeSet<Fault>,
}

pub fn participant(page: u8) -> ParticipantId {
    ParticipantId::try_from(char::from(b'A' + page).to_string()).expect("a good id")
}

pub fn connection(page: u8, socket: u8) -> ConnectionId {
    ConnectionId::try_from(format!("{page}.{socket}")).expect("a good id")
}

impl State {
    /// Everybody plays.
    pub fn playing(players: u8, on_exclusion: OnExclusion, budget: Budget) -> Self {
        let settings = GameSettings {
            scene: SceneId::try_from("grid").expect("a good id"),
            players: usize::from(players),
            waiting_room_timeout: Millis::from(60_000),
            reconnect_grace: Millis::from(RECONNECT_GRACE),
            export_ack_timeout: Millis::from(EXPORT_TIMEOUT),
            on_exclusion,
            min_players: if on_exclusion == OnExclusion::End {
                usize::from(players)
            } else {
                2
            },
        };
        let now = Millis::from(NOW);
        let mut game = GameSession::new(GameId::try_from("g").expect("a good id"), 1, settings);
        for page in 0..players {
            let input = GameInput::Join {
                participant: participant(page),
                connection: connection(page, 0),
            };
            game.handle(now, input).expect("a seat");
        }
        while game.poll().is_some() {}
        let many = usize::from(players);
        Self {
            game: write(&game, now),
            due: None,
            last_delivery: 0,
            pages: vec![Page::new(); many],
            network: BTreeSet::new(),
            stored: vec![(false, false); many],
            outcomes: vec![0; many],
            ended: false,
            budget,
            faults: BTreeSet::new(),
        }
    }
}
