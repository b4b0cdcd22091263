//! The checks themselves: for 2 and for 3 players, with and without the game going on after a loss.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model, Property};
use stillhere_core::session::OnExclusion;

use crate::state::{Budget, Fault, State};
use crate::step::Step;

struct Ending {
    players: u8,
    on_exclusion: OnExclusion,
    budget: Budget,
}

impl Model for Ending {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::playing(self.players, self.on_exclusion, self.budget)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        actions.extend(state.steps());
    }

    fn next_state(&self, state: &State, action: Step) -> Option<State> {
        let next = state.after(action);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let reached = match self.on_exclusion {
            OnExclusion::End => Property::sometimes(
                "a game ends with all data stored",
                |_: &Self, state: &State| {
                    state.ended && state.stored.iter().all(|stored| *stored == (true, false))
                },
            ),
            OnExclusion::Continue => Property::sometimes(
                "a game goes on when one has sent all data",
                |_: &Self, state: &State| !state.ended && state.stored.contains(&(true, false)),
            ),
        };
        vec![
            reached,
            Property::always(
                "the excluded one is never told as a partner",
                |_: &Self, state: &State| !state.excluded_is_told_as_partner(),
            ),
            Property::always(
                "nothing ends before it is stored",
                |_: &Self, state: &State| !state.faults.contains(&Fault::EndedBeforeStored),
            ),
            Property::always(
                "data is given up when its time is over",
                |_: &Self, state: &State| !state.faults.contains(&Fault::GivenUpTooEarly),
            ),
            Property::always("every seat has one outcome", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::TwoOutcomes)
            }),
            Property::always("everybody is told one ending", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::TwoEndings)
            }),
            Property::always("the first verdict counts", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::TwoVerdicts)
            }),
            Property::always("a game ends once", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::EndedTwice)
            }),
            Property::always(
                "a deadline that was handled has passed",
                |_: &Self, state: &State| !state.faults.contains(&Fault::OverdueDeadline),
            ),
            Property::always("a refusal changes nothing", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::RefusalChanged)
            }),
            Property::always("what is acked is stored", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::AckedUnstored)
            }),
            Property::always("what is sent is stored", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::SentUnstored)
            }),
            Property::always("a repeat changes nothing", |_: &Self, state: &State| {
                !state.faults.contains(&Fault::RepeatChanged)
            }),
            Property::always(
                "in calm weather everything comes to its end",
                |_: &Self, state: &State| {
                    !state.is_looked_at_in_calm() || state.in_calm().is_done()
                },
            ),
            Property::sometimes(
                "a page's data comes after it was given up",
                |_: &Self, state: &State| state.stored.contains(&(true, true)),
            ),
        ]
    }
}

const PATIENCE: Duration = Duration::from_secs(120);

const NO_FAULTS: Budget = Budget {
    crashes: 0,
    lost_sockets: 0,
    closed_pages: 0,
    server_verdicts: 0,
    own_verdicts: 0,
    completions: 0,
    departures: 0,
    shutdowns: 0,
    repeats: 0,
};

fn check(players: u8, on_exclusion: OnExclusion, budget: Budget) {
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let model = Ending {
        players,
        on_exclusion,
        budget,
    };
    let checker = model
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .timeout(PATIENCE)
        .spawn_bfs()
        .join();
    // Written past the test runner, which keeps what is printed to itself: the count is part of the result.
    let _ = writeln!(
        io::stderr(),
        "{} unique states, depth {}, {players} players, {on_exclusion:?}, {:.1} s",
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64()
    );
    assert!(began.elapsed() < PATIENCE, "not all states were looked at");
    checker.assert_properties();
}

#[test]
fn two_players_whose_pages_both_exclude_them() {
    let budget = Budget {
        own_verdicts: 2,
        repeats: 1,
        ..NO_FAULTS
    };
    check(2, OnExclusion::End, budget);
}

#[test]
fn two_players_and_a_crash_of_the_server() {
    let budget = Budget {
        crashes: 1,
        own_verdicts: 1,
        server_verdicts: 1,
        ..NO_FAULTS
    };
    check(2, OnExclusion::End, budget);
}

#[test]
fn two_players_who_lose_their_sockets() {
    let budget = Budget {
        lost_sockets: 2,
        own_verdicts: 1,
        ..NO_FAULTS
    };
    check(2, OnExclusion::End, budget);
}

#[test]
fn two_players_of_whom_one_goes_while_the_other_completes() {
    let budget = Budget {
        closed_pages: 1,
        completions: 1,
        server_verdicts: 1,
        ..NO_FAULTS
    };
    check(2, OnExclusion::End, budget);
}

#[test]
fn two_players_whose_server_stops() {
    let budget = Budget {
        shutdowns: 1,
        crashes: 1,
        departures: 1,
        ..NO_FAULTS
    };
    check(2, OnExclusion::End, budget);
}

#[test]
fn three_players_of_whom_one_is_excluded() {
    let budget = Budget {
        own_verdicts: 1,
        ..NO_FAULTS
    };
    check(3, OnExclusion::End, budget);
}

#[test]
fn three_players_who_play_on_without_one() {
    let budget = Budget {
        own_verdicts: 1,
        closed_pages: 1,
        ..NO_FAULTS
    };
    check(3, OnExclusion::Continue, budget);
}
