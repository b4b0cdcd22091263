//! What is measured. Each scenario is run at one setting, against one peer, on a fresh server.

mod burst;
mod export;
mod idle;
mod kill;
mod relay;
mod steady;

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::peer::{Peer, Places};
use crate::samples::Sink;

/// A scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Burst,
    Steady,
    Export,
    Relay,
    Idle,
    Kill,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] = [
        Self::Burst,
        Self::Steady,
        Self::Export,
        Self::Relay,
        Self::Idle,
        Self::Kill,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Steady => "steady",
            Self::Export => "export",
            Self::Relay => "relay",
            Self::Idle => "idle",
            Self::Kill => "kill",
        }
    }

    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::Burst => "one participant of each of G games is excluded, all at once",
            Self::Steady => {
                "R exclusions a second, while 100 other games ping and play; what those feel"
            }
            Self::Export => {
                "data of this size, from 100 at once (200 KB) or from 4 (20 MB), while 50 other games ping"
            }
            Self::Relay => "so many actions a second through the server, in 250 games",
            Self::Idle => "so many sockets in games where nothing happens",
            Self::Kill => {
                "SIGKILL while 100 participants send their data; restarted, and pages do what they do then"
            }
        }
    }

    /// At which settings, small ones first.
    pub(crate) fn settings(self, quick: bool) -> &'static [usize] {
        match (self, quick) {
            (Self::Burst, false) => &[1, 10, 100, 500, 1_000, 2_000, 5_000],
            (Self::Burst, true) => &[1, 10, 100],
            (Self::Steady, false) => &[10, 100],
            (Self::Steady, true) => &[10],
            (Self::Export, false) => &[200_000, 20_000_000],
            (Self::Export, true) => &[200_000],
            (Self::Relay, false) => &[1_000, 10_000],
            (Self::Relay, true) => &[1_000],
            (Self::Idle, false) => &[0, 1_000, 10_000],
            (Self::Idle, true) => &[0, 200],
            (Self::Kill, _) => &[100],
        }
    }

    /// How a setting is called.
    pub(crate) fn title(self, setting: usize) -> String {
        match self {
            Self::Burst => format!("G = {setting}"),
            Self::Steady => format!("R = {setting}/s"),
            Self::Export if setting >= 1_000_000 => format!("{} MB", setting / 1_000_000),
            Self::Export => format!("{} KB", setting / 1_000),
            Self::Relay => format!("{setting}/s"),
            Self::Idle => format!("{setting} sockets"),
            Self::Kill => format!("{setting} exports"),
        }
    }

    /// Whether a peer can do it at all, or in a time worth waiting for.
    pub(crate) fn suits(self, peer: Peer, setting: usize) -> bool {
        match (self, peer) {
            (Self::Burst, Peer::Mug | Peer::MugAwake) => setting <= 500,
            (Self::Relay, Peer::Mug) => false,
            (Self::Relay, Peer::MugAwake) => setting <= 1_000,
            (Self::Steady, Peer::MugAwake) => true,
            (Self::Steady, Peer::Mug) => setting <= 10,
            (Self::Export | Self::Kill, Peer::MugAwake | Peer::Echo) => false,
            (Self::Steady, Peer::Echo) => false,
            (Self::Idle, Peer::MugAwake) => false,
            (Self::Idle, Peer::Mug) => setting <= 1_000,
            _ => true,
        }
    }

    /// Runs it.
    pub(crate) async fn run(
        self,
        places: &Places,
        peer: Peer,
        setting: usize,
        quick: bool,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let time = Duration::from_secs(if quick { 3 } else { 8 });
        match self {
            Self::Burst => burst::run(places, peer, setting, sink).await,
            Self::Steady => steady::run(places, peer, setting, time, sink).await,
            Self::Export => export::run(places, peer, setting, sink).await,
            Self::Relay => relay::run(places, peer, setting, time, sink).await,
            Self::Idle => idle::run(places, peer, setting, time, sink).await,
            Self::Kill => kill::run(places, peer, setting, sink).await,
        }
    }
}

/// A quantile in milliseconds.
fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}
