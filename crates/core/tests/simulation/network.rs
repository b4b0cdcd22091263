//! The network between pages and server: what travels, when it arrives, and whether it does.

use serde_json::Value;
use stillhere_core::exclusion::Evidence;
use stillhere_core::ids::DeliveryId;
use stillhere_core::participant::Expect;
use stillhere_core::wire::ClientEvent;

use crate::server::NewExport;

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub delay: u64,
    /// Messages take up to so much longer, and overtake each other; 0 keeps them in order.
    pub jitter: u64,
    /// One message in so many is lost; 0 for none.
    pub loss: u64,
    /// One message in so many comes twice; 0 for none.
    pub duplicates: u64,
}

pub const FAIR: Weather = Weather {
    delay: 10,
    jitter: 0,
    loss: 0,
    duplicates: 0,
};

impl Weather {
    /// Whether a socket of this network keeps the order and loses nothing, as TCP does.
    pub const fn is_tidy(&self) -> bool {
        self.jitter == 0 && self.loss == 0
    }
}

/// What travels over a socket.
#[derive(Clone, Debug)]
pub enum Packet {
    /// An event of a page, as the types have it.
    Event {
        event: ClientEvent<Evidence>,
        expect: Expect,
    },
    /// An event of a page, as the wire has it.
    Text {
        name: &'static str,
        payload: Value,
        expect: Expect,
    },
    /// `emit_multiplayer_metrics`, as the types have it.
    Export { export: NewExport, expect: Expect },
    /// An event of the server.
    ToPage {
        name: &'static str,
        payload: Value,
        delivery: Option<DeliveryId>,
    },
    /// The server's ack.
    AckToPage { to: Expect, body: Option<Value> },
    /// The page's ack of a delivery.
    AckToServer { delivery: DeliveryId },
}

impl Packet {
    /// Whether a repeat is the same message to the server. Joining again is another socket.
    pub const fn can_be_repeated(&self) -> bool {
        match self {
            Self::Event { event, .. } => {
                !matches!(event, ClientEvent::JoinGame(_) | ClientEvent::Ping(_))
            }
            Self::Text { name, .. } => !matches!(name.as_bytes(), b"join_game" | b"ping"),
            Self::Export { .. } | Self::AckToServer { .. } => true,
            Self::ToPage { .. } | Self::AckToPage { .. } => false,
        }
    }

    /// Whether it says who sits where. No real socket loses it and delivers what comes after it, or turns its order
    /// around, so neither does the worst weather here.
    pub fn is_seating(&self) -> bool {
        match self {
            Self::AckToPage { to, .. } => *to == Expect::Join,
            Self::ToPage { name, .. } => matches!(
                *name,
                "pyodide_player_assigned" | "pyodide_game_ready" | "end_game"
            ),
            Self::Event { event, .. } => matches!(event, ClientEvent::JoinGame(_)),
            Self::Text { name, .. } => *name == "join_game",
            _ => false,
        }
    }

    pub const fn is_to_page(&self) -> bool {
        matches!(self, Self::ToPage { .. } | Self::AckToPage { .. })
    }
}

/// One socket, as both of its ends see it.
#[derive(Clone, Debug)]
pub struct Socket {
    pub page: usize,
    /// The page takes it for connected.
    pub page_side: bool,
    /// The server takes it for connected.
    pub server_side: bool,
    /// The participant that it speaks for.
    pub bound: Option<usize>,
    /// The participant that it ever spoke for: the game hears of its end whatever happened since.
    pub spoke_for: Option<usize>,
    /// Taking a seat up again has not been stored yet; what comes after it waits.
    pub resuming: bool,
    /// The latest arrival on either way: a tidy network keeps the order.
    pub last_arrival: [u64; 2],
}

impl Socket {
    pub const fn new(page: usize) -> Self {
        Self {
            page,
            page_side: true,
            server_side: true,
            bound: None,
            spoke_for: None,
            resuming: false,
            last_arrival: [0; 2],
        }
    }
}
