//! The server: what is stored, what only its memory knows, and how it can fail between the two.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stillhere_core::exclusion::Side;
use stillhere_core::ids::{ConnectionId, ExportId, Frame};
use stillhere_core::metrics::SessionStatus;
use stillhere_core::participant::Expect;
use stillhere_core::session::{
    Admission, Applicant, ExportOrigin, GameInput, GameOutput, GameReply, GameSession, LastStatus,
    Outcome, Phase, Seat, Standing, Verdict,
};
use stillhere_core::time::Millis;
use stillhere_core::wire::{
    Accepted, Answer, ClientEvent, EndGame, EndGameReason, ErrorCode, ExportAnswer, GameReady,
    JoinGame, Refusal, SeqAnswer, ServerEvent,
};

use crate::network::{Packet, Socket};
use crate::world::{EPOCH, Event, World, participant};

/// Where the server dies in the middle of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    BeforeCommit,
    /// Stored, but neither answered nor sent on.
    AfterCommit,
    /// Stored and answered, but not sent on.
    AfterAnswer,
}

/// A participant's data on its way to the storage.
#[derive(Clone, Debug)]
pub struct NewExport {
    pub who: usize,
    pub id: ExportId,
    pub status: SessionStatus,
    /// The whole of it where a schedule goes through JSON.
    pub metrics: Value,
}

impl NewExport {
    pub fn is_finished(&self) -> bool {
        self.status.terminated_at_timestamp.is_some()
    }
}

/// A row of the table of exports.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub origin: ExportOrigin,
    pub finished: bool,
    pub status: SessionStatus,
    pub metrics: Value,
}

/// What survives a crash.
#[derive(Clone)]
pub struct Storage {
    pub game: GameSession,
    pub exports: BTreeMap<(usize, ExportId), Stored>,
    /// How many bytes there are of exports that come in chunks.
    pub parts: BTreeMap<(usize, ExportId), u64>,
    pub outcomes: Vec<(usize, Outcome)>,
    pub ended: usize,
    /// The game has begun.
    pub played: bool,
}

pub struct Server {
    pub storage: Storage,
    pub up: bool,
    pub draining: bool,
    pub storage_broken: bool,
    pub crash_at: Option<CrashPoint>,
    /// How often anything was stored.
    pub commits: u64,
    /// The answer is out; what is to be sent after it is not sent any more.
    dying: bool,
    /// The socket that speaks for each participant.
    current: Vec<Option<usize>>,
    /// The last frame that was seen of each participant.
    seen: Vec<Frame>,
}

impl Server {
    pub fn new(game: GameSession, players: usize) -> Self {
        Self {
            storage: Storage {
                game,
                exports: BTreeMap::new(),
                parts: BTreeMap::new(),
                outcomes: Vec::new(),
                ended: 0,
                played: false,
            },
            up: true,
            draining: false,
            storage_broken: false,
            crash_at: None,
            commits: 0,
            dying: false,
            current: vec![None; players],
            seen: vec![Frame(0); players],
        }
    }
}

fn unavailable() -> Refusal {
    Refusal::new(ErrorCode::StorageUnavailable, "disk full")
}

pub fn connection(number: usize) -> ConnectionId {
    ConnectionId::try_from(format!("s{number}")).expect("a good id")
}

pub fn answer<T: serde::Serialize>(result: Result<T, Refusal>) -> Value {
    serde_json::to_value(Answer::from(result)).unwrap()
}

impl World {
    pub fn game(&self) -> &GameSession {
        &self.server.storage.game
    }

    pub fn seat(&self, who: usize) -> Option<&Seat> {
        self.game().seat(&participant(who))
    }

    fn epoch_now(&self) -> Millis {
        Millis::from(EPOCH + self.now)
    }

    /// One input in one transaction: load, handle, store. What it leads to is sent by the caller, after its answer.
    fn commit(
        &mut self,
        input: GameInput,
        export: Option<NewExport>,
    ) -> Result<(GameReply, Vec<GameOutput>), Refusal> {
        if !self.server.up || self.server.storage_broken {
            return Err(unavailable());
        }
        if self.server.crash_at == Some(CrashPoint::BeforeCommit) {
            self.crash();
            return Err(unavailable());
        }
        self.trace(|| format!("server handles {input:?}"));
        let now = self.epoch_now();
        let mut game = self.load();
        let is_deadline = matches!(input, GameInput::Deadline);
        let reply = match game.handle(now, input) {
            Ok(reply) => reply,
            Err(refusal) => {
                let untouched = game.poll().is_none() && game == *self.game();
                self.check(untouched, || "a refusal changes nothing".to_owned());
                return Err(refusal);
            }
        };
        let outputs: Vec<GameOutput> = std::iter::from_fn(|| game.poll()).collect();
        self.trace(|| format!("server does {outputs:?}"));
        if is_deadline {
            let passed = game.next_deadline().is_none_or(|next| next > now);
            self.check(passed, || {
                "a deadline that is handled has passed".to_owned()
            });
        }
        for output in &outputs {
            if let GameOutput::RecordPartial { participant } = output {
                let waited = game.seat(participant).is_some_and(|seat| {
                    matches!(seat.standing, Standing::Out { at, .. }
                        if now - at >= game.settings().export_ack_timeout)
                });
                self.check(waited, || format!("{participant} has time to send data"));
            }
        }
        self.server.commits += 1;
        self.write_down(&outputs, &game, export);
        self.server.storage.played |= matches!(game.phase(), Phase::Playing { .. });
        self.server.storage.game = game;
        self.check_stored(&outputs);
        self.plan_deadline();
        match self.server.crash_at {
            Some(CrashPoint::AfterCommit) => {
                self.crash();
                Err(unavailable())
            }
            Some(CrashPoint::AfterAnswer) => {
                self.server.dying = true;
                Ok((reply, outputs))
            }
            _ => Ok((reply, outputs)),
        }
    }

    fn load(&mut self) -> GameSession {
        if !self.json {
            return self.game().clone();
        }
        let stored = serde_json::to_string(self.game()).unwrap();
        let loaded: GameSession = serde_json::from_str(&stored).unwrap();
        let same = loaded == *self.game();
        self.check(same, || "a stored game is read as it was".to_owned());
        loaded
    }

    fn write_down(
        &mut self,
        outputs: &[GameOutput],
        game: &GameSession,
        export: Option<NewExport>,
    ) {
        let number = |id: &stillhere_core::ids::ParticipantId| number_of(id);
        let storage = &mut self.server.storage;
        if let Some(export) = export {
            let finished = export.is_finished();
            storage.exports.insert(
                (export.who, export.id),
                Stored {
                    origin: ExportOrigin::Client,
                    finished,
                    status: export.status,
                    metrics: export.metrics,
                },
            );
        }
        for output in outputs {
            match output {
                GameOutput::Outcome {
                    participant,
                    outcome,
                } => storage.outcomes.push((number(participant), *outcome)),
                GameOutput::RecordPartial { participant } => {
                    let seat = game.seat(participant).expect("a seat");
                    let Some(status) = partial_status(seat) else {
                        continue;
                    };
                    let id = ExportId::try_from("server-g1").unwrap();
                    storage
                        .exports
                        .entry((number(participant), id))
                        .or_insert(Stored {
                            origin: ExportOrigin::Server,
                            finished: true,
                            status,
                            metrics: Value::Null,
                        });
                }
                GameOutput::Ended => storage.ended += 1,
                _ => {}
            }
        }
    }

    /// Sends what was committed.
    pub fn publish(&mut self, outputs: Vec<GameOutput>) {
        if self.server.dying {
            self.crash();
            return;
        }
        for output in outputs {
            self.send_output(output);
        }
    }

    /// An input that nobody waits to be answered; whether it was stored.
    pub fn run_input(&mut self, input: GameInput) -> Result<GameReply, Refusal> {
        let (reply, outputs) = self.commit(input, None)?;
        self.publish(outputs);
        Ok(reply)
    }

    fn send_output(&mut self, output: GameOutput) {
        let (to, event, delivery): (_, ServerEvent<Value>, _) = match output {
            GameOutput::WaitingRoom { to, event } => (to, ServerEvent::WaitingRoom(event), None),
            GameOutput::Assign { to, event } => (to, ServerEvent::PlayerAssigned(event), None),
            GameOutput::Ready { to } => {
                let ready = GameReady {
                    game_id: self.game().id().clone(),
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
            GameOutput::WaitingOver { to } => (to, ServerEvent::EndGame(EndGame::default()), None),
            GameOutput::Outcome { .. } | GameOutput::RecordPartial { .. } | GameOutput::Ended => {
                return;
            }
        };
        if let Some(socket) = self.server.current[number_of(&to)] {
            self.emit(socket, &event, delivery);
        }
    }

    fn emit(
        &mut self,
        socket: usize,
        event: &ServerEvent<Value>,
        delivery: Option<stillhere_core::ids::DeliveryId>,
    ) {
        let payload = serde_json::to_value(event).unwrap();
        let name = event.name();
        self.post(
            socket,
            Packet::ToPage {
                name,
                payload,
                delivery,
            },
        );
    }

    /// A new socket shows a token: its participant's place is taken up again, if there is any business left.
    pub fn resume(&mut self, socket: usize, who: usize) {
        if !self.server.up || !self.sockets[socket].server_side {
            return;
        }
        self.sockets[socket].resuming = true;
        if self.server.storage_broken {
            self.at(self.now + 1_000, Event::Resume(socket, who));
            return;
        }
        let business = self
            .seat(who)
            .is_some_and(|seat| self.game().is_live() || seat.is_owed());
        let mut outputs = Vec::new();
        if business {
            let input = GameInput::Join {
                participant: participant(who),
                connection: connection(socket),
            };
            match self.commit(input, None) {
                Ok((_, committed)) => outputs = committed,
                Err(refusal) if refusal.code.is_passing() => {
                    self.at(self.now + 1_000, Event::Resume(socket, who));
                    return;
                }
                Err(_) => {}
            }
        }
        self.sockets[socket].resuming = false;
        self.bind(socket, who);
        self.publish(outputs);
    }

    /// The socket speaks for the participant from now on, and the one before it does not.
    fn bind(&mut self, socket: usize, who: usize) {
        self.sockets[socket].bound = Some(who);
        self.sockets[socket].spoke_for = Some(who);
        let old = self.server.current[who].replace(socket);
        if let Some(old) = old.filter(|old| *old != socket) {
            self.sockets[old].bound = None;
            let event = ServerEvent::EndGame(EndGame {
                message: None,
                reason: Some(EndGameReason::TakenOver),
            });
            self.emit(old, &event, None);
        }
    }

    /// The server has noticed the loss of a socket.
    pub fn server_lost(&mut self, socket: usize) {
        if !self.sockets[socket].server_side || !self.server.up {
            return;
        }
        if let Some(who) = self.sockets[socket].spoke_for {
            let input = GameInput::Disconnected {
                participant: participant(who),
                connection: connection(socket),
                frame: self.server.seen[who],
            };
            if self
                .run_input(input)
                .is_err_and(|refusal| refusal.code.is_passing())
            {
                self.at(self.now + 1_000, Event::Lost(socket));
                return;
            }
            if self.server.current[who] == Some(socket) {
                self.server.current[who] = None;
            }
        }
        self.sockets[socket].server_side = false;
    }

    /// The server is gone, with all that it had in memory.
    pub fn crash(&mut self) {
        if !self.server.up {
            return;
        }
        self.trace(|| "server crashes".to_owned());
        self.server.up = false;
        self.server.draining = false;
        self.server.crash_at = None;
        self.server.dying = false;
        for who in 0..self.server.current.len() {
            self.server.current[who] = None;
            self.server.seen[who] = Frame(0);
        }
        for number in 0..self.sockets.len() {
            let Socket {
                page_side,
                server_side,
                ..
            } = self.sockets[number];
            self.sockets[number].server_side = false;
            self.sockets[number].resuming = false;
            if page_side && server_side {
                let noticed = self.now + self.dice.between(1, 100);
                self.at(noticed, Event::PageLost(number));
            }
        }
        let back = self.now + self.dice.between(300, 4_000);
        self.at(back, Event::Start);
    }

    /// The server starts: no socket has survived, so everybody is away until they come back.
    pub fn start(&mut self) {
        if self.server.up {
            return;
        }
        if self.server.storage_broken {
            self.at(self.now + 1_000, Event::Start);
            return;
        }
        self.trace(|| "server starts".to_owned());
        self.server.up = true;
        let _ = self.run_input(GameInput::Restarted);
        self.plan_deadline();
    }

    /// The server is told to stop, and stops when its pages have had time to send their data.
    pub fn shut_down(&mut self) {
        if !self.server.up || self.server.draining {
            return;
        }
        self.server.draining = true;
        if self.game().is_live() {
            let _ = self.run_input(GameInput::Shutdown);
        }
        let stop = self.now + 5_000;
        self.at(stop, Event::Stop);
    }

    /// The deadline of the game has come, or has been moved.
    pub fn deadline(&mut self) {
        if !self.server.up {
            return;
        }
        let now = self.epoch_now();
        if self.game().next_deadline().is_none_or(|next| next > now) {
            self.plan_deadline();
        } else if self.run_input(GameInput::Deadline).is_err() && self.server.up {
            self.at(self.now + 1_000, Event::Deadline);
        }
    }

    pub fn plan_deadline(&mut self) {
        if let Some(next) = self.game().next_deadline() {
            let at = next.ceil().saturating_sub(EPOCH).max(self.now);
            if self
                .deadline_at
                .is_none_or(|planned| planned > at || planned <= self.now)
            {
                self.deadline_at = Some(at);
                self.at(at, Event::Deadline);
            }
        }
    }

    /// An event of a page; the answer goes back before anything else that it leads to.
    pub fn serve<V: Kept>(&mut self, socket: usize, event: ClientEvent<V>, expect: Expect) {
        if let ClientEvent::Ping(ping) = &event {
            if let (Some(who), Some(frame)) = (self.sockets[socket].bound, ping.frame_number) {
                self.server.seen[who] = self.server.seen[who].max(frame);
            }
            let body = self.json.then(|| answer(Ok(SeqAnswer { seq: ping.seq })));
            self.reply(socket, expect, body);
            return;
        }
        if let ClientEvent::JoinGame(join) = event {
            let (body, outputs) = self.join(socket, &join);
            self.reply(socket, expect, Some(body));
            self.publish(outputs);
            return;
        }
        let Some(who) = self.sockets[socket].bound else {
            let refusal = Refusal::new(ErrorCode::Unauthorized, "join_game comes first");
            let page = self.sockets[socket].page;
            self.clients[page].report_handled |= expect == Expect::Report;
            self.reply(socket, expect, Some(answer::<Accepted>(Err(refusal))));
            return;
        };
        let participant = participant(who);
        let page = self.sockets[socket].page;
        match event {
            ClientEvent::MidGameExclusion(told) => {
                self.server.seen[who] = self.server.seen[who].max(told.frame_number);
                let verdict = Verdict {
                    reason: told.reason,
                    frame: told.frame_number,
                    decided_by: Side::Client,
                    message: None,
                    evidence: told.evidence.map(|evidence| evidence.kept(self.json)),
                };
                let committed = self.commit(
                    GameInput::Verdict {
                        participant: participant.clone(),
                        claimed: Some(told.player_id),
                        verdict,
                        seen: self.server.seen[who],
                    },
                    None,
                );
                self.note_report(page, &committed);
                let game = self.game();
                let body = committed
                    .as_ref()
                    .map(|(reply, _)| game.exclusion_answer(&participant, *reply))
                    .map_err(Clone::clone);
                self.reply(socket, expect, Some(answer(body)));
                self.publish(committed.map(|(_, outputs)| outputs).unwrap_or_default());
            }
            ClientEvent::GameComplete(told) => {
                let input = GameInput::Completed {
                    participant,
                    claimed: told.player_id,
                    frame: self.server.seen[who],
                };
                self.answer_report(socket, page, input, expect);
            }
            ClientEvent::TerminalState(told) => {
                self.server.seen[who] = self.server.seen[who].max(told.frame_number);
                let input = GameInput::TerminalState {
                    participant,
                    reason: told.reason,
                    frame: told.frame_number,
                };
                self.answer_report(socket, page, input, expect);
            }
            ClientEvent::LeaveGame(_) => {
                let input = GameInput::Leave {
                    participant,
                    frame: self.server.seen[who],
                };
                self.answer_report(socket, page, input, expect);
            }
            ClientEvent::RequestRedirect(_) => {
                let body = self.redirect(who);
                self.reply(socket, expect, Some(answer(body)));
            }
            ClientEvent::EmitMetrics(told) => {
                let metrics = told.metrics.value().expect("metrics go as text");
                let status: SessionStatus =
                    serde_json::from_value(metrics["sessionStatus"].clone()).expect("a status");
                let export = NewExport {
                    who,
                    id: told.export_id.expect("ours are numbered"),
                    status,
                    metrics,
                };
                self.store_export(socket, export, expect);
            }
            ClientEvent::Ping(_)
            | ClientEvent::JoinGame(_)
            | ClientEvent::PlayerAction(_)
            | ClientEvent::ExecuteCallback(_) => {}
        }
    }

    fn answer_report(&mut self, socket: usize, page: usize, input: GameInput, expect: Expect) {
        let committed = self.commit(input, None);
        self.note_report(page, &committed);
        let body = committed
            .as_ref()
            .map(|_| Accepted {})
            .map_err(Clone::clone);
        self.reply(socket, expect, Some(answer(body)));
        self.publish(committed.map(|(_, outputs)| outputs).unwrap_or_default());
    }

    fn note_report(
        &mut self,
        page: usize,
        committed: &Result<(GameReply, Vec<GameOutput>), Refusal>,
    ) {
        let handled = !matches!(committed, Err(refusal) if refusal.code.is_passing());
        let accepted = matches!(committed, Ok((GameReply::Accepted, _)));
        let client = &mut self.clients[page];
        client.report_handled |= handled;
        client.report_was_late |= handled && !accepted;
    }

    fn redirect(&mut self, who: usize) -> Result<Value, Refusal> {
        if self.seat(who).is_some_and(Seat::awaits_redirect) {
            let participant = participant(who);
            let _ = self.commit(GameInput::Redirected { participant }, None);
        }
        let outcome = self
            .seat(who)
            .and_then(Seat::outcome)
            .or_else(|| self.outcome_of(who))
            .ok_or_else(|| {
                Refusal::new(
                    ErrorCode::UnknownGame,
                    "this participant's game has not ended",
                )
            })?;
        Ok(json!({
            "redirect_url": format!("/done.html?outcome={}", outcome.as_str()),
            "redirect_timeout": self.redirect_after,
            "completion_code": "C0DE",
        }))
    }

    pub fn outcome_of(&self, who: usize) -> Option<Outcome> {
        let outcomes = &self.server.storage.outcomes;
        outcomes
            .iter()
            .find(|(of, _)| *of == who)
            .map(|(_, outcome)| *outcome)
    }

    /// Stores an export in one transaction with the game; whether it was there already.
    pub fn take_export(&mut self, export: NewExport) -> Result<(bool, Vec<GameOutput>), Refusal> {
        if !self.server.up || self.server.storage_broken {
            return Err(unavailable());
        }
        let key = (export.who, export.id.clone());
        if self.server.storage.exports.contains_key(&key) {
            return Ok((true, Vec::new()));
        }
        let input = GameInput::Exported {
            participant: participant(export.who),
            export: export.id.clone(),
            finished: export.is_finished(),
        };
        let (_, outputs) = self.commit(input, Some(export))?;
        Ok((false, outputs))
    }

    pub fn store_export(&mut self, socket: usize, export: NewExport, expect: Expect) {
        if self.sockets[socket].bound != Some(export.who) {
            let refusal = Refusal::new(ErrorCode::Unauthorized, "join_game comes first");
            self.reply(socket, expect, Some(answer::<Accepted>(Err(refusal))));
            return;
        }
        let export_id = export.id.clone();
        let stored = self.take_export(export);
        let body = stored
            .as_ref()
            .map(|(duplicate, _)| ExportAnswer {
                export_id,
                duplicate: *duplicate,
            })
            .map_err(Clone::clone);
        self.reply(socket, expect, Some(answer(body)));
        self.publish(stored.map(|(_, outputs)| outputs).unwrap_or_default());
    }

    fn reply(&mut self, socket: usize, expect: Expect, body: Option<Value>) {
        if expect != Expect::Nothing {
            self.post(socket, Packet::AckToPage { to: expect, body });
        }
    }

    /// A chunk is stored if it begins where the last one ended; how much there is now.
    pub fn receive_part(
        &mut self,
        key: &(usize, ExportId),
        offset: u64,
        size: u64,
        chunk: u64,
    ) -> Result<u64, Refusal> {
        if !self.server.up || self.server.storage_broken {
            return Err(unavailable());
        }
        let received = self.server.storage.parts.entry(key.clone()).or_default();
        if *received == offset {
            *received = (offset + chunk).min(size);
        }
        let received = *received;
        if matches!(
            self.server.crash_at,
            Some(CrashPoint::AfterCommit | CrashPoint::AfterAnswer)
        ) && received < size
        {
            self.crash();
        }
        Ok(received)
    }

    /// `join_game`, as the server and its storage decide it.
    fn join(&mut self, socket: usize, join: &JoinGame) -> (Value, Vec<GameOutput>) {
        let joined = self.take_seat(socket, join);
        match joined {
            Ok((who, outputs)) => {
                let body = json!({
                    "ok": true,
                    "participant_id": participant(who),
                    "participant_token": token(who),
                    "status": "waiting",
                });
                (body, outputs)
            }
            Err(refusal) => (answer::<Accepted>(Err(refusal)), Vec::new()),
        }
    }

    fn take_seat(
        &mut self,
        socket: usize,
        join: &JoinGame,
    ) -> Result<(usize, Vec<GameOutput>), Refusal> {
        if self.server.draining || self.server.storage_broken {
            return Err(unavailable());
        }
        let who = self.clients[self.sockets[socket].page].who;
        let proven = self.sockets[socket].bound == Some(who)
            || join.participant_token.as_deref() == Some(token(who).as_str());
        let reopened = proven && self.sockets[socket].bound.is_none();
        let input = GameInput::Join {
            participant: participant(who),
            connection: connection(socket),
        };
        let applicant = Applicant { proven, reopened };
        let seated = match self.game().admission(&participant(who), applicant) {
            Ok(Admission::Back) => true,
            Ok(Admission::Elsewhere) => self.seat(who).is_none() && self.game().has_room(),
            Err(refusal) => {
                if proven && refusal.code == ErrorCode::AlreadyEnded {
                    self.bind(socket, who);
                }
                return Err(refusal);
            }
        };
        let mut outputs = Vec::new();
        if seated {
            (_, outputs) = self.commit(input, None)?;
        } else {
            let page = self.sockets[socket].page;
            self.clients[page].elsewhere = true;
        }
        self.bind(socket, who);
        Ok((who, outputs))
    }

    /// A participant's page said in its last moment where it stood.
    pub fn last_status(&mut self, who: usize, frame: u64, completed_episodes: u64) {
        let status = LastStatus {
            frame: Frame(frame),
            completed_episodes,
            hidden_ms: Millis::ZERO,
            at: self.epoch_now(),
        };
        let _ = self.run_input(GameInput::LastStatus {
            participant: participant(who),
            status,
        });
    }

    pub fn server_verdict(&mut self, who: usize) -> Result<GameReply, Refusal> {
        let verdict = Verdict {
            reason: stillhere_core::exclusion::ExclusionReason::Unresponsive,
            frame: Frame(3),
            decided_by: Side::Server,
            message: None,
            evidence: None,
        };
        self.run_input(GameInput::Verdict {
            participant: participant(who),
            claimed: None,
            verdict,
            seen: self.server.seen[who],
        })
    }

    fn check_stored(&mut self, outputs: &[GameOutput]) {
        for (position, output) in outputs.iter().enumerate() {
            let GameOutput::Outcome { participant, .. } = output else {
                continue;
            };
            let again = outputs[..position].iter().any(
                |other| matches!(other, GameOutput::Outcome { participant: who, .. } if who == participant),
            );
            let who = number_of(participant);
            let times = self
                .server
                .storage
                .outcomes
                .iter()
                .filter(|(of, _)| *of == who)
                .count();
            self.check(!again && times == 1, || {
                format!("{participant} has one outcome")
            });
        }
        if matches!(self.game().phase(), Phase::Ended { .. }) {
            for seat in 0..self.game().seats().len() {
                let seat = &self.game().seats()[seat];
                let who = number_of(&seat.participant);
                let played = self.server.storage.played;
                let stored = self
                    .server
                    .storage
                    .exports
                    .iter()
                    .any(|((of, _), stored)| *of == who && stored.finished);
                self.check(stored || !played, || {
                    format!("{who}: nothing is removed before it is stored")
                });
            }
        }
    }
}

/// What is passed on unread, in either form.
pub trait Kept {
    fn kept(&self, json: bool) -> String;
    fn value(&self) -> Option<Value>;
}

impl Kept for stillhere_core::exclusion::Evidence {
    fn kept(&self, _: bool) -> String {
        "{}".to_owned()
    }

    fn value(&self) -> Option<Value> {
        None
    }
}

impl Kept for &Value {
    fn kept(&self, _: bool) -> String {
        self.to_string()
    }

    fn value(&self) -> Option<Value> {
        Some((*self).clone())
    }
}

pub fn token(who: usize) -> String {
    format!("token-{who}")
}

pub fn number_of(id: &stillhere_core::ids::ParticipantId) -> usize {
    usize::from(id.as_str().as_bytes()[0] - b'A')
}

/// What the server knows of a session that never sent its data.
fn partial_status(seat: &Seat) -> Option<SessionStatus> {
    let Standing::Out { outcome, frame, at } = seat.standing else {
        return None;
    };
    let (termination_reason, terminated_by) = outcome.termination()?;
    Some(SessionStatus {
        is_partial: true,
        termination_reason,
        terminated_by,
        termination_frame: frame,
        terminated_at_timestamp: Some(at),
        completed_episodes: 0,
        disconnected_player_id: None,
    })
}
