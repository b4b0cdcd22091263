//! What participants cost who do nothing.

use std::time::Duration;

use anyhow::Result;

use crate::games::Games;
use crate::peer::{Peer, Places, Server};
use crate::process::{Meter, memory};
use crate::samples::Sink;

const SETTLING: Duration = Duration::from_secs(3);

pub(super) async fn run(
    places: &Places,
    peer: Peer,
    sockets: usize,
    time: Duration,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let server = Server::start(places, peer).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let empty = memory(server.pid)?;
    if sockets == 0 {
        let meter = Meter::start(server.pid)?;
        tokio::time::sleep(time).await;
        let used = meter.read()?;
        sink.put("memory (MiB)", empty as f64 / 1_024.0);
        sink.put("server's CPU (% of a core)", 100.0 * used.server_share());
        return server.stop().await;
    }
    let mut table = Games::begin(&server, sockets / 2).await?;
    table.pass(SETTLING).await;
    let meter = Meter::start(server.pid)?;
    table.pass(time).await;
    let used = meter.read()?;
    let full = memory(server.pid)?;
    server.stop().await?;
    let each = full.saturating_sub(empty) as f64 / sockets as f64;
    sink.put("memory for each socket (KiB)", each);
    sink.put("memory in all (MiB)", full as f64 / 1_024.0);
    sink.put("server's CPU (% of a core)", 100.0 * used.server_share());
    Ok(())
}
