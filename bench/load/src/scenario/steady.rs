//! Exclusions at a rate, and what those feel who play on.

use std::time::Duration;

use anyhow::Result;

use super::ms;
use crate::games::Games;
use crate::peer::{Peer, Places, Server};
use crate::process::Meter;
use crate::samples::Sink;
use crate::traffic::{Rates, play};

const BYSTANDING_GAMES: usize = 100;
/// Of each participant.
const PLAYING: Rates = Rates {
    pings: 2.0,
    actions: 10.0,
    exclusions: 0.0,
};

pub(super) async fn run(
    places: &Places,
    peer: Peer,
    rate: usize,
    time: Duration,
    sink: &mut Sink<'_>,
) -> Result<()> {
    // A peer with a limit has fewer, and so a shorter time.
    let most = (peer.most_sockets() / 2).saturating_sub(BYSTANDING_GAMES + 12);
    let wanted = rate * usize::try_from(time.as_secs())?;
    let ending = wanted.min(most);
    let time = time.mul_f64(ending as f64 / wanted as f64);
    let server = Server::start(places, peer).await?;
    let mut table = Games::begin(&server, BYSTANDING_GAMES + ending).await?;
    table.pass(Duration::from_secs(1)).await;
    let firsts = table.firsts();
    let (playing, ending) = firsts.split_at(BYSTANDING_GAMES);
    let bystanders: Vec<usize> = playing
        .iter()
        .flat_map(|&who| [who, table.players[who].partner])
        .collect();
    let mut victims = ending.to_vec();

    let quiet = play(&mut table, &bystanders, &mut Vec::new(), PLAYING, time).await?;
    let rates = Rates {
        exclusions: rate as f64,
        ..PLAYING
    };
    let meter = Meter::start(server.pid)?;
    let busy = play(&mut table, &bystanders, &mut victims, rates, time).await?;
    let used = meter.read()?;
    server.stop().await?;

    sink.put("pings without exclusions, p99 (ms)", ms(&quiet.pings, 0.99));
    sink.put("pings, p99 (ms)", ms(&busy.pings, 0.99));
    sink.put(
        "actions without exclusions, p50 (ms)",
        ms(&quiet.actions, 0.5),
    );
    sink.put("actions, p50 (ms)", ms(&busy.actions, 0.5));
    sink.put(
        "actions without exclusions, p99 (ms)",
        ms(&quiet.actions, 0.99),
    );
    sink.put("actions, p99 (ms)", ms(&busy.actions, 0.99));
    sink.put(
        "pings, p99 with / without",
        ratio(ms(&busy.pings, 0.99), ms(&quiet.pings, 0.99)),
    );
    sink.put(
        "actions, p99 with / without",
        ratio(ms(&busy.actions, 0.99), ms(&quiet.actions, 0.99)),
    );
    sink.put("partner told, p99 (ms)", ms(&busy.told, 0.99));
    sink.put(
        "arrived (%)",
        100.0 * busy.received() as f64 / busy.sent as f64,
    );
    sink.put("server's CPU (cores)", used.server_share());
    sink.put("load's own CPU (cores)", used.own_share());
    Ok(())
}

fn ratio(one: f64, other: f64) -> f64 {
    one / other.max(0.001)
}
