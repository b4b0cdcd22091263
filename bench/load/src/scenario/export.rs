//! Data that is sent while others play.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use futures_util::future::join_all;
use tokio::runtime;
use tokio::sync::oneshot;

use super::ms;
use crate::client::Seen;
use crate::export::{compressed, metrics, payload, upload};
use crate::games::Games;
use crate::peer::{Peer, Places, Server};
use crate::process::Meter;
use crate::samples::Sink;
use crate::traffic::{Rates, play};

const BYSTANDING_GAMES: usize = 50;
const PINGING: Rates = Rates {
    pings: 20.0,
    actions: 0.0,
    exclusions: 0.0,
};
const QUIET: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(60);
/// Our pages send more than this in chunks, as the socket takes no more.
const LARGEST_MESSAGE: usize = 4_000_000;

pub(super) async fn run(
    places: &Places,
    peer: Peer,
    bytes: usize,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let senders = if bytes > LARGEST_MESSAGE { 4 } else { 100 };
    let server = Server::start(places, peer).await?;
    let mut table = Games::begin(&server, BYSTANDING_GAMES).await?;
    let everybody: Vec<usize> = (0..table.players.len()).collect();

    // On a thread of their own, so that what they do is not felt before it reaches the server.
    let (ready, is_ready) = oneshot::channel();
    let (start, started) = oneshot::channel();
    let storm = Storm {
        games: senders / 2,
        bytes,
        in_chunks: peer == Peer::Ours && bytes > LARGEST_MESSAGE,
    };
    let (address, pid) = (server.address.clone(), server.pid);
    let thread = thread::spawn({
        let server = Remote { peer, address };
        move || storm.run(&server, ready, started)
    });
    // Whatever failed over there is told at the end.
    let _ = is_ready.await;
    let quiet_meter = Meter::start(pid)?;
    let quiet = play(&mut table, &everybody, &mut Vec::new(), PINGING, QUIET).await?;
    let before = quiet_meter.read()?;

    let meter = Meter::start(pid)?;
    let _ = start.send(());
    let mut heard = Vec::new();
    loop {
        let slice = Duration::from_millis(500);
        heard.push(play(&mut table, &everybody, &mut Vec::new(), PINGING, slice).await?);
        if thread.is_finished() {
            break;
        }
    }
    let used = meter.read()?;
    let (stored, took) = thread
        .join()
        .map_err(|_| anyhow!("the senders panicked"))??;
    server.stop().await?;

    let mut pings = heard.pop().context("nothing was heard")?.pings;
    for more in heard {
        pings.add(more.pings)?;
    }
    let each = used.server_beyond(&before).as_secs_f64() * 1_000.0 / senders as f64;
    sink.put("stored (%)", 100.0 * stored as f64 / senders as f64);
    sink.put("all stored after (ms)", took.as_secs_f64() * 1_000.0);
    sink.put("server's CPU for each (ms)", each);
    sink.put("others' pings before, p99 (ms)", ms(&quiet.pings, 0.99));
    sink.put("others' pings, p99 (ms)", ms(&pings, 0.99));
    sink.put(
        "others' pings, p99 with / without",
        ms(&pings, 0.99) / ms(&quiet.pings, 0.99),
    );
    sink.put("load's own CPU (cores)", used.own_share());
    Ok(())
}

/// A server that somebody else holds.
struct Remote {
    peer: Peer,
    address: String,
}

/// Those who send their data all at once.
struct Storm {
    games: usize,
    bytes: usize,
    in_chunks: bool,
}

type Stored = (usize, Duration);

impl Storm {
    fn run(
        &self,
        server: &Remote,
        ready: oneshot::Sender<()>,
        start: oneshot::Receiver<()>,
    ) -> Result<Stored> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.send(server, ready, start))
    }

    async fn send(
        &self,
        server: &Remote,
        ready: oneshot::Sender<()>,
        start: oneshot::Receiver<()>,
    ) -> Result<Stored> {
        let mut table = Games::begin_at(server.peer, &server.address, "storm", self.games).await?;
        if self.in_chunks {
            let documents: Result<Vec<_>> = table
                .players
                .iter()
                .map(|player| compressed(&metrics(player, self.bytes)))
                .collect();
            let documents = documents?;
            let _ = ready.send(());
            start.await?;
            let begin = Instant::now();
            let sending = table
                .players
                .iter()
                .zip(&documents)
                .map(|(player, document)| {
                    upload(&server.address, &player.token, "large", document)
                });
            let answers = join_all(sending).await;
            let stored = answers
                .into_iter()
                .filter(|answer| matches!(answer, Ok(true)));
            return Ok((stored.count(), begin.elapsed()));
        }
        let payloads: Vec<String> = table
            .players
            .iter()
            .enumerate()
            .map(|(who, player)| payload(player, &format!("export{who}"), self.bytes))
            .collect();
        let _ = ready.send(());
        start.await?;
        let begin = Instant::now();
        for (player, payload) in table.players.iter_mut().zip(&payloads) {
            player.ask("emit_multiplayer_metrics", payload);
        }
        let (mut stored, mut last, mut open) = (0, begin, table.players.len());
        while open > 0 {
            let Some(event) = table.next_before(begin + PATIENCE).await else {
                break;
            };
            match event.seen {
                Seen::Ack(id, body) if id > 1 => {
                    open -= 1;
                    // MUG's answer says nothing, and comes when its handler is through.
                    if !body.contains("\"ok\":false") {
                        stored += 1;
                    }
                    last = event.at;
                }
                Seen::Closed => open -= 1,
                _ => {}
            }
        }
        Ok((stored, last - begin))
    }
}
