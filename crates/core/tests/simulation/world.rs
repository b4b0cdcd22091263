//! Both halves of the protocol in one process: pages and a server joined by a network that can delay, drop,
//! duplicate and reorder, in virtual time. Time jumps from one event to the next.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde_json::{Value, json};
use stillhere_core::ids::{ExportId, GameId, ParticipantId, SceneId};
use stillhere_core::participant::{
    Expect, Messages, OverlayKind, PageEvent, Participant, ParticipantInput, ParticipantOutput,
    SessionState,
};
use stillhere_core::session::{ExportOrigin, GameSession, GameSettings, OnExclusion, Phase};
use stillhere_core::time::Millis;
use stillhere_core::wire::{ClientEvent, JoinGame};

use crate::dice::Dice;
use crate::network::{FAIR, Packet, Socket, Weather};
use crate::page::{Browser, Client, EndedBy};
use crate::server::{Server, token};
use crate::storm::Fault;

/// When the wall clock showed zero of the virtual time.
pub const EPOCH: u64 = 1_700_000_000_000;
/// How often the ticker of a page beats in the examples; the storms beat only when something is due.
const BEAT: u64 = 50;
/// A beat that was due and changed nothing is not repeated sooner.
const LEAST_PAUSE: u64 = 40;
/// A socket over which nothing passes is given up after this.
const DEAD_SOCKET: u64 = 5_000;

/// Something planned.
#[derive(Clone, Debug)]
pub enum Event {
    Arrive(usize, Box<Packet>),
    Beat(usize),
    Deadline,
    /// The server notices the loss of a socket.
    Lost(usize),
    /// The page notices the loss of a socket.
    PageLost(usize),
    Reconnect(usize),
    Resume(usize, usize),
    Start,
    Stop,
    StorageBack,
    Fault(Fault),
    Reopen(usize),
    Join(usize),
    Complete(usize),
    /// The browser has written an export of a page to its disk.
    Kept(usize, ExportId),
    /// The browser has read what earlier pages have left.
    LeftOvers(usize),
    /// A chunk of an export reaches the server over HTTP.
    Chunk(usize, ExportId, u64),
    /// Its answer reaches the page, if there is one.
    ChunkAnswer(usize, ExportId, Option<Value>),
    Online(usize),
    Calm,
}

#[derive(Debug)]
struct Planned {
    at: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    // The heap hands out its greatest: the earliest here.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

pub struct World {
    pub seed: u64,
    pub now: u64,
    pub weather: Weather,
    pub dice: Dice,
    /// Pages; the first page of each participant comes first, in order.
    pub clients: Vec<Client>,
    pub browsers: Vec<Browser>,
    pub sockets: Vec<Socket>,
    pub server: Server,
    pub metadata: Value,
    /// Everything goes through JSON, as on the wire and in storage.
    pub json: bool,
    /// Pages connect again by themselves, join, and play to the end.
    pub alive: bool,
    /// The storm is over.
    pub calm: bool,
    pub redirect_after: u64,
    /// The size of every export.
    pub export_bytes: u64,
    /// Whether browsers keep exports on their disks.
    pub disks: bool,
    pub deadline_at: Option<u64>,
    pub verbose: bool,
    /// So many pages are about to be opened again.
    pub reopening: usize,
    /// What the server has heard of pages, and stored.
    pub handled: Vec<(usize, Packet)>,
    planned: BinaryHeap<Planned>,
    numbers: u64,
    lives: u32,
}

pub fn participant(who: usize) -> ParticipantId {
    let name = char::from(b'A' + u8::try_from(who).unwrap()).to_string();
    ParticipantId::try_from(name).expect("a good id")
}

pub fn settings(players: usize) -> GameSettings {
    GameSettings {
        scene: SceneId::try_from("grid").unwrap(),
        players,
        waiting_room_timeout: Millis::from(60_000),
        reconnect_grace: Millis::from(5_000),
        export_ack_timeout: Millis::from(10_000),
        on_exclusion: OnExclusion::End,
        min_players: players,
    }
}

impl World {
    /// A game for so many, nobody in it yet.
    pub fn new(players: usize, metadata: Value, seed: u64) -> Self {
        Self::with(settings(players), metadata, seed)
    }

    /// A game with these settings, nobody in it yet.
    pub fn with(settings: GameSettings, mut metadata: Value, seed: u64) -> Self {
        metadata["scene_id"] = json!("grid");
        let players = settings.players;
        let game = GameSession::new(GameId::try_from("g1").unwrap(), 7, settings);
        let mut world = Self {
            seed,
            now: 0,
            weather: FAIR,
            dice: Dice::new(seed),
            clients: Vec::with_capacity(players + 2),
            browsers: Vec::with_capacity(players),
            sockets: Vec::new(),
            server: Server::new(game, players),
            metadata,
            json: true,
            alive: false,
            calm: false,
            redirect_after: 3_000,
            export_bytes: 20_000,
            disks: true,
            deadline_at: None,
            verbose: false,
            reopening: 0,
            handled: Vec::new(),
            planned: BinaryHeap::new(),
            numbers: 0,
            lives: 0,
        };
        for who in 0..players {
            world.browsers.push(Browser::default());
            world.open_page(who);
        }
        world
    }

    /// Everybody joins and the game begins.
    pub fn playing(players: usize, metadata: Value, seed: u64) -> Self {
        let mut world = Self::new(players, metadata, seed);
        world.everybody_joins();
        world
    }

    pub fn everybody_joins(&mut self) {
        for page in 0..self.browsers.len() {
            self.connect(page);
            self.join_game(page);
        }
        self.run(100);
        for client in &self.clients {
            assert_eq!(client.machine.status().state, SessionState::Playing);
        }
    }

    pub fn open_page(&mut self, who: usize) -> usize {
        self.lives += 1;
        let seed = format!("x{}", self.lives);
        let epoch = Millis::from(EPOCH + self.now);
        let machine = Participant::new(epoch, seed, Messages::default());
        let page = self.clients.len();
        self.clients
            .push(Client::new(participant(who), who, machine, self.now));
        self.at(self.now + 30, Event::LeftOvers(page));
        page
    }

    pub fn join_game(&mut self, page: usize) {
        let who = self.clients[page].who;
        let join = JoinGame {
            participant_id: Some(self.clients[page].id.clone()),
            participant_token: self.browsers[who].has_token.then(|| token(who)),
            ..JoinGame::default()
        };
        self.say(page, ParticipantInput::Join(join));
    }

    pub fn at(&mut self, at: u64, event: Event) {
        self.numbers += 1;
        self.planned.push(Planned {
            at,
            number: self.numbers,
            event,
        });
    }

    pub fn trace(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            println!("{:>8} {}", self.now, what());
        }
    }

    /// A rule that must hold at this moment.
    #[track_caller]
    pub fn check(&self, holds: bool, rule: impl FnOnce() -> String) {
        assert!(
            holds,
            "at {} ms of schedule {}: {}",
            self.now,
            self.seed,
            rule()
        );
    }

    /// A page gets a socket.
    pub fn connect(&mut self, page: usize) {
        let client = &self.clients[page];
        if client.socket.is_some()
            || !client.open
            || !self.server.up
            || client.dead_until > self.now
        {
            return;
        }
        let socket = self.sockets.len();
        self.sockets.push(Socket::new(page));
        self.clients[page].socket = Some(socket);
        self.trace(|| format!("page {page} connects as s{socket}"));
        if self.clients[page].has_token {
            let who = self.clients[page].who;
            self.resume(socket, who);
        }
        self.say(page, ParticipantInput::Connected);
    }

    /// A page loses its socket, and the server notices so much later.
    pub fn disconnect_noticed_after(&mut self, page: usize, delay: u64) {
        let Some(socket) = self.clients[page].socket else {
            return;
        };
        self.page_lost(socket);
        if delay == 0 {
            self.server_lost(socket);
        } else {
            self.at(self.now + delay, Event::Lost(socket));
        }
    }

    pub fn disconnect(&mut self, page: usize) {
        self.disconnect_noticed_after(page, 0);
    }

    fn page_lost(&mut self, socket: usize) {
        if !std::mem::take(&mut self.sockets[socket].page_side) {
            return;
        }
        let page = self.sockets[socket].page;
        self.trace(|| format!("page {page} loses s{socket}"));
        if self.clients[page].socket == Some(socket) {
            self.clients[page].socket = None;
            self.say(page, ParticipantInput::Disconnected);
            self.plan_reconnect(page);
        }
    }

    fn plan_reconnect(&mut self, page: usize) {
        if self.alive && self.clients[page].open {
            let wait = if self.calm {
                self.dice.between(50, 400)
            } else {
                self.dice.between(50, 2_500)
            };
            self.at(self.now + wait, Event::Reconnect(page));
        }
    }

    /// The page is gone without a word; what it kept in the browser stays.
    pub fn close(&mut self, page: usize) {
        self.trace(|| format!("page {page} is gone"));
        let delay = if self.alive { self.dice.below(200) } else { 0 };
        self.clients[page].open = false;
        self.clients[page].died = Some(self.now);
        self.clients[page].playing = false;
        self.disconnect_noticed_after(page, delay);
    }

    pub fn hide(&mut self, page: usize) {
        self.clients[page].hidden = true;
        self.say(page, ParticipantInput::Hidden);
    }

    pub fn show(&mut self, page: usize) {
        self.clients[page].hidden = false;
        self.say(page, ParticipantInput::Visible);
    }

    pub fn frame(&mut self, page: usize, frame: u64) {
        self.clients[page].frame = frame;
        self.clients[page].machine.frame(frame);
    }

    pub fn say(&mut self, page: usize, input: ParticipantInput<'_, &Value>) {
        if !self.clients[page].open {
            return;
        }
        let by = match &input {
            ParticipantInput::Event { .. }
            | ParticipantInput::Acked {
                to: Expect::Report, ..
            } => EndedBy::Server,
            _ => EndedBy::Itself,
        };
        if self.verbose && !matches!(input, ParticipantInput::Beat { .. }) {
            println!("{:>8} page {page} hears {input:?}", self.now);
        }
        let now = Millis::from(self.now - self.clients[page].born);
        self.clients[page].machine.handle(now, input);
        while let Some(output) = self.clients[page].machine.poll() {
            self.carry_out(page, output, by);
        }
        self.plan_beat(page);
    }

    fn plan_beat(&mut self, page: usize) {
        let client = &self.clients[page];
        if !client.open {
            return;
        }
        let due = client
            .machine
            .next_deadline()
            .map(|deadline| (client.born + deadline.ceil()).max(self.now + LEAST_PAUSE));
        let beat = (!self.alive).then_some(self.now + BEAT);
        let Some(at) = [due, beat].into_iter().flatten().min() else {
            return;
        };
        if client
            .timer
            .is_none_or(|timer| timer > at || timer <= self.now)
        {
            self.clients[page].timer = Some(at);
            self.at(at, Event::Beat(page));
        }
    }

    fn beat(&mut self, page: usize) {
        if self.clients[page].timer != Some(self.now) {
            return;
        }
        self.clients[page].timer = None;
        if self.alive && self.clients[page].playing {
            let frame = self.clients[page].frame + 10;
            self.frame(page, frame);
        }
        let posted = Millis::from(self.now);
        self.say(page, ParticipantInput::Beat { posted });
    }

    fn carry_out(&mut self, page: usize, output: ParticipantOutput, by: EndedBy) {
        if self.verbose {
            println!("{:>8} page {page} does {output:?}", self.now);
        }
        let who = self.clients[page].who;
        match output {
            ParticipantOutput::Emit { event, expect } => {
                if expect == Expect::Report {
                    self.clients[page].reported = true;
                }
                self.send_event(page, event, expect);
            }
            ParticipantOutput::BuildExport {
                export_id, owner, ..
            } => self.build_export(page, export_id, owner.is_some()),
            ParticipantOutput::SendChunk { export_id, offset } => {
                let way = self.weather.delay;
                self.at(self.now + way, Event::Chunk(page, export_id, offset));
            }
            ParticipantOutput::DropExport { export_id } => self.drop_export(page, &export_id),
            ParticipantOutput::Beacon(words) => self.beacon(page, &words),
            ParticipantOutput::ForgetToken => self.clients[page].has_token = false,
            ParticipantOutput::SendExport {
                export_id,
                scene_id,
            } => {
                let export = self.clients[page].exports[&export_id].clone();
                let expect = Expect::Export(export_id.clone());
                let packet = if self.json {
                    let payload = json!({
                        "scene_id": scene_id, "metrics": export.metrics, "export_id": export_id,
                    });
                    let name = "emit_multiplayer_metrics";
                    Packet::Text {
                        name,
                        payload,
                        expect,
                    }
                } else {
                    Packet::Export { export, expect }
                };
                self.send(page, packet);
            }
            ParticipantOutput::StopGame(stop) => {
                self.clients[page].playing = false;
                self.clients[page].stops.push(stop);
            }
            ParticipantOutput::Show(overlay) => {
                if overlay.kind != OverlayKind::Reconnecting && !self.clients[page].taken_over {
                    self.clients[page]
                        .final_kinds
                        .insert(overlay.kind.element_id());
                    self.clients[page].ended_by.get_or_insert(by);
                    self.clients[page].ended_at.get_or_insert(self.now);
                    self.check_overlay(page, overlay.kind);
                }
                self.clients[page].overlays.push(overlay);
            }
            ParticipantOutput::Banner(_) => self.clients[page].banners += 1,
            ParticipantOutput::Notify(event) => self.notify(page, event),
            ParticipantOutput::Navigate { url } => {
                let client = &self.clients[page];
                let waited = client.ended_at.is_some_and(|at| self.now - at >= 4_000);
                let heard = !client.reported || client.report_handled || waited;
                self.check(heard, || {
                    format!("page {page} does not leave before its report is heard")
                });
                self.clients[page].went_to.push(url);
                if self.alive {
                    self.close(page);
                }
            }
            ParticipantOutput::KeepToken { .. } => {
                self.clients[page].has_token = true;
                self.browsers[who].has_token = true;
            }
            ParticipantOutput::NotifyReady => {
                self.clients[page].playing = true;
                if self.alive {
                    self.say(page, ParticipantInput::EpisodeStarted);
                    if self.calm {
                        self.at(self.now + 500, Event::Complete(page));
                    }
                }
            }
            ParticipantOutput::JoinFailed { .. } => {
                if self.alive {
                    self.at(self.now + 2_000, Event::Join(page));
                }
            }
            ParticipantOutput::Hide(_) | ParticipantOutput::HideBanner => {}
        }
    }

    fn notify(&mut self, page: usize, event: PageEvent) {
        if let PageEvent::Exported { export_id, .. } = &event {
            let key = (self.clients[page].who, export_id.clone());
            let stored = self.server.storage.exports.contains_key(&key);
            self.check(stored, || {
                format!("{export_id} is stored before it is acked")
            });
        }
        if let PageEvent::Assigned { .. } = &event {
            // Back in the seat that another page had taken over.
            self.clients[page].taken_over = false;
        }
        self.clients[page].events.push(event);
    }

    pub fn send_event(
        &mut self,
        page: usize,
        event: ClientEvent<stillhere_core::exclusion::Evidence>,
        expect: Expect,
    ) {
        let packet = if self.json {
            Packet::Text {
                name: event.name(),
                payload: serde_json::to_value(&event).unwrap(),
                expect,
            }
        } else {
            Packet::Event { event, expect }
        };
        self.send(page, packet);
    }

    fn send(&mut self, page: usize, packet: Packet) {
        let Some(socket) = self.clients[page].socket else {
            return;
        };
        self.post(socket, packet);
    }

    /// Puts a packet on its way.
    pub fn post(&mut self, socket: usize, packet: Packet) {
        let Socket {
            page,
            page_side,
            server_side,
            ..
        } = self.sockets[socket];
        let sends = if packet.is_to_page() {
            server_side
        } else {
            page_side
        };
        if !sends {
            return;
        }
        let weather = self.weather;
        let slow = if self.clients[page].slow_until > self.now {
            400
        } else {
            0
        };
        let way = usize::from(packet.is_to_page());
        let seating = packet.is_seating();
        let copies = if weather.duplicates > 0 && !seating && self.dice.one_in(weather.duplicates) {
            2
        } else {
            1
        };
        let mut packet = Some(Box::new(packet));
        for copy in (0..copies).rev() {
            let one = if copy == 0 {
                packet.take()
            } else {
                packet.clone()
            };
            if weather.loss > 0 && !seating && self.dice.one_in(weather.loss) {
                continue;
            }
            let jitter = if weather.jitter > 0 && !seating {
                self.dice.below(weather.jitter + 1)
            } else {
                0
            };
            let mut at = self.now + weather.delay + slow + jitter;
            if weather.is_tidy() {
                at = at.max(self.sockets[socket].last_arrival[way]);
            }
            self.sockets[socket].last_arrival[way] = at;
            if let Some(one) = one {
                self.at(at, Event::Arrive(socket, one));
            }
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, duration: u64) {
        let until = self.now + duration;
        self.run_while(until, |_| true);
    }

    /// Lets time pass until a moment, or until there is no more reason to.
    pub fn run_while(&mut self, until: u64, go_on: impl Fn(&Self) -> bool) {
        for page in 0..self.clients.len() {
            self.plan_beat(page);
        }
        while let Some(next) = self.planned.peek() {
            if next.at > until || !go_on(self) {
                break;
            }
            let Planned { at, event, .. } = self.planned.pop().expect("one is there");
            self.now = self.now.max(at);
            self.happen(event);
        }
        if self.planned.peek().is_none_or(|next| next.at > until) {
            self.now = until;
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive(socket, packet) => self.arrive(socket, packet),
            Event::Beat(page) => self.beat(page),
            Event::Deadline => {
                self.deadline_at = None;
                self.deadline();
            }
            Event::Lost(socket) => self.server_lost(socket),
            Event::PageLost(socket) => self.page_lost(socket),
            Event::Reconnect(page) => {
                self.connect(page);
                if self.clients[page].socket.is_none() {
                    self.plan_reconnect(page);
                }
            }
            Event::Resume(socket, who) => self.resume(socket, who),
            Event::Start => self.start(),
            Event::Stop => {
                if self.server.draining {
                    self.crash();
                }
            }
            Event::StorageBack => self.server.storage_broken = false,
            Event::Fault(fault) => self.befall(fault),
            Event::Reopen(who) => {
                self.reopening -= 1;
                self.reopen(who);
            }
            Event::Join(page) => {
                if self.clients[page].machine.status().state == SessionState::Idle {
                    self.join_game(page);
                }
            }
            Event::Complete(page) => {
                if self.clients[page].playing && self.clients[page].open {
                    self.say(page, ParticipantInput::Complete);
                }
            }
            Event::Kept(page, export) => self.kept(page, export),
            Event::LeftOvers(page) => self.tell_left_overs(page),
            Event::Chunk(page, export, offset) => self.take_chunk(page, export, offset),
            Event::ChunkAnswer(page, export, body) => self.answer_chunk(page, export, body),
            Event::Online(page) => self.say(page, ParticipantInput::Online),
            Event::Calm => self.clear_up(),
        }
    }

    /// A page's line is dead: packets wait for it, and a socket that has waited too long is given up.
    pub fn kill_line(&mut self, page: usize, duration: u64) {
        self.clients[page].dead_until = self.now + duration;
        self.at(self.now + duration, Event::Online(page));
        if let Some(socket) = self.clients[page].socket
            && duration > DEAD_SOCKET
        {
            self.at(self.now + DEAD_SOCKET, Event::PageLost(socket));
            self.at(self.now + DEAD_SOCKET, Event::Lost(socket));
        }
    }

    fn arrive(&mut self, socket: usize, packet: Box<Packet>) {
        let Socket {
            page,
            page_side,
            server_side,
            resuming,
            ..
        } = self.sockets[socket];
        let to_page = packet.is_to_page();
        let there = if to_page { page_side } else { server_side };
        if !there {
            return;
        }
        let dead_until = self.clients[page].dead_until;
        if dead_until > self.now {
            self.at(dead_until, Event::Arrive(socket, packet));
            return;
        }
        if resuming && !to_page {
            self.at(self.now + 250, Event::Arrive(socket, packet));
            return;
        }
        let commits = self.server.commits;
        let repeat = self.sockets[socket]
            .bound
            .filter(|_| self.alive && packet.can_be_repeated())
            .map(|who| (who, (*packet).clone()));
        self.take_in(socket, page, *packet);
        if self.server.commits > commits {
            self.handled.extend(repeat);
        }
    }

    pub fn take_in(&mut self, socket: usize, page: usize, packet: Packet) {
        match packet {
            Packet::Event { event, expect } => self.serve(socket, event, expect),
            Packet::Text {
                name,
                payload,
                expect,
            } => {
                let event = ClientEvent::parse(name, &&payload)
                    .expect("a known event")
                    .expect("a good payload");
                self.serve(socket, event, expect);
            }
            Packet::Export { export, expect } => self.store_export(socket, export, expect),
            Packet::ToPage {
                name,
                payload,
                delivery,
            } => self.arrive_at_page(socket, page, name, &payload, delivery),
            Packet::AckToPage { to, body } => {
                if to == Expect::Report {
                    let passing = body.as_ref().is_some_and(|body| {
                        matches!(
                            body["error"]["code"].as_str(),
                            Some("storage_unavailable" | "rate_limited")
                        )
                    });
                    self.clients[page].report_answered |= !passing;
                }
                self.say(
                    page,
                    ParticipantInput::Acked {
                        to,
                        body: body.as_ref(),
                    },
                );
            }
            Packet::AckToServer { delivery } => {
                if let Some(who) = self.sockets[socket].bound {
                    let _ = self.run_input(stillhere_core::session::GameInput::Delivered {
                        participant: participant(who),
                        delivery,
                    });
                }
            }
        }
    }

    fn arrive_at_page(
        &mut self,
        socket: usize,
        page: usize,
        name: &'static str,
        payload: &Value,
        delivery: Option<stillhere_core::ids::DeliveryId>,
    ) {
        if name == "end_game" && payload["reason"] == "taken_over" {
            self.clients[page].taken_over = true;
        }
        if let Some(delivery) = &delivery {
            self.check_told(page, name, delivery);
        }
        self.say(page, ParticipantInput::Event { name, payload });
        if let Some(delivery) = delivery
            && self.clients[page].socket == Some(socket)
        {
            self.send(page, Packet::AckToServer { delivery });
        }
    }

    /// The stored metrics of a participant: exactly one export.
    pub fn export_of(&self, who: usize) -> &Value {
        let mut of_them = self
            .server
            .storage
            .exports
            .iter()
            .filter(|((of, _), stored)| *of == who && stored.origin == ExportOrigin::Client);
        let (_, stored) = of_them.next().expect("an export is stored");
        assert!(of_them.next().is_none(), "one export is stored");
        &stored.metrics
    }

    /// Whether the server has written a record of its own.
    pub fn has_partial_record(&self, who: usize) -> bool {
        let mut exports = self.server.storage.exports.iter();
        exports.any(|((of, _), stored)| *of == who && stored.origin == ExportOrigin::Server)
    }

    /// Whether everything that was begun has come to its end.
    pub fn is_done(&self) -> bool {
        let game = self.game();
        self.server.up
            && self.reopening == 0
            && matches!(game.phase(), Phase::Ended { .. })
            && self
                .clients
                .iter()
                .all(|client| !client.open || client.elsewhere || client.taken_over)
    }

    /// Whether nothing more is to come for a page.
    pub fn is_page_done(&self, page: usize) -> bool {
        let client = &self.clients[page];
        let locked_out = !self.browsers[client.who].has_token;
        !client.open || client.elsewhere || locked_out || self.is_superseded(page)
    }

    /// Whether the participant went on in another tab, and knows it or has seen the end there.
    pub fn is_superseded(&self, page: usize) -> bool {
        let client = &self.clients[page];
        let mut others = self.clients.iter().enumerate();
        client.taken_over
            || others.any(|(other, of)| {
                let beside = other > page || of.died.is_none_or(|died| died >= client.born);
                other != page && beside && of.who == client.who && of.ended_by.is_some()
            })
    }
}
