//! The server is killed while data are sent.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;

use crate::client::{Client, Seen};
use crate::export::payload;
use crate::games::Games;
use crate::peer::{Peer, Places, Server};
use crate::samples::Sink;

const BYTES: usize = 50_000;
/// So many answers are waited for before the kill: it falls into the middle of the work.
const ANSWERS_BEFORE: usize = 20;
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(
    places: &Places,
    peer: Peer,
    exports: usize,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let server = Server::start(places, peer).await?;
    let mut table = Games::begin(&server, exports / 2).await?;
    let payloads: Vec<String> = table
        .players
        .iter()
        .enumerate()
        .map(|(who, player)| payload(player, &format!("export{who}"), BYTES))
        .collect();
    for (player, payload) in table.players.iter_mut().zip(&payloads) {
        player.ask("emit_multiplayer_metrics", payload);
    }
    let mut acked = HashSet::new();
    let until = Instant::now() + PATIENCE;
    while acked.len() < ANSWERS_BEFORE {
        let Some(event) = table.next_before(until).await else {
            break;
        };
        if let Seen::Ack(id, _) = event.seen
            && id > 1
        {
            acked.insert(event.who);
        }
    }
    let server = server.kill_and_restart(places).await?;
    // What had been written before the kill may still be on its way.
    while let Some(event) = table
        .next_before(Instant::now() + Duration::from_millis(200))
        .await
    {
        if let Seen::Ack(id, _) = event.seen
            && id > 1
        {
            acked.insert(event.who);
        }
    }

    let mut acked_and_lost = 0;
    let mut lost = 0;
    for (who, player) in table.players.iter().enumerate() {
        let (stored_at_once, stored) = match peer {
            // Our page sends again what was not acked; the answer tells whether it was there already.
            Peer::Ours => {
                let answer = send_again(&server, &player.token, &payloads[who]).await?;
                (answer["duplicate"] == true, answer["ok"] == true)
            }
            Peer::Mug | Peer::MugAwake => {
                let stored = is_stored_by_mug(&server, who);
                (stored, stored)
            }
            // In memory, and nobody sends it again.
            Peer::Node | Peer::Echo => (false, false),
        };
        if acked.contains(&who) && !stored_at_once {
            acked_and_lost += 1;
        }
        if !stored {
            lost += 1;
        }
    }
    sink.put("acked before the kill", acked.len() as f64);
    sink.put("acked, and lost", f64::from(acked_and_lost));
    sink.put("lost in the end", f64::from(lost));
    server.stop().await
}

/// As our page does after its reconnect.
async fn send_again(server: &Server, token: &str, payload: &str) -> Result<Value> {
    let (told, mut events) = unbounded_channel();
    let auth = format!("{{\"participant_token\":\"{token}\"}}");
    let client = Client::connect(&server.address, server.peer.speech(), &auth, 0, told).await?;
    client.emit("emit_multiplayer_metrics", Some(7), payload, None);
    loop {
        let event = events.recv().await.context("the socket was closed")?;
        if let Seen::Ack(7, body) = event.seen {
            let body: Value = serde_json::from_str(&body)?;
            return Ok(body[0].clone());
        }
    }
}

fn is_stored_by_mug(server: &Server, who: usize) -> bool {
    let file = format!("data/bench/bench/p{who}_multiplayer_metrics.json");
    let text = fs::read_to_string(server.data.join(file)).unwrap_or_default();
    serde_json::from_str::<Value>(&text).is_ok()
}
