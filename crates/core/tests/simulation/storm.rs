//! Random schedules: what goes wrong, for whom and when, until the weather clears.

use serde_json::{Value, json};
use stillhere_core::participant::{Expect, ParticipantInput};
use stillhere_core::session::{GameSettings, OnExclusion};
use stillhere_core::time::Millis;
use stillhere_core::wire::{ClientEvent, LeaveGame};

use crate::dice::Dice;
use crate::network::{FAIR, Weather};
use crate::page::Client;
use crate::server::CrashPoint;
use crate::world::{Event, World, settings};

/// After the storm everything has come to its end within this time.
const PATIENCE: u64 = 150_000;

/// One thing that goes wrong, or right at the wrong moment. The number is a participant's.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Hide(usize),
    Show(usize),
    HideAll,
    Slow(usize, u64),
    DeadLine(usize, u64),
    /// The page loses its socket; the server notices so much later.
    Lose(usize, u64),
    /// The page is gone without a word and opened again.
    CrashPage(usize, u64),
    Reload(usize, u64),
    CloseForEver(usize),
    SecondTab(usize),
    CrashServer,
    CrashAt(CrashPoint),
    BreakStorage(u64),
    ShutDown,
    Verdict(usize),
    VerdictOnAll,
    Complete(usize),
    CompleteAll,
    Leave(usize),
}

impl Fault {
    fn random(dice: &mut Dice, players: usize) -> Self {
        let who = dice.index(players);
        match dice.below(32) {
            0..=2 => Self::Hide(who),
            3 => Self::Show(who),
            4 => Self::HideAll,
            5 | 6 => Self::Slow(who, dice.between(2_000, 8_000)),
            7 | 8 => Self::DeadLine(who, dice.between(300, 8_000)),
            9..=11 => {
                let delay = if dice.one_in(2) { 0 } else { dice.below(4_000) };
                Self::Lose(who, delay)
            }
            12 | 13 => Self::CrashPage(who, dice.between(100, 5_000)),
            14 | 15 => Self::Reload(who, dice.between(100, 2_500)),
            16 => Self::CloseForEver(who),
            17 | 18 => Self::SecondTab(who),
            19 => Self::CrashServer,
            20 => Self::CrashAt(CrashPoint::BeforeCommit),
            21 | 22 => Self::CrashAt(CrashPoint::AfterCommit),
            23 => Self::CrashAt(CrashPoint::AfterAnswer),
            24 | 25 => Self::BreakStorage(dice.between(200, 6_000)),
            26 => Self::ShutDown,
            27 | 28 => Self::Verdict(who),
            29 if dice.one_in(2) => Self::VerdictOnAll,
            29 | 30 => Self::Complete(who),
            _ if dice.one_in(2) => Self::CompleteAll,
            _ => Self::Leave(who),
        }
    }
}

fn weather(dice: &mut Dice) -> Weather {
    match dice.below(4) {
        // A network as TCP makes it.
        0 | 1 => Weather {
            delay: dice.between(1, 150),
            jitter: 0,
            loss: 0,
            duplicates: 0,
        },
        2 => Weather {
            delay: 5,
            jitter: dice.between(1, 400),
            loss: 0,
            duplicates: dice.between(2, 8),
        },
        _ => Weather {
            delay: 5,
            jitter: dice.between(1, 400),
            loss: dice.between(3, 10),
            duplicates: dice.between(3, 10),
        },
    }
}

fn metadata(dice: &mut Dice) -> Value {
    let mut metadata = json!({
        "continuous_monitoring_enabled": true,
        "continuous_max_ping": 500,
        "continuous_tab_warning_ms": 1_000,
        "continuous_tab_exclude_ms": 2_000,
        "export_ack_timeout_ms": 4_000,
        "reconnect_grace_ms": 3_000,
        "ping_timeout_ms": 2_000,
    });
    if dice.one_in(6) {
        metadata["continuous_tab_exclude_ms"] = Value::Null;
        metadata["focus_loss_timeout_ms"] = json!(2_500);
    }
    metadata
}

fn rules(dice: &mut Dice) -> GameSettings {
    let players = if dice.one_in(3) { 3 } else { 2 };
    let goes_on = players == 3 && dice.one_in(2);
    GameSettings {
        waiting_room_timeout: Millis::from(20_000),
        reconnect_grace: Millis::from(3_000),
        export_ack_timeout: Millis::from(4_000),
        on_exclusion: if goes_on {
            OnExclusion::Continue
        } else {
            OnExclusion::End
        },
        min_players: if goes_on { 2 } else { players },
        ..settings(players)
    }
}

/// Plays the schedule of a seed to its end, and holds it to every rule.
pub fn play(seed: u64, verbose: bool) -> World {
    let mut dice = Dice::new(seed);
    let rules = rules(&mut dice);
    let players = rules.players;
    let mut world = World::with(rules, metadata(&mut dice), seed);
    world.dice = dice;
    world.verbose = verbose;
    world.json = seed.is_multiple_of(50);
    world.redirect_after = [0, 500][world.dice.index(2)];
    if world.dice.one_in(5) {
        world.export_bytes = 600_000;
    }
    world.disks = !world.dice.one_in(6);
    let weather = weather(&mut world.dice);
    world.alive = true;
    if world.dice.one_in(5) {
        world.weather = weather;
        for page in 0..players {
            world.connect(page);
            world.join_game(page);
        }
    } else {
        world.everybody_joins();
        world.weather = weather;
    }
    let mut at = world.now;
    for _ in 0..world.dice.between(1, 6) {
        let fault = Fault::random(&mut world.dice, players);
        // Things that go wrong at the same moment are the interesting ones.
        at += match world.dice.below(3) {
            0 => world.dice.below(60),
            1 => world.dice.below(800),
            _ => world.dice.below(4_000),
        };
        world.trace(|| format!("planned at {at}: {fault:?}"));
        world.at(at, Event::Fault(fault));
    }
    let clear = at + world.dice.below(5_000);
    world.at(clear, Event::Calm);
    world.run_while(clear + PATIENCE, |world| !(world.calm && world.is_done()));
    world.check_end();
    world.come_back_another_day();
    world.check_every_export();
    world.replay_everything();
    world
}

impl World {
    /// The page that the participant looks at.
    pub fn page_of(&self, who: usize) -> Option<usize> {
        self.clients
            .iter()
            .rposition(|client| client.who == who && client.open)
    }

    pub fn befall(&mut self, fault: Fault) {
        self.trace(|| format!("fault: {fault:?}"));
        let page = match fault {
            Fault::Hide(who)
            | Fault::Show(who)
            | Fault::Slow(who, _)
            | Fault::DeadLine(who, _)
            | Fault::Lose(who, _)
            | Fault::CrashPage(who, _)
            | Fault::Reload(who, _)
            | Fault::CloseForEver(who)
            | Fault::SecondTab(who)
            | Fault::Complete(who)
            | Fault::Leave(who) => match self.page_of(who) {
                Some(page) => page,
                None => return,
            },
            _ => 0,
        };
        let players = self.browsers.len();
        match fault {
            Fault::Hide(_) => self.hide(page),
            Fault::Show(_) => self.show(page),
            Fault::HideAll => {
                for page in (0..players)
                    .filter_map(|who| self.page_of(who))
                    .collect::<Vec<_>>()
                {
                    self.hide(page);
                }
            }
            Fault::Slow(_, duration) => self.clients[page].slow_until = self.now + duration,
            Fault::DeadLine(_, duration) => self.kill_line(page, duration),
            Fault::Lose(_, delay) => self.disconnect_noticed_after(page, delay),
            Fault::CrashPage(who, pause) => {
                self.clients[page].crashed = true;
                self.close(page);
                self.reopening += 1;
                self.at(self.now + pause, Event::Reopen(who));
            }
            Fault::Reload(who, pause) => {
                self.say(page, ParticipantInput::PageHide);
                self.close(page);
                self.reopening += 1;
                self.at(self.now + pause, Event::Reopen(who));
            }
            Fault::CloseForEver(who) => {
                let crashed = self.dice.one_in(2);
                for page in 0..self.clients.len() {
                    if self.clients[page].who == who && self.clients[page].open {
                        if crashed {
                            self.clients[page].crashed = true;
                        } else {
                            self.say(page, ParticipantInput::PageHide);
                        }
                        self.close(page);
                    }
                }
                self.browsers[who].gone = true;
            }
            Fault::SecondTab(who) => {
                let page = self.open_page(who);
                self.connect(page);
                self.join_game(page);
                if self.clients[page].socket.is_none() {
                    self.at(self.now + 200, Event::Reconnect(page));
                }
            }
            Fault::CrashServer => self.crash(),
            Fault::CrashAt(point) => self.server.crash_at = Some(point),
            Fault::BreakStorage(duration) => {
                self.server.storage_broken = true;
                self.at(self.now + duration, Event::StorageBack);
            }
            Fault::ShutDown => self.shut_down(),
            Fault::Verdict(who) => {
                let _ = self.server_verdict(who);
            }
            Fault::VerdictOnAll => {
                for who in 0..players {
                    let _ = self.server_verdict(who);
                }
            }
            Fault::Complete(_) => self.happen_complete(page),
            Fault::CompleteAll => {
                for page in (0..players)
                    .filter_map(|who| self.page_of(who))
                    .collect::<Vec<_>>()
                {
                    self.happen_complete(page);
                }
            }
            Fault::Leave(_) => {
                // Out of a waiting room, that is the end of it.
                self.clients[page].elsewhere |= !self.clients[page].playing;
                let leave = ClientEvent::LeaveGame(LeaveGame::default());
                self.send_event(page, leave, Expect::Nothing);
            }
        }
    }

    fn happen_complete(&mut self, page: usize) {
        if self.clients[page].playing {
            self.say(page, ParticipantInput::EpisodeCompleted);
            self.say(page, ParticipantInput::Complete);
        }
    }

    pub fn reopen(&mut self, who: usize) {
        let looks_at = |client: &Client| client.who == who && client.open && !client.taken_over;
        if self.browsers[who].gone || self.clients.iter().any(looks_at) {
            return;
        }
        let page = self.open_page(who);
        self.connect(page);
        self.join_game(page);
        if self.clients[page].socket.is_none() {
            self.at(self.now + 200, Event::Reconnect(page));
        }
    }

    /// Whoever has data left in the browser opens the study once more, without playing.
    fn come_back_another_day(&mut self) {
        self.now += 86_400_000;
        for who in 0..self.browsers.len() {
            if !self.browsers[who].gone && !self.browsers[who].outbox.is_empty() {
                self.open_page(who);
            }
        }
        self.run(10_000);
    }

    /// The storm is over: everything works, everybody who is still there looks at the page, and plays to the end.
    pub fn clear_up(&mut self) {
        self.trace(|| "calm".to_owned());
        self.calm = true;
        self.server.storage_broken = false;
        self.server.crash_at = None;
        let was_tidy = self.weather.is_tidy();
        self.weather = FAIR;
        for page in 0..self.clients.len() {
            if !self.clients[page].open {
                continue;
            }
            if self.clients[page].dead_until > self.now {
                self.clients[page].dead_until = 0;
                self.say(page, ParticipantInput::Online);
            }
            self.clients[page].slow_until = 0;
            if self.clients[page].hidden {
                self.show(page);
            }
            // What was lost was lost with its socket: the page gets another one.
            if !was_tidy && !self.clients[page].taken_over {
                self.disconnect(page);
            }
            self.at(self.now + 1_500, Event::Complete(page));
        }
    }
}
