//! Both halves of the protocol in one process: clients and a server joined by a network that can
//! delay, drop, duplicate and reorder, in virtual time. Payloads go through JSON, as on the wire.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stillhere_core::exclusion::Side;
use stillhere_core::ids::Frame;
use stillhere_core::ids::{DeliveryId, ExportId, GameId, ParticipantId, SceneId};
use stillhere_core::participant::{
    Expect, Messages, Overlay, PageEvent, Participant, ParticipantInput, ParticipantOutput, Stop,
};
use stillhere_core::session::{
    GameInput, GameOutput, GameReply, GameSession, GameSettings, Verdict,
};
use stillhere_core::time::Millis;
use stillhere_core::wire::{
    Accepted, Answer, ClientEvent, ErrorCode, ExportAnswer, JoinGame, Refusal, SeqAnswer,
    ServerEvent,
};

/// When the wall clock showed zero of the virtual time.
pub const EPOCH: u64 = 1_700_000_000_000;
const BEAT: u64 = 50;

/// A small generator, so that a failing schedule can be played again from its seed.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// How bad the network is.
#[derive(Clone, Copy)]
pub struct Weather {
    pub delay: u64,
    pub jitter: u64,
    /// One message in so many is lost; 0 for none.
    pub loss: u64,
    /// One message in so many comes twice; 0 for none.
    pub duplicates: u64,
}

pub const FAIR: Weather = Weather {
    delay: 10,
    jitter: 0,
    loss: 0,
    duplicates: 0,
};

enum Packet {
    ToServer {
        name: &'static str,
        payload: Value,
        expect: Expect,
    },
    ToClient {
        name: &'static str,
        payload: Value,
        delivery: Option<DeliveryId>,
    },
    AckToClient {
        to: Expect,
        body: Value,
    },
    AckToServer {
        delivery: DeliveryId,
    },
}

/// A page and its participant.
pub struct Client {
    pub id: ParticipantId,
    pub machine: Participant,
    pub connected: bool,
    pub hidden: bool,
    /// Whether the page runs at all: a closed one does not.
    pub open: bool,
    pub exports: BTreeMap<ExportId, Value>,
    pub overlays: Vec<Overlay>,
    pub events: Vec<PageEvent>,
    pub stops: Vec<Stop>,
    pub went_to: Vec<String>,
    pub banners: usize,
}

impl Client {
    pub fn heard(&self, name: &str) -> usize {
        self.events
            .iter()
            .filter(|event| event.name() == name)
            .count()
    }

    pub fn overlay(&self) -> &Overlay {
        self.overlays.last().expect("an overlay was shown")
    }

    pub fn saw(&self, text: &str) -> bool {
        self.overlays
            .iter()
            .any(|overlay| overlay.message.contains(text))
    }
}

pub struct World {
    pub now: u64,
    pub weather: Weather,
    pub dice: Dice,
    pub clients: Vec<Client>,
    pub game: GameSession,
    pub metadata: Value,
    /// What the database holds: the metrics by participant and export.
    pub stored: BTreeMap<(ParticipantId, ExportId), Value>,
    pub partial_records: Vec<ParticipantId>,
    pub outcomes: Vec<(ParticipantId, &'static str)>,
    /// Set: the server cannot store anything.
    pub storage_broken: bool,
    packets: Vec<(u64, usize, Packet)>,
}

pub fn participant(name: &str) -> ParticipantId {
    ParticipantId::try_from(name).expect("a good id")
}

impl World {
    /// A game for so many, nobody in it yet.
    pub fn new(players: usize, metadata: Value, seed: u64) -> Self {
        let mut metadata = metadata;
        metadata["scene_id"] = json!("grid");
        let settings = GameSettings {
            scene: SceneId::try_from("grid").unwrap(),
            players,
            waiting_room_timeout: Millis::from(60_000),
            reconnect_grace: Millis::from(5_000),
            export_ack_timeout: Millis::from(10_000),
        };
        let clients = (0..players)
            .map(|index| {
                let name = char::from(b'A' + u8::try_from(index).unwrap()).to_string();
                Client {
                    machine: Participant::new(
                        Millis::from(EPOCH),
                        format!("x{name}"),
                        Messages::default(),
                    ),
                    id: participant(&name),
                    connected: false,
                    hidden: false,
                    open: true,
                    exports: BTreeMap::new(),
                    overlays: Vec::new(),
                    events: Vec::new(),
                    stops: Vec::new(),
                    went_to: Vec::new(),
                    banners: 0,
                }
            })
            .collect();
        Self {
            now: 0,
            weather: FAIR,
            dice: Dice::new(seed),
            clients,
            game: GameSession::new(GameId::try_from("g1").unwrap(), 7, settings),
            metadata,
            stored: BTreeMap::new(),
            partial_records: Vec::new(),
            outcomes: Vec::new(),
            storage_broken: false,
            packets: Vec::new(),
        }
    }

    /// Everybody joins and the game begins.
    pub fn playing(players: usize, metadata: Value, seed: u64) -> Self {
        let mut world = Self::new(players, metadata, seed);
        for index in 0..players {
            world.connect(index);
            let join = JoinGame {
                participant_id: Some(world.clients[index].id.clone()),
                ..JoinGame::default()
            };
            world.say(index, ParticipantInput::Join(join));
        }
        world.run(100);
        for client in &world.clients {
            assert_eq!(
                client.machine.status().state,
                stillhere_core::participant::SessionState::Playing
            );
        }
        world
    }

    pub fn connect(&mut self, index: usize) {
        if self.clients[index].connected || !self.clients[index].open {
            return;
        }
        self.clients[index].connected = true;
        let participant = self.clients[index].id.clone();
        if self.game.seat(&participant).is_some() {
            let _ = self.server(GameInput::Join { participant });
        }
        self.say(index, ParticipantInput::Connected);
    }

    pub fn disconnect(&mut self, index: usize) {
        if !self.clients[index].connected {
            return;
        }
        self.clients[index].connected = false;
        self.packets.retain(|(_, client, _)| *client != index);
        let participant = self.clients[index].id.clone();
        let frame = self.clients[index].machine.status().frame;
        let _ = self.server(GameInput::Disconnected { participant, frame });
        self.say(index, ParticipantInput::Disconnected);
    }

    /// The page is gone for good.
    pub fn close(&mut self, index: usize) {
        self.disconnect(index);
        self.clients[index].open = false;
    }

    pub fn hide(&mut self, index: usize) {
        self.clients[index].hidden = true;
        self.say(index, ParticipantInput::Hidden);
    }

    pub fn show(&mut self, index: usize) {
        self.clients[index].hidden = false;
        self.say(index, ParticipantInput::Visible);
    }

    pub fn say(&mut self, index: usize, input: ParticipantInput<'_, &Value>) {
        if !self.clients[index].open {
            return;
        }
        let now = Millis::from(self.now);
        self.clients[index].machine.handle(now, input);
        while let Some(output) = self.clients[index].machine.poll() {
            self.carry_out(index, output);
        }
    }

    fn carry_out(&mut self, index: usize, output: ParticipantOutput) {
        let now = Millis::from(self.now);
        match output {
            ParticipantOutput::Emit { event, expect } => {
                let payload = serde_json::to_value(&event).unwrap();
                self.send(
                    index,
                    Packet::ToServer {
                        name: event.name(),
                        payload,
                        expect,
                    },
                );
            }
            ParticipantOutput::BuildExport { export_id } => {
                let client = &mut self.clients[index];
                let metrics = serde_json::to_value(client.machine.metrics(now)).unwrap();
                let replaced = client.exports.insert(export_id, metrics);
                assert!(replaced.is_none(), "an export is built once");
            }
            ParticipantOutput::SendExport {
                export_id,
                scene_id,
            } => {
                let metrics = &self.clients[index].exports[&export_id];
                let payload =
                    json!({"scene_id": scene_id, "metrics": metrics, "export_id": export_id});
                let name = "emit_multiplayer_metrics";
                self.send(
                    index,
                    Packet::ToServer {
                        name,
                        payload,
                        expect: Expect::Export(export_id),
                    },
                );
            }
            ParticipantOutput::StopGame(stop) => self.clients[index].stops.push(stop),
            ParticipantOutput::Show(overlay) => self.clients[index].overlays.push(overlay),
            ParticipantOutput::Banner(_) => self.clients[index].banners += 1,
            ParticipantOutput::Notify(event) => self.clients[index].events.push(event),
            ParticipantOutput::Navigate { url } => self.clients[index].went_to.push(url),
            ParticipantOutput::Hide(_)
            | ParticipantOutput::HideBanner
            | ParticipantOutput::NotifyReady
            | ParticipantOutput::JoinFailed { .. }
            | ParticipantOutput::KeepToken { .. } => {}
        }
    }

    fn send(&mut self, client: usize, packet: Packet) {
        if !self.clients[client].connected {
            return;
        }
        let copies = if self.weather.duplicates > 0 && self.dice.one_in(self.weather.duplicates) {
            2
        } else {
            1
        };
        let mut packet = Some(packet);
        for copy in (0..copies).rev() {
            let jitter = self.dice.below(self.weather.jitter + 1);
            let at = self.now + self.weather.delay + jitter;
            let lost = self.weather.loss > 0 && self.dice.one_in(self.weather.loss);
            let one = if copy == 0 {
                packet.take()
            } else {
                packet.as_ref().map(Packet::again)
            };
            if !lost {
                self.packets.extend(one.map(|packet| (at, client, packet)));
            }
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, duration: u64) {
        let until = self.now + duration;
        while self.now < until {
            self.now += 10;
            let due: Vec<_> = {
                let now = self.now;
                let (due, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.packets)
                    .into_iter()
                    .partition(|(at, ..)| *at <= now);
                self.packets = rest;
                due
            };
            for (_, client, packet) in due {
                if self.clients[client].connected {
                    self.arrive(client, packet);
                }
            }
            if self.now.is_multiple_of(BEAT) {
                for index in 0..self.clients.len() {
                    let posted = Millis::from(self.now);
                    self.say(index, ParticipantInput::Beat { posted });
                }
            }
            if self
                .game
                .next_deadline()
                .is_some_and(|at| at <= Millis::from(EPOCH + self.now))
            {
                let _ = self.server(GameInput::Deadline);
            }
        }
    }

    fn arrive(&mut self, client: usize, packet: Packet) {
        match packet {
            Packet::ToServer {
                name,
                payload,
                expect,
            } => {
                let body = self.serve(client, name, &payload);
                if expect != Expect::Nothing {
                    self.send(client, Packet::AckToClient { to: expect, body });
                }
            }
            Packet::ToClient {
                name,
                payload,
                delivery,
            } => {
                self.say(
                    client,
                    ParticipantInput::Event {
                        name,
                        payload: &payload,
                    },
                );
                if let Some(delivery) = delivery {
                    self.send(client, Packet::AckToServer { delivery });
                }
            }
            Packet::AckToClient { to, body } => {
                self.say(
                    client,
                    ParticipantInput::Acked {
                        to,
                        body: Some(&body),
                    },
                );
            }
            Packet::AckToServer { delivery } => {
                let participant = self.clients[client].id.clone();
                let _ = self.server(GameInput::Delivered {
                    participant,
                    delivery,
                });
            }
        }
    }

    fn serve(&mut self, client: usize, name: &str, payload: &Value) -> Value {
        let event = ClientEvent::parse(name, &payload)
            .expect("a known event")
            .expect("a good payload");
        let participant = self.clients[client].id.clone();
        let frame = self.clients[client].machine.status().frame;
        match event {
            ClientEvent::JoinGame(_) => {
                let joined = self.server(GameInput::Join {
                    participant: participant.clone(),
                });
                answer(joined.map(|_| {
                    json!({"participant_id": participant, "participant_token": "t", "status": "waiting"})
                }))
            }
            ClientEvent::Ping(ping) => answer(Ok(SeqAnswer { seq: ping.seq })),
            ClientEvent::MidGameExclusion(told) => {
                let verdict = Verdict {
                    reason: told.reason,
                    frame: told.frame_number,
                    decided_by: Side::Client,
                    message: None,
                    evidence: told.evidence.map(ToString::to_string),
                };
                let claimed = Some(told.player_id);
                let reply = self.server(GameInput::Verdict {
                    participant,
                    claimed,
                    verdict,
                });
                let who = self.clients[client].id.clone();
                answer(reply.map(|reply| self.game.exclusion_answer(&who, reply)))
            }
            ClientEvent::EmitMetrics(told) => {
                if self.storage_broken {
                    return answer::<Accepted>(Err(Refusal::new(
                        ErrorCode::StorageUnavailable,
                        "disk full",
                    )));
                }
                let export = told.export_id.expect("ours are numbered");
                let key = (participant.clone(), export.clone());
                let duplicate = self.stored.contains_key(&key);
                self.stored
                    .entry(key)
                    .or_insert_with(|| told.metrics.clone());
                let stored = self.server(GameInput::Exported {
                    participant,
                    export: export.clone(),
                });
                answer(stored.map(|_| ExportAnswer {
                    export_id: export,
                    duplicate,
                }))
            }
            ClientEvent::GameComplete(told) => {
                let claimed = told.player_id;
                let done = self.server(GameInput::Completed {
                    participant,
                    claimed,
                    frame,
                });
                answer(done.map(|_| Accepted {}))
            }
            ClientEvent::TerminalState(told) => {
                let reason = told.reason;
                let frame = told.frame_number;
                let done = self.server(GameInput::TerminalState {
                    participant,
                    reason,
                    frame,
                });
                answer(done.map(|_| Accepted {}))
            }
            ClientEvent::RequestRedirect(_) => {
                let outcome = self
                    .game
                    .seat(&participant)
                    .and_then(stillhere_core::session::Seat::outcome);
                answer(Ok(json!({
                    "redirect_url": format!("/done.html?outcome={}", outcome.map_or("none", |o| o.as_str())),
                    "redirect_timeout": 3_000,
                    "completion_code": "C0DE",
                })))
            }
            ClientEvent::LeaveGame(_) => {
                let left = self.server(GameInput::Leave { participant, frame });
                answer(left.map(|_| Accepted {}))
            }
            ClientEvent::PlayerAction(_) | ClientEvent::ExecuteCallback(_) => {
                answer(Ok(Accepted {}))
            }
        }
    }

    /// One lifecycle input, as the server runs it: load, handle, store, send.
    pub fn server(&mut self, input: GameInput) -> Result<GameReply, Refusal> {
        let now = Millis::from(EPOCH + self.now);
        let stored = serde_json::to_string(&self.game).unwrap();
        let mut loaded: GameSession = serde_json::from_str(&stored).unwrap();
        let reply = loaded.handle(now, input);
        let mut outputs = Vec::new();
        while let Some(output) = loaded.poll() {
            outputs.push(output);
        }
        if reply.is_err() {
            assert!(outputs.is_empty(), "a refusal changes nothing");
            assert_eq!(
                serde_json::to_string(&loaded).unwrap(),
                stored,
                "a refusal changes nothing"
            );
        }
        self.game = loaded;
        for output in outputs {
            self.send_output(output);
        }
        reply
    }

    fn send_output(&mut self, output: GameOutput) {
        let (to, event, delivery): (_, ServerEvent<Value>, _) = match output {
            GameOutput::WaitingRoom { to, event } => (to, ServerEvent::WaitingRoom(event), None),
            GameOutput::Assign { to, event } => (to, ServerEvent::PlayerAssigned(event), None),
            GameOutput::Ready { to } => {
                let ready = stillhere_core::wire::GameReady {
                    game_id: self.game.id().clone(),
                    players: Vec::new(),
                    player_subjects: Vec::new(),
                    scene_metadata: self.metadata.clone(),
                };
                (to, ServerEvent::GameReady(ready), None)
            }
            GameOutput::Pause { to, event } => (to, ServerEvent::PauseGame(event), None),
            GameOutput::Resume { to, event } => (to, ServerEvent::ResumeGame(event), None),
            GameOutput::Deliver {
                to,
                delivery,
                event,
            } => (to, event.to_server_event(), Some(delivery)),
            GameOutput::WaitingOver { to } => (
                to,
                ServerEvent::EndGame(stillhere_core::wire::EndGame::default()),
                None,
            ),
            GameOutput::Outcome {
                participant,
                outcome,
            } => {
                self.outcomes.push((participant, outcome.as_str()));
                return;
            }
            GameOutput::RecordPartial { participant } => {
                self.partial_records.push(participant);
                return;
            }
            GameOutput::Ended => return,
        };
        let client = self
            .clients
            .iter()
            .position(|client| client.id == to)
            .expect("a known client");
        let payload = serde_json::to_value(&event).unwrap();
        self.send(
            client,
            Packet::ToClient {
                name: event.name(),
                payload,
                delivery,
            },
        );
    }

    /// The stored metrics of a participant: exactly one export.
    pub fn export_of(&self, index: usize) -> &Value {
        let id = &self.clients[index].id;
        let mut of_them = self.stored.iter().filter(|((who, _), _)| who == id);
        let (_, metrics) = of_them.next().expect("an export is stored");
        assert!(of_them.next().is_none(), "one export is stored");
        metrics
    }

    pub fn frame(&mut self, index: usize, frame: u64) {
        self.clients[index].machine.frame(frame);
    }

    pub fn server_verdict(&mut self, index: usize) -> Result<GameReply, Refusal> {
        let participant = self.clients[index].id.clone();
        let verdict = Verdict {
            reason: stillhere_core::exclusion::ExclusionReason::Unresponsive,
            frame: Frame(3),
            decided_by: Side::Server,
            message: None,
            evidence: None,
        };
        self.server(GameInput::Verdict {
            participant,
            claimed: None,
            verdict,
        })
    }
}

impl Packet {
    fn again(&self) -> Self {
        match self {
            Self::ToServer {
                name,
                payload,
                expect,
            } => Self::ToServer {
                name,
                payload: payload.clone(),
                expect: expect.clone(),
            },
            Self::ToClient {
                name,
                payload,
                delivery,
            } => Self::ToClient {
                name,
                payload: payload.clone(),
                delivery: delivery.clone(),
            },
            Self::AckToClient { to, body } => Self::AckToClient {
                to: to.clone(),
                body: body.clone(),
            },
            Self::AckToServer { delivery } => Self::AckToServer {
                delivery: delivery.clone(),
            },
        }
    }
}

fn answer<T: serde::Serialize>(result: Result<T, Refusal>) -> Value {
    serde_json::to_value(Answer::from(result)).unwrap()
}
