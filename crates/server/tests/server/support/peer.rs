use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// Long enough for a machine under load; only a failing test ever waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// These come whenever the server likes, so they have no place in an order of events.
const UNORDERED: &[&str] = &["presence_probe", "waiting_room", "pong"];

type Acks = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// An event from the server, and the number to ack it by.
#[derive(Debug)]
pub struct Heard {
    pub name: String,
    pub payload: Value,
    ack: Option<u64>,
}

/// A minimal Socket.IO v5 client over WebSocket text frames. It shares no code with the server, does
/// exactly what it is told, and acks only when it is told to.
pub struct Peer {
    out: mpsc::UnboundedSender<Message>,
    heard: mpsc::UnboundedReceiver<Heard>,
    aside: VecDeque<Heard>,
    /// In order, but heard before anybody expected it.
    early: VecDeque<Heard>,
    acks: Acks,
    next_ack: u64,
    pub token: String,
    /// What `pyodide_player_assigned` said.
    pub seat: Value,
}

impl Peer {
    pub async fn connect(address: SocketAddr, auth: Value) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let (mut sink, mut stream) = socket.split();
        let open = stream.next().await.unwrap().unwrap();
        assert!(open.to_text().unwrap().starts_with('0'), "{open}");
        sink.send(Message::text(format!("40{auth}"))).await.unwrap();
        loop {
            let message = stream.next().await.unwrap().unwrap();
            match message.to_text().unwrap() {
                "2" => sink.send(Message::text("3")).await.unwrap(),
                text => {
                    assert!(text.starts_with("40"), "{text}");
                    break;
                }
            }
        }

        let (out, mut to_send) = mpsc::unbounded_channel();
        let (hear, heard) = mpsc::unbounded_channel();
        let acks = Acks::default();
        let pending = Arc::clone(&acks);
        let pong = out.clone();
        tokio::spawn(async move {
            while let Some(message) = to_send.recv().await {
                if sink.send(message).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                let Message::Text(text) = message else {
                    continue;
                };
                if text.as_str() == "2" {
                    let _ = pong.send(Message::text("3"));
                } else if let Some(ack) = text.strip_prefix("43") {
                    let (id, body) = numbered(ack);
                    let answer = body[0].clone();
                    if let Some(waiting) = pending.lock().unwrap().remove(&id.unwrap()) {
                        let _ = waiting.send(answer);
                    }
                } else if let Some(event) = text.strip_prefix("42") {
                    let (ack, body) = numbered(event);
                    let _ = hear.send(Heard {
                        name: body[0].as_str().unwrap().to_owned(),
                        payload: body[1].clone(),
                        ack,
                    });
                }
            }
        });
        Self {
            out,
            heard,
            aside: VecDeque::new(),
            early: VecDeque::new(),
            acks,
            next_ack: 0,
            token: String::new(),
            seat: Value::Null,
        }
    }

    /// Sends an event and waits for no answer.
    pub fn emit(&self, event: &str, payload: Value) {
        self.raw(format!("42{}", json!([event, payload])));
    }

    /// Sends a packet as it is.
    pub fn raw(&self, packet: String) {
        self.out.send(Message::text(packet)).unwrap();
    }

    /// Sends an event with an ack; the answer can be waited for later.
    pub fn ask(&mut self, event: &str, payload: Value) -> Answer {
        self.ask_raw(&json!([event, payload]).to_string())
    }

    /// As [`Peer::ask`], with the packet's body as text, for bodies that are no JSON of ours.
    pub fn ask_raw(&mut self, body: &str) -> Answer {
        let id = self.next_ack;
        self.next_ack += 1;
        let (sender, answer) = oneshot::channel();
        self.acks.lock().unwrap().insert(id, sender);
        self.raw(format!("42{id}{body}"));
        Answer(answer)
    }

    /// Sends an event and waits for its answer.
    pub async fn say(&mut self, event: &str, payload: Value) -> Value {
        self.ask(event, payload).get().await
    }

    async fn next(&mut self) -> Option<Heard> {
        if let Some(heard) = self.early.pop_front() {
            return Some(heard);
        }
        timeout(PATIENCE, self.heard.recv()).await.ok().flatten()
    }

    /// The next event in order, which must be this one; acked or not as its number asks.
    pub async fn expect_unacked(&mut self, event: &str) -> Heard {
        loop {
            let heard = self
                .next()
                .await
                .unwrap_or_else(|| panic!("nothing was heard, expected {event}"));
            if UNORDERED.contains(&heard.name.as_str()) {
                self.aside.push_back(heard);
                continue;
            }
            assert_eq!(heard.name, event, "{}", heard.payload);
            return heard;
        }
    }

    /// The name of the next event, whatever it is; acked.
    pub async fn expect_any(&mut self) -> String {
        let heard = self.next().await.expect("an event");
        self.ack(&heard);
        heard.name
    }

    /// As [`Peer::expect_unacked`], and acked if the server asks for it.
    pub async fn expect(&mut self, event: &str) -> Value {
        let heard = self.expect_unacked(event).await;
        self.ack(&heard);
        heard.payload
    }

    pub fn ack(&self, heard: &Heard) {
        if let Some(id) = heard.ack {
            self.raw(format!("43{id}[]"));
        }
    }

    /// The probes that are there, for a page to answer. What partners did is passed over.
    pub fn take_probes(&mut self) -> Vec<Heard> {
        let mut probes: Vec<Heard> = self.aside.drain(..).collect();
        while let Ok(heard) = self.heard.try_recv() {
            match heard.name.as_str() {
                "pyodide_other_player_action" => {}
                name if UNORDERED.contains(&name) => probes.push(heard),
                _ => self.early.push_back(heard),
            }
        }
        probes.retain(|heard| heard.name == "presence_probe");
        probes
    }

    /// Acks an event with a body.
    pub fn answer(&self, heard: &Heard, body: &Value) {
        if let Some(id) = heard.ack {
            self.raw(format!("43{id}{}", json!([body])));
        }
    }

    /// The next of the events that have no order.
    pub async fn expect_aside(&mut self, event: &str) -> Value {
        loop {
            let heard = match self.aside.pop_front() {
                Some(heard) => heard,
                None => self
                    .next()
                    .await
                    .unwrap_or_else(|| panic!("nothing was heard, expected {event}")),
            };
            if heard.name == event {
                return heard.payload;
            }
            assert!(
                UNORDERED.contains(&heard.name.as_str()),
                "{} came while {event} was expected",
                heard.name
            );
        }
    }

    /// The socket is alive, and nothing in order was sent to it before this answer.
    pub async fn expect_nothing_more(&mut self) {
        let answer = self.say(
            "ping",
            json!({"ping_ms": null, "document_in_focus": true, "seq": 99}),
        );
        assert_eq!(answer.await["seq"], 99);
        if let Some(heard) = self.early.front() {
            panic!("also heard {} {}", heard.name, heard.payload);
        }
        while let Ok(heard) = self.heard.try_recv() {
            assert!(
                UNORDERED.contains(&heard.name.as_str()),
                "also heard {} {}",
                heard.name,
                heard.payload
            );
        }
    }

    /// Closes the connection, as a lost line does: nothing is said.
    pub fn drop_line(&self) {
        self.out.send(Message::Close(None)).unwrap();
    }

    pub fn game_id(&self) -> Value {
        self.seat["game_id"].clone()
    }

    pub fn player_id(&self) -> Value {
        self.seat["player_id"].clone()
    }

    /// A verdict of the page on its own participant.
    pub fn verdict(&self, reason: &str, frame: u64) -> Value {
        json!({
            "game_id": self.game_id(), "player_id": self.player_id(), "reason": reason,
            "frame_number": frame, "timestamp": 1.5, "evidence": {"rule": reason},
        })
    }

    pub fn action(&self, action: Value, frame: u64) -> Value {
        json!({
            "game_id": self.game_id(), "player_id": self.player_id(), "action": action,
            "frame_number": frame, "timestamp": 1234.5,
        })
    }

    pub fn export(&self, export_id: &str, metrics: &Value) -> Value {
        json!({"scene_id": "grid", "metrics": metrics, "export_id": export_id})
    }

    pub fn complete(&self) -> Value {
        json!({"game_id": self.game_id(), "player_id": self.player_id()})
    }
}

/// An answer that is on its way.
pub struct Answer(oneshot::Receiver<Value>);

impl Answer {
    pub async fn get(self) -> Value {
        timeout(PATIENCE, self.0)
            .await
            .expect("an answer in time")
            .expect("the socket stayed open")
    }

    pub fn is_there(&self) -> bool {
        !self.0.is_empty()
    }
}

/// `12["a"]` is number 12 and `["a"]`.
fn numbered(text: &str) -> (Option<u64>, Value) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, body) = text.split_at(digits);
    (number.parse().ok(), serde_json::from_str(body).unwrap())
}
