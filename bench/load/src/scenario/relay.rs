//! Actions through the server.

use std::time::Duration;

use anyhow::Result;

use super::ms;
use crate::games::Games;
use crate::peer::{Peer, Places, Server};
use crate::process::Meter;
use crate::samples::Sink;
use crate::traffic::{Rates, play};

const GAMES: usize = 250;

pub(super) async fn run(
    places: &Places,
    peer: Peer,
    rate: usize,
    time: Duration,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let server = Server::start(places, peer).await?;
    let mut table = Games::begin(&server, GAMES).await?;
    table.pass(Duration::from_secs(1)).await;
    let quiet = Meter::start(server.pid)?;
    table.pass(Duration::from_secs(2)).await;
    let quiet = quiet.read()?;
    let everybody: Vec<usize> = (0..table.players.len()).collect();
    let rates = Rates {
        actions: rate as f64 / everybody.len() as f64,
        ..Rates::default()
    };
    let meter = Meter::start(server.pid)?;
    let heard = play(&mut table, &everybody, &mut Vec::new(), rates, time).await?;
    let used = meter.read()?;
    server.stop().await?;

    let each = used.server_beyond(&quiet).as_secs_f64() * 1e6 / heard.sent as f64;
    sink.put("action to the partner, p50 (ms)", ms(&heard.actions, 0.5));
    sink.put("action to the partner, p99 (ms)", ms(&heard.actions, 0.99));
    sink.put("server's CPU for each action (µs)", each);
    sink.put(
        "arrived (%)",
        100.0 * heard.received() as f64 / heard.sent as f64,
    );
    sink.put("load's own CPU (cores)", used.own_share());
    Ok(())
}
