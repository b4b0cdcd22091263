//! What goes on in games that are played: pings, actions, and exclusions, each at an even rate.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::client::{Event, Seen};
use crate::games::Games;

const TICK: Duration = Duration::from_millis(1);
/// What has not come by so long after the end is lost.
const LAST_WAIT: Duration = Duration::from_secs(10);
/// Where the tags of actions begin, beyond all ids.
const ACTIONS: u64 = 1 << 32;

/// What is done each second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// By each participant.
    pub(crate) pings: f64,
    /// By each participant.
    pub(crate) actions: f64,
    /// In all.
    pub(crate) exclusions: f64,
}

/// How long things took, in microseconds, and what never came.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) pings: Histogram<u64>,
    pub(crate) actions: Histogram<u64>,
    pub(crate) told: Histogram<u64>,
    pub(crate) sent: u64,
}

impl Heard {
    fn new() -> Result<Self> {
        Ok(Self {
            pings: histogram()?,
            actions: histogram()?,
            told: histogram()?,
            sent: 0,
        })
    }

    pub(crate) fn received(&self) -> u64 {
        self.pings.len() + self.actions.len() + self.told.len()
    }
}

/// Of microseconds, up to ten minutes.
pub(crate) fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(600_000_000, 3)?)
}

/// Between two moments, in whole microseconds.
pub(crate) fn micros(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
}

struct Run<'a> {
    games: &'a mut Games,
    heard: Heard,
    written: HashMap<(usize, u64), Instant>,
    excluding: HashMap<usize, Option<Instant>>,
    frame: u64,
}

/// Lets participants play for a time. `victims` are out one after the other, as far as they reach, and both of
/// their games end as pages end them.
pub(crate) async fn play(
    games: &mut Games,
    bystanders: &[usize],
    victims: &mut Vec<usize>,
    rates: Rates,
    time: Duration,
) -> Result<Heard> {
    let mut run = Run {
        games,
        heard: Heard::new()?,
        written: HashMap::new(),
        excluding: HashMap::new(),
        frame: 0,
    };
    let begin = Instant::now();
    let (mut pings, mut actions, mut exclusions) = (0, 0, 0);
    let everybody = bystanders.len() as f64;
    loop {
        let passed = begin.elapsed();
        if passed >= time {
            break;
        }
        let due = |rate: f64| (passed.as_secs_f64() * rate) as usize;
        while pings < due(rates.pings * everybody) {
            let who = bystanders[pings % bystanders.len()];
            run.games.players[who].ping(pings as u64);
            run.heard.sent += 1;
            pings += 1;
        }
        while actions < due(rates.actions * everybody) {
            let who = bystanders[actions % bystanders.len()];
            run.frame += 1;
            run.games.players[who].act(ACTIONS + run.frame);
            run.heard.sent += 1;
            actions += 1;
        }
        while exclusions < due(rates.exclusions) {
            exclusions += 1;
            if let Some(victim) = victims.pop() {
                run.excluding.insert(victim, None);
                run.games.players[victim].exclude_self(100);
                run.heard.sent += 1;
            }
        }
        let next = Instant::now() + TICK;
        while let Some(event) = run.games.next_before(next).await {
            run.note(event);
        }
    }
    let end = Instant::now() + LAST_WAIT;
    while run.heard.received() < run.heard.sent {
        let Some(event) = run.games.next_before(end).await else {
            break;
        };
        run.note(event);
    }
    Ok(run.heard)
}

impl Run<'_> {
    fn note(&mut self, Event { who, at, seen }: Event) {
        match seen {
            Seen::Sent(tag) => match self.excluding.get_mut(&who) {
                Some(excluded) => *excluded = excluded.or(Some(at)),
                None => {
                    self.written.insert((who, tag), at);
                }
            },
            Seen::Ack(id, _) => {
                if let Some(from) = self.written.remove(&(who, id)) {
                    record(&mut self.heard.pings, from, at);
                }
            }
            Seen::Action(frame) => {
                let partner = self.games.players[who].partner;
                if let Some(from) = self.written.remove(&(partner, frame)) {
                    record(&mut self.heard.actions, from, at);
                }
            }
            Seen::Event("partner_excluded", _) => {
                let partner = self.games.players[who].partner;
                if let Some(Some(from)) = self.excluding.get(&partner) {
                    record(&mut self.heard.told, *from, at);
                }
            }
            Seen::Event("trigger_data_export", _) => {
                let partner = self.games.players[who].partner;
                for who in [who, partner] {
                    // Their answers are nobody's ping.
                    self.excluding.entry(who).or_default();
                    end_as_a_page(self.games, who);
                }
            }
            _ => {}
        }
    }
}

fn end_as_a_page(games: &mut Games, who: usize) {
    let player = &mut games.players[who];
    let payload = crate::export::payload(player, &format!("end{who}"), 4 << 10);
    player.ask("emit_multiplayer_metrics", &payload);
    player.ask("end_game_request_redirect", "{\"partner_exclusion\":true}");
}

fn record(histogram: &mut Histogram<u64>, from: Instant, to: Instant) {
    histogram.saturating_record(micros(from, to));
}
