//! One participant's socket. It answers by itself what a page answers by itself, and tells the scenario the rest.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::packet::{Packet, emit, number_after, parse};

/// A server that does not answer for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the scenario wants to know of what happened at a socket.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// What was to be sent under this tag is being written now.
    Sent(u64),
    /// The answer to the event with this id.
    Ack(u64, String),
    /// An event of the server.
    Event(&'static str, String),
    /// A partner's action of this frame.
    Action(u64),
    /// The server closed the socket.
    Closed,
}

/// Something that happened at a socket.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) who: usize,
    pub(crate) at: Instant,
    pub(crate) seen: Seen,
}

struct Command {
    text: String,
    tag: Option<u64>,
}

/// A socket, as the scenario holds it. Dropped, it closes.
#[derive(Debug)]
pub(crate) struct Client {
    commands: UnboundedSender<Command>,
}

/// What a peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    SocketIo,
    /// Whatever is sent comes back.
    Echo,
}

/// The events that a scenario may ask for; of all others it hears nothing.
const HEARD: &[&str] = &[
    "pyodide_player_assigned",
    "pyodide_game_ready",
    "partner_excluded",
    "trigger_data_export",
    "activate_scene",
    "server_session_id",
    "end_game",
    "p2p_game_ended",
    "participant_excluded",
];

type Socket = WebSocketStream<TcpStream>;

impl Client {
    /// Opens a socket and enters the namespace; `auth` is JSON.
    pub(crate) async fn connect(
        address: &str,
        speech: Speech,
        auth: &str,
        who: usize,
        events: UnboundedSender<Event>,
    ) -> Result<Self> {
        let opening = open(address, speech, auth);
        let socket = timeout(PATIENCE, opening)
            .await
            .context("the server takes no more sockets")??;
        let (commands, queue) = unbounded_channel();
        tokio::spawn(run(socket, queue, speech, who, events));
        Ok(Self { commands })
    }

    /// Sends an event. With a tag, the scenario hears when it was written.
    pub(crate) fn emit(&self, name: &str, id: Option<u64>, payload: &str, tag: Option<u64>) {
        self.send(emit(name, id, payload), tag);
    }

    /// Sends a packet that is ready.
    pub(crate) fn send(&self, text: String, tag: Option<u64>) {
        let _ = self.commands.send(Command { text, tag });
    }
}

async fn open(address: &str, speech: Speech, auth: &str) -> Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    // Thousands of these live in one process.
    let config = WebSocketConfig::default()
        .read_buffer_size(4 << 10)
        .write_buffer_size(0)
        .max_message_size(None)
        .max_frame_size(None);
    let (mut socket, _) = client_async_with_config(url, stream, Some(config)).await?;
    if speech == Speech::Echo {
        return Ok(socket);
    }
    loop {
        let Some(message) = socket.next().await else {
            bail!("the server closed the socket at once");
        };
        let message = message?;
        let Ok(text) = message.to_text() else {
            continue;
        };
        match parse(text) {
            Packet::Open => socket.send(Message::text(format!("40{auth}"))).await?,
            // Our server's first heartbeat comes at once.
            Packet::Ping => socket.send(Message::text("3")).await?,
            Packet::Connected => return Ok(socket),
            _ => {}
        }
    }
}

async fn run(
    mut socket: Socket,
    mut queue: UnboundedReceiver<Command>,
    speech: Speech,
    who: usize,
    events: UnboundedSender<Event>,
) {
    let tell = |at, seen| events.send(Event { who, at, seen });
    loop {
        tokio::select! {
            biased;
            command = queue.recv() => {
                let Some(Command { text, tag }) = command else {
                    let _ = socket.close(None).await;
                    return;
                };
                let at = Instant::now();
                if let Some(tag) = tag {
                    let _ = tell(at, Seen::Sent(tag));
                }
                if socket.send(Message::text(text)).await.is_err() {
                    break;
                }
            }
            message = socket.next() => {
                let Some(Ok(message)) = message else {
                    break;
                };
                let at = Instant::now();
                let Ok(text) = message.to_text() else {
                    continue;
                };
                let (seen, answer) = react(parse(text), speech);
                if let Some(seen) = seen {
                    let _ = tell(at, seen);
                }
                if let Some(answer) = answer
                    && socket.send(Message::text(answer)).await.is_err()
                {
                    break;
                }
            }
        }
    }
    let _ = tell(Instant::now(), Seen::Closed);
}

/// What the scenario hears of a packet, and what a page would answer by itself.
fn react(packet: Packet<'_>, speech: Speech) -> (Option<Seen>, Option<String>) {
    match packet {
        Packet::Ping => (None, Some("3".to_owned())),
        Packet::Ack { id, body } => (Some(Seen::Ack(id, body.to_owned())), None),
        Packet::Event {
            id,
            name: "pyodide_other_player_action" | "pyodide_player_action",
            body,
        } => {
            debug_assert!(id.is_none());
            let frame = number_after(body, "frame_number");
            (frame.map(Seen::Action), None)
        }
        // What comes back as it was sent stands for an answer.
        Packet::Event { id: Some(id), .. } if speech == Speech::Echo => {
            (Some(Seen::Ack(id, String::new())), None)
        }
        Packet::Event { id, name, body } => {
            let answer = id.map(|id| match name {
                "presence_probe" => {
                    let seq = number_after(body, "seq").unwrap_or_default();
                    format!(
                        "43{id}[{{\"seq\":{seq},\"hidden\":false,\"hidden_ms\":0,\"frame_number\":0,\"stalled_ms\":0}}]"
                    )
                }
                _ => format!("43{id}[]"),
            });
            let heard = HEARD.iter().find(|heard| **heard == name);
            let seen = heard.map(|name| Seen::Event(name, body.to_owned()));
            (seen, answer)
        }
        _ => (None, None),
    }
}
