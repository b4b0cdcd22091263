//! What can happen in a state, and what follows from it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use stillhere_core::exclusion::{ExclusionReason, Side};
use stillhere_core::ids::{DeliveryId, ExportId, Frame, ParticipantId, PlayerId};
use stillhere_core::metrics::TerminationReason;
use stillhere_core::session::{
    DeliveryEvent, GameInput, GameOutput, GameSession, OnExclusion, Outcome, Phase, Standing,
    Verdict,
};
use stillhere_core::time::Millis;

use crate::canon::{EXPORT_TIMEOUT, NOW, read, write};
use crate::page::{Ending, Owing, Report};
use crate::state::{Fault, Message, State, Told, connection, participant};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A message arrives, and a delivery's ack gets back to the server.
    Arrive(Message),
    /// A delivery arrives, and its ack is lost.
    ArriveUnacked(Message),
    Lose(Message),
    /// A page's report reaches the server, and the answer the page.
    Report(u8),
    /// A page's report reaches the server, and the answer is lost.
    ReportUnanswered(u8),
    /// A report that was answered long ago arrives once more.
    RepeatReport(u8),
    Export(u8),
    ExportUnanswered(u8),
    /// The page's patience with the answer to its report is over.
    StopWaiting(u8),
    Exclude(u8),
    Complete(u8),
    Leave(u8),
    ServerExcludes(u8),
    Disconnect(u8),
    Reconnect(u8),
    Close(u8),
    /// The next deadline of the game comes.
    Time,
    /// The server dies and starts again. What it had stored but not sent on yet is lost as what is on its way is: so
    /// this is the crash after a commit as well, and, following a loss, the one before it.
    Crash,
    Shutdown,
}

impl Step {
    /// Whether it brings everything nearer to its end, unlike what goes wrong.
    pub const fn is_progress(self) -> bool {
        matches!(
            self,
            Self::Arrive(_)
                | Self::Report(_)
                | Self::Export(_)
                | Self::StopWaiting(_)
                | Self::Reconnect(_)
                | Self::Time
        )
    }
}

impl State {
    /// Everything that can happen next.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let budget = self.budget;
        for message in &self.network {
            steps.push(Step::Arrive(*message));
            if message.can_be_lost() {
                steps.push(Step::Lose(*message));
                steps.push(Step::ArriveUnacked(*message));
            }
        }
        for (number, page) in (0_u8..).zip(&self.pages) {
            if budget.server_verdicts > 0 {
                steps.push(Step::ServerExcludes(number));
            }
            if page.closed {
                continue;
            }
            if page.is_playing() {
                if budget.own_verdicts > 0 {
                    steps.push(Step::Exclude(number));
                }
                if budget.completions > 0 {
                    steps.push(Step::Complete(number));
                }
                if budget.departures > 0 && page.socket.is_some() {
                    steps.push(Step::Leave(number));
                }
            }
            if page.socket.is_some() {
                if let Owing::Open(_) = page.report {
                    steps.push(Step::Report(number));
                    steps.push(Step::ReportUnanswered(number));
                }
                if let (Owing::Acked(_), 1..) = (page.report, budget.repeats) {
                    steps.push(Step::RepeatReport(number));
                }
                if let Owing::Open(()) = page.export {
                    steps.push(Step::Export(number));
                    steps.push(Step::ExportUnanswered(number));
                }
                if budget.lost_sockets > 0 {
                    steps.push(Step::Disconnect(number));
                }
            } else {
                steps.push(Step::Reconnect(number));
            }
            if page.report != Owing::Nothing && page.ending.is_none() {
                steps.push(Step::StopWaiting(number));
            }
            if budget.closed_pages > 0 {
                steps.push(Step::Close(number));
            }
        }
        if self.due.is_some() {
            steps.push(Step::Time);
        }
        if budget.crashes > 0 {
            steps.push(Step::Crash);
        }
        if budget.shutdowns > 0 {
            steps.push(Step::Shutdown);
        }
        steps
    }

    pub fn after(&self, step: Step) -> Self {
        let mut next = self.clone();
        next.take(step);
        next
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Arrive(message) => self.arrive(message, true),
            Step::ArriveUnacked(message) => self.arrive(message, false),
            Step::Lose(message) => {
                self.network.remove(&message);
            }
            Step::Report(page) => {
                let answer = self.report(page);
                self.report_acked(page, answer);
            }
            Step::ReportUnanswered(page) => {
                self.report(page);
            }
            Step::RepeatReport(page) => {
                self.budget.repeats -= 1;
                self.report(page);
            }
            Step::Export(page) => {
                self.export(page);
                if !self.stored[usize::from(page)].0 {
                    self.faults.insert(Fault::AckedUnstored);
                }
                self.pages[usize::from(page)].export = Owing::Acked(());
            }
            Step::ExportUnanswered(page) => self.export(page),
            Step::StopWaiting(page) => self.pages[usize::from(page)].end(Ending::Own),
            Step::Exclude(page) => {
                self.budget.own_verdicts -= 1;
                self.pages[usize::from(page)].report = Owing::Open(Report::Exclusion);
            }
            Step::Complete(page) => {
                self.budget.completions -= 1;
                self.pages[usize::from(page)].report = Owing::Open(Report::Completion);
                self.pages[usize::from(page)].end(Ending::Completed);
            }
            Step::Leave(page) => {
                self.budget.departures -= 1;
                self.pages[usize::from(page)].report = Owing::Open(Report::Leaving);
            }
            Step::ServerExcludes(page) => {
                self.budget.server_verdicts -= 1;
                self.server(verdict(page, Side::Server), 0);
            }
            Step::Disconnect(page) => {
                self.budget.lost_sockets -= 1;
                self.lose_socket(page);
            }
            Step::Reconnect(page) => self.connect(page),
            Step::Close(page) => {
                self.budget.closed_pages -= 1;
                self.lose_socket(page);
                self.pages[usize::from(page)].closed = true;
            }
            Step::Time => {
                let due = self.due.expect("a deadline");
                self.server(GameInput::Deadline, due);
            }
            Step::Crash => self.crash(),
            Step::Shutdown => {
                self.budget.shutdowns -= 1;
                self.server(GameInput::Shutdown, 0);
            }
        }
    }

    fn lose_socket(&mut self, page: u8) {
        if let Some(socket) = self.pages[usize::from(page)].socket.take() {
            self.network
                .retain(|message| message.page() != page || !message.can_be_lost());
            self.network.insert(Message::SocketLost { page, socket });
        }
    }

    fn connect(&mut self, number: u8) {
        let page = &mut self.pages[usize::from(number)];
        let socket = page.next_socket;
        page.next_socket += 1;
        page.socket = Some(socket);
        let input = GameInput::Join {
            participant: participant(number),
            connection: connection(number, socket),
        };
        self.server(input, 0);
    }

    fn crash(&mut self) {
        self.budget.crashes -= 1;
        self.network.clear();
        for page in &mut self.pages {
            page.socket = None;
        }
        self.server(GameInput::Restarted, 0);
    }

    fn arrive(&mut self, message: Message, acked: bool) {
        self.network.remove(&message);
        match message {
            Message::SocketLost { page, socket } => {
                let input = GameInput::Disconnected {
                    participant: participant(page),
                    connection: connection(page, socket),
                    frame: Frame(1),
                };
                self.server(input, 0);
            }
            Message::Delivery { page, number, told } => {
                self.deliver(page, number, told);
                if acked {
                    let input = GameInput::Delivered {
                        participant: participant(page),
                        delivery: DeliveryId::try_from(format!("g.{number}")).expect("a good id"),
                    };
                    self.server(input, 0);
                }
            }
        }
    }

    /// A page's report reaches the server; what it is told of the game's end, if another one came first.
    fn report(&mut self, page: u8) -> Option<TerminationReason> {
        let (Owing::Open(report) | Owing::Acked(report)) = self.pages[usize::from(page)].report
        else {
            return None;
        };
        let input = match report {
            Report::Exclusion => verdict(page, Side::Client),
            Report::Completion => GameInput::Completed {
                participant: participant(page),
                claimed: PlayerId::Number(i64::from(page)),
                frame: Frame(1),
            },
            Report::Leaving => GameInput::Leave {
                participant: participant(page),
                frame: Frame(1),
            },
        };
        self.server(input, 0)
    }

    /// A page's data reaches the server, which stores it in one transaction with the game.
    fn export(&mut self, page: u8) {
        let number = usize::from(page);
        if self.stored[number].0 {
            return;
        }
        let input = GameInput::Exported {
            participant: participant(page),
            export: ExportId::try_from(format!("x{page}")).expect("a good id"),
            finished: true,
        };
        // In the same transaction, so that the game ends with it.
        self.stored[number].0 = true;
        self.server(input, 0);
    }

    fn report_acked(&mut self, number: u8, ended: Option<TerminationReason>) {
        let page = &mut self.pages[usize::from(number)];
        let Owing::Open(report) = page.report else {
            return;
        };
        page.report = Owing::Acked(report);
        match (report, ended) {
            (Report::Exclusion, None) => page.end(Ending::Own),
            (Report::Exclusion, Some(TerminationReason::PartnerExclusion)) => {
                page.end(Ending::Partner);
            }
            (Report::Exclusion, Some(reason)) if reason.exclusion().is_some() => {
                page.end(Ending::Server);
            }
            // A connection was lost; whose is on its way, and is not waited for long.
            (Report::Exclusion, Some(_)) => {}
            (Report::Leaving, _) => page.end(Ending::Lost),
            (Report::Completion, _) => {}
        }
    }

    fn deliver(&mut self, number: u8, delivery: u8, told: Told) {
        if delivery > self.last_delivery {
            self.faults.insert(Fault::SentUnstored);
        }
        let page = &mut self.pages[usize::from(number)];
        if page.inbox.contains(&delivery) {
            return;
        }
        page.inbox.push(delivery);
        page.inbox.sort_unstable();
        match told {
            Told::PartnerExcluded | Told::Export => page.end(Ending::Partner),
            Told::Excluded => page.end(Ending::Server),
            Told::Ended => page.end(Ending::Lost),
            Told::PartnerLeft => {}
        }
    }

    /// One input, so many milliseconds from now: load, handle, store, send.
    fn server(&mut self, input: GameInput, later: u64) -> Option<TerminationReason> {
        let done = handle(&self.game, input, later);
        self.faults.extend(&done.faults);
        if done.refused {
            return None;
        }
        self.game.clone_from(&done.game);
        self.due = done.due;
        self.last_delivery = done.last_delivery;
        for page in &done.outcomes {
            let outcomes = &mut self.outcomes[usize::from(*page)];
            *outcomes += 1;
            if *outcomes > 1 {
                self.faults.insert(Fault::TwoOutcomes);
            }
        }
        for page in &done.given_up {
            let stored = &mut self.stored[usize::from(*page)];
            stored.1 = true;
            if stored.0 {
                self.faults.insert(Fault::GivenUpTooEarly);
            }
        }
        if done.ended && self.ended {
            self.faults.insert(Fault::EndedTwice);
        }
        self.ended |= done.ended;
        if (done.over && self.stored.contains(&(false, false))) || done.over != self.ended {
            self.faults.insert(Fault::EndedBeforeStored);
        }
        for message in &done.sent {
            if self.pages[usize::from(message.page())].socket.is_some() {
                self.network.insert(*message);
            }
        }
        done.answer
    }

    /// Whom the server has excluded is never told as a partner, neither by it nor by their own page.
    pub fn excluded_is_told_as_partner(&self) -> bool {
        let game = read(&self.game);
        self.pages.iter().zip(game.seats()).any(|(page, seat)| {
            let excluded = matches!(seat.outcome(), Some(Outcome::Excluded(_)));
            let mut owed = seat.deliveries.iter().map(|owed| told(&owed.event));
            let as_partner = owed.any(|told| matches!(told, Told::PartnerExcluded | Told::Export));
            excluded && (as_partner || page.ending == Some(Ending::Partner))
        })
    }
}

/// What an input does to a game, and what can be seen of it.
struct Handled {
    refused: bool,
    answer: Option<TerminationReason>,
    game: String,
    due: Option<u64>,
    last_delivery: u8,
    outcomes: Vec<u8>,
    given_up: Vec<u8>,
    ended: bool,
    over: bool,
    sent: Vec<Message>,
    faults: BTreeSet<Fault>,
}

thread_local! {
    /// Many states have the same game, in which the same happens.
    static KNOWN: RefCell<HashMap<(String, String), Rc<Handled>>> = RefCell::default();
}

fn handle(text: &str, input: GameInput, later: u64) -> Rc<Handled> {
    let key = (text.to_owned(), format!("{later} {input:?}"));
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&key).cloned()) {
        return known;
    }
    let handled = Rc::new(handle_anew(text, input, later));
    KNOWN.with_borrow_mut(|known| known.insert(key, Rc::clone(&handled)));
    handled
}

fn handle_anew(text: &str, input: GameInput, later: u64) -> Handled {
    let now = Millis::from(NOW + later);
    let mut game = read(text);
    let mut handled = Handled {
        refused: false,
        answer: None,
        game: String::new(),
        due: None,
        last_delivery: 0,
        outcomes: Vec::new(),
        given_up: Vec::new(),
        ended: false,
        over: false,
        sent: Vec::new(),
        faults: BTreeSet::new(),
    };
    let Ok(reply) = game.handle(now, input.clone()) else {
        handled.refused = true;
        if game != read(text) || game.poll().is_some() {
            handled.faults.insert(Fault::RefusalChanged);
        }
        return handled;
    };
    let outputs: Vec<GameOutput> = std::iter::from_fn(|| game.poll()).collect();
    if matches!(input, GameInput::Deadline) && game.next_deadline().is_some_and(|next| next <= now)
    {
        handled.faults.insert(Fault::OverdueDeadline);
    }
    let who = match &input {
        GameInput::Verdict { participant, .. } => Some(participant.clone()),
        _ => None,
    };
    handled.answer = who.and_then(|who| game.exclusion_answer(&who, reply).termination_reason);
    handled.game = write(&game, now);
    handled.due = game.next_deadline().map(|next| (next - now).ceil());
    let deliveries = game.seats().iter().map(|seat| seat.deliveries.len());
    handled.last_delivery = u8::try_from(deliveries.sum::<usize>()).expect("few deliveries");
    handled.over = matches!(game.phase(), Phase::Ended { .. });
    for output in outputs {
        handled.look_at_output(&game, output, now);
    }
    handled.look_at_seats(&game);
    // What a page says again, and what is told again of a socket, changes nothing.
    let repeatable = !matches!(input, GameInput::Deadline | GameInput::Join { .. });
    let _ = game.handle(now, input);
    while game.poll().is_some() {}
    if repeatable && write(&game, now) != handled.game {
        handled.faults.insert(Fault::RepeatChanged);
    }
    handled
}

impl Handled {
    fn look_at_output(&mut self, game: &GameSession, output: GameOutput, now: Millis) {
        match output {
            GameOutput::Outcome { participant, .. } => self.outcomes.push(number_of(&participant)),
            GameOutput::RecordPartial { participant } => {
                let waited = game.seat(&participant).is_some_and(|seat| {
                    matches!(seat.standing, Standing::Out { at, .. }
                        if now - at >= Millis::from(EXPORT_TIMEOUT))
                });
                if !waited {
                    self.faults.insert(Fault::GivenUpTooEarly);
                }
                self.given_up.push(number_of(&participant));
            }
            GameOutput::Ended if self.ended => {
                self.faults.insert(Fault::EndedTwice);
            }
            GameOutput::Ended => self.ended = true,
            GameOutput::Deliver {
                to,
                delivery,
                event,
            } => {
                let (_, number) = delivery.as_str().split_once('.').expect("a number");
                self.sent.push(Message::Delivery {
                    page: number_of(&to),
                    number: number.parse().expect("a number"),
                    told: told(&event),
                });
            }
            _ => {}
        }
    }

    fn look_at_seats(&mut self, game: &GameSession) {
        let most = match game.settings().on_exclusion {
            OnExclusion::End => 1,
            OnExclusion::Continue => game.seats().len() - 1,
        };
        let verdicts = game.seats().iter().filter(|seat| seat.verdict.is_some());
        if verdicts.count() > most {
            self.faults.insert(Fault::TwoVerdicts);
        }
        for seat in game.seats() {
            let owed = seat.deliveries.iter().map(|owed| told(&owed.event));
            let endings = owed.filter(|told| {
                matches!(told, Told::PartnerExcluded | Told::Excluded | Told::Ended)
            });
            if endings.count() > 1 {
                self.faults.insert(Fault::TwoEndings);
            }
        }
    }
}

fn number_of(participant: &ParticipantId) -> u8 {
    participant.as_str().as_bytes()[0] - b'A'
}

fn told(event: &DeliveryEvent) -> Told {
    match event {
        DeliveryEvent::PartnerExcluded(_) => Told::PartnerExcluded,
        DeliveryEvent::TriggerDataExport(_) => Told::Export,
        DeliveryEvent::ParticipantExcluded(_) => Told::Excluded,
        DeliveryEvent::PartnerLeft(_) => Told::PartnerLeft,
        DeliveryEvent::P2pGameEnded(_) => Told::Ended,
    }
}

fn verdict(page: u8, decided_by: Side) -> GameInput {
    let by_server = decided_by == Side::Server;
    GameInput::Verdict {
        participant: participant(page),
        claimed: (!by_server).then(|| PlayerId::Number(i64::from(page))),
        verdict: Verdict {
            reason: if by_server {
                ExclusionReason::Unresponsive
            } else {
                ExclusionReason::TabHidden
            },
            frame: Frame(1),
            decided_by,
            message: None,
            evidence: None,
        },
        seen: Frame(1),
    }
}
