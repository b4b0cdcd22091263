//! Participants, seated two by two: how they get into a game at each peer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout_at;

use crate::client::{Client, Event, Seen, Speech};
use crate::peer::{Peer, Server};

/// So many sockets are opened at a time.
const AT_A_TIME: usize = 32;
/// A server that seats nobody for so long is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// The id of the event by which a participant joins.
const JOIN: u64 = 1;

/// A participant and the seat.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) client: Client,
    /// Who sits in the same game.
    pub(crate) partner: usize,
    pub(crate) game: String,
    /// As JSON.
    pub(crate) id: String,
    /// What proves to our server who they are.
    pub(crate) token: String,
    next_id: u64,
}

/// Everybody who plays, and what happens at their sockets.
pub(crate) struct Games {
    pub(crate) players: Vec<Player>,
    pub(crate) events: UnboundedReceiver<Event>,
}

#[derive(Clone, Default)]
struct Seat {
    game: String,
    id: String,
    token: String,
    ready: bool,
}

impl Games {
    /// Opens two sockets for each game and waits until all are played.
    pub(crate) async fn begin(server: &Server, games: usize) -> Result<Self> {
        Self::begin_at(server.peer, &server.address, "p", games).await
    }

    /// The same, for participants whose names begin with this.
    pub(crate) async fn begin_at(
        peer: Peer,
        address: &str,
        names: &str,
        games: usize,
    ) -> Result<Self> {
        if 2 * games > peer.most_sockets() {
            bail!("{peer} takes no more than {} sockets", peer.most_sockets());
        }
        let (told, mut events) = unbounded_channel();
        let clients = connect(peer, address, names, 2 * games, &told).await?;
        if peer.speech() == Speech::Echo {
            return Ok(Self::without_server(clients, events));
        }
        if peer.is_mug() {
            pass_first_scene(&clients, &mut events).await?;
        }
        for client in &clients {
            client.emit("join_game", Some(JOIN), "{\"session_id\":\"s\"}", None);
        }
        let seats = seated(clients.len(), peer, &mut events).await?;
        Ok(Self {
            players: by_game(clients, seats)?,
            events,
        })
    }

    fn without_server(clients: Vec<Client>, events: UnboundedReceiver<Event>) -> Self {
        let seat = |(number, client)| Player {
            client,
            // What comes back stands for what a partner gets.
            partner: number,
            game: format!("game{}", number / 2),
            id: (number % 2).to_string(),
            token: String::new(),
            next_id: JOIN + 1,
        };
        Self {
            players: clients.into_iter().enumerate().map(seat).collect(),
            events,
        }
    }

    /// One of each game.
    pub(crate) fn firsts(&self) -> Vec<usize> {
        let is_first = |number: &usize| {
            let partner = self.players[*number].partner;
            // Who plays with an echo has nobody but themselves.
            *number < partner || (*number == partner && number.is_multiple_of(2))
        };
        (0..self.players.len()).filter(is_first).collect()
    }

    /// Waits for what happens next, but not beyond a moment.
    pub(crate) async fn next_before(&mut self, moment: Instant) -> Option<Event> {
        timeout_at(moment.into(), self.events.recv()).await.ok()?
    }

    /// Lets time pass; what happens meanwhile is of no interest.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while self.next_before(until).await.is_some() {}
    }
}

impl Player {
    /// Sends an event that asks for an answer; the id of both is its tag too.
    pub(crate) fn ask(&mut self, name: &str, payload: &str) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.client.emit(name, Some(id), payload, Some(id));
        id
    }

    /// Says that this participant is out.
    pub(crate) fn exclude_self(&mut self, frame: u64) -> u64 {
        let Self { game, id, .. } = self;
        let payload = format!(
            "{{\"game_id\":\"{game}\",\"player_id\":{id},\"reason\":\"sustained_ping\",\"frame_number\":{frame},\"timestamp\":1700000000000}}"
        );
        self.ask("mid_game_exclusion", &payload)
    }

    pub(crate) fn ping(&mut self, seq: u64) -> u64 {
        let payload =
            format!("{{\"ping_ms\":20,\"document_in_focus\":true,\"seq\":{seq},\"hidden_ms\":0}}");
        self.ask("ping", &payload)
    }

    /// Tells the partner's page of an action.
    pub(crate) fn act(&self, frame: u64) {
        let Self { game, id, .. } = self;
        let payload = format!(
            "{{\"game_id\":\"{game}\",\"player_id\":{id},\"action\":2,\"frame_number\":{frame},\"timestamp\":1700000000000}}"
        );
        self.client
            .emit("pyodide_player_action", None, &payload, Some(frame));
    }
}

async fn connect(
    peer: Peer,
    address: &str,
    names: &str,
    count: usize,
    told: &UnboundedSender<Event>,
) -> Result<Vec<Client>> {
    let one = |who: usize| async move {
        if peer.is_mug() {
            visit(address, &format!("{names}{who}")).await?;
        }
        let client = Client::connect(address, peer.speech(), "", who, told.clone()).await?;
        if peer.is_mug() {
            let payload = format!("{{\"subject_id\":\"{names}{who}\"}}");
            client.emit("register_subject", None, &payload, None);
        }
        anyhow::Ok(client)
    };
    stream::iter((0..count).map(one))
        .buffered(AT_A_TIME)
        .try_collect()
        .await
        .with_context(|| format!("opening {count} sockets"))
}

/// MUG knows only participants who have opened its page.
async fn visit(address: &str, name: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /{name} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if !answer.starts_with(b"HTTP/1.1 200") {
        bail!("MUG does not show its page");
    }
    Ok(())
}

async fn pass_first_scene(clients: &[Client], events: &mut UnboundedReceiver<Event>) -> Result<()> {
    all_hear(clients.len(), "activate_scene", events).await?;
    for client in clients {
        client.emit("advance_scene", None, "{}", None);
    }
    all_hear(clients.len(), "activate_scene", events).await
}

async fn all_hear(count: usize, wanted: &str, events: &mut UnboundedReceiver<Event>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    let mut heard = 0;
    while heard < count {
        let event = timeout_at(until.into(), events.recv()).await;
        let event = event.with_context(|| format!("{heard} of {count} heard {wanted}"))?;
        if let Some(Event {
            seen: Seen::Event(name, _),
            ..
        }) = event
            && name == wanted
        {
            heard += 1;
        }
    }
    Ok(())
}

async fn seated(
    count: usize,
    peer: Peer,
    events: &mut UnboundedReceiver<Event>,
) -> Result<Vec<Seat>> {
    let until = Instant::now() + PATIENCE;
    let mut seats = vec![Seat::default(); count];
    // Who has heard that the game begins, and has been answered.
    let (mut ready, mut answered) = (0, 0);
    while ready < count || answered < count {
        let event = timeout_at(until.into(), events.recv()).await;
        let event = event.with_context(|| format!("{peer} seats {ready} of {count}"))?;
        let Event { who, seen, .. } = event.context("all sockets are closed")?;
        let seat = &mut seats[who];
        match seen {
            Seen::Event("pyodide_player_assigned", body) => {
                let body: Value = serde_json::from_str(&body)?;
                seat.game = body["game_id"].as_str().context("no game")?.to_owned();
                seat.id = body["player_id"].to_string();
            }
            Seen::Event("pyodide_game_ready", _) if !seat.ready => {
                seat.ready = true;
                ready += 1;
            }
            Seen::Ack(JOIN, body) => {
                let body: Value = serde_json::from_str(&body)?;
                let token = body[0]["participant_token"].as_str();
                seat.token = token.unwrap_or_default().to_owned();
                answered += 1;
            }
            Seen::Closed => bail!("{peer} closed a socket"),
            _ => {}
        }
    }
    Ok(seats)
}

/// Everybody, with who sits in the same game. A participant's number stays that of the socket.
fn by_game(clients: Vec<Client>, seats: Vec<Seat>) -> Result<Vec<Player>> {
    let mut members: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, seat) in seats.iter().enumerate() {
        members.entry(&seat.game).or_default().push(number);
    }
    let mut partner = vec![0; seats.len()];
    for pair in members.values() {
        let [one, other] = pair[..] else {
            bail!("a game has {} players", pair.len());
        };
        partner[one] = other;
        partner[other] = one;
    }
    Ok(clients
        .into_iter()
        .zip(seats)
        .zip(partner)
        .map(|((client, seat), partner)| Player {
            client,
            partner,
            game: seat.game,
            id: seat.id,
            token: seat.token,
            next_id: JOIN + 1,
        })
        .collect())
}
