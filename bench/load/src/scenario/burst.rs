//! All games exclude at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::ms;
use crate::client::{Seen, Speech};
use crate::games::Games;
use crate::peer::{Peer, Places, Server};
use crate::process::Meter;
use crate::samples::Sink;
use crate::traffic::{histogram, micros};

/// Before and after, so that what belongs to it is counted and what goes on anyway is known.
const QUIET: Duration = Duration::from_secs(2);
const AFTERWARDS: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) async fn run(
    places: &Places,
    peer: Peer,
    games: usize,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let server = Server::start(places, peer).await?;
    let mut table = Games::begin(&server, games).await?;
    table.pass(Duration::from_secs(1)).await;
    let quiet = Meter::start(server.pid)?;
    table.pass(QUIET).await;
    let quiet = quiet.read()?;

    let out = table.firsts();
    let meter = Meter::start(server.pid)?;
    let begin = Instant::now();
    for &who in &out {
        table.players[who].exclude_self(100);
    }
    let mut sent = HashMap::new();
    let mut told = histogram()?;
    let mut asked = histogram()?;
    let until = begin + PATIENCE;
    let mut last = begin;
    while told.len() < out.len() as u64 || asked.len() < out.len() as u64 {
        let Some(event) = table.next_before(until).await else {
            bail!("{peer} told {} of {games} partners", told.len());
        };
        let partner = table.players[event.who].partner;
        let since =
            |sent: &HashMap<usize, Instant>| sent.get(&partner).map(|from| micros(*from, event.at));
        match event.seen {
            Seen::Sent(_) => {
                sent.insert(event.who, event.at);
            }
            Seen::Event("partner_excluded", _) => {
                told.saturating_record(since(&sent).unwrap_or_default());
                last = event.at;
            }
            Seen::Event("trigger_data_export", _) => {
                asked.saturating_record(since(&sent).unwrap_or_default());
            }
            Seen::Ack(..) if peer.speech() == Speech::Echo => {
                told.saturating_record(since(&sent).unwrap_or_default());
                asked.saturating_record(since(&sent).unwrap_or_default());
                last = event.at;
            }
            Seen::Closed => bail!("{peer} closed a socket"),
            _ => {}
        }
    }
    let own = meter.read()?.own_share();
    table.pass(AFTERWARDS).await;
    let used = meter.read()?.server_beyond(&quiet);
    server.stop().await?;

    sink.put("partner told, p50 (ms)", ms(&told, 0.5));
    sink.put("partner told, p99 (ms)", ms(&told, 0.99));
    sink.put("asked for data, p99 (ms)", ms(&asked, 0.99));
    sink.put("all told after (ms)", micros(begin, last) as f64 / 1_000.0);
    sink.put(
        "server's CPU for each exclusion (µs)",
        used.as_secs_f64() * 1e6 / games as f64,
    );
    sink.put("load's own CPU (cores)", own);
    Ok(())
}
