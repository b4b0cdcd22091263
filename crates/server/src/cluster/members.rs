//! Who is alive, and what becomes of the sockets of those who are not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stillhere_core::session::{GameInput, GameSession, Seat};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::node::NodeId;
use crate::socket;
use crate::state::State;
use crate::store::{Nodes, Shared, StoreError};

const BEAT: Duration = Duration::from_secs(1);
const BEAT_TIMEOUT: Duration = Duration::from_secs(3);
/// Who could not beat without a longer gap than this for [`STEADY`] declares nobody dead: the database may have
/// been away, and then everybody's last beat is old.
const GAP: Duration = Duration::from_secs(3);
/// Longer than it takes to be held for dead.
const STEADY: Duration = Duration::from_secs(7);
/// A server that is gone for good is out of the books by then.
const ALONE_WITHIN: Duration = Duration::from_secs(10);

/// Whoever was taken for dead looks for so many beats whether somebody still takes its sockets for lost.
const LOOKS: usize = 10;

/// Another server uses the database, and one of both does not relay.
#[derive(Debug)]
pub(crate) struct NotAlone;

/// Enters the books. Participants on different servers hear each other only if all servers relay, so one that
/// does not waits until the others are gone, which may be its own last run.
pub(crate) async fn enter(
    shared: &dyn Shared,
    relays: bool,
) -> Result<Result<(), NotAlone>, StoreError> {
    let until = Instant::now() + ALONE_WITHIN;
    loop {
        let nodes = shared.beat(relays).await?;
        if nodes.alive.len() <= 1 || nodes.all_relay {
            return Ok(Ok(()));
        }
        if Instant::now() > until {
            shared
                .forget(&BTreeSet::from([shared.node().clone()]))
                .await?;
            return Ok(Err(NotAlone));
        }
        sleep(BEAT).await;
    }
}

/// Gives signs of life, and looks after the games of those who give none.
pub(super) async fn watch(state: Arc<State>) {
    let Some(shared) = state.store.shared() else {
        return;
    };
    let relays = state.settings.redis.is_some();
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut steady_since = Instant::now();
    let mut last = Instant::now();
    let mut has_looked = false;
    let mut looks_left = 0;
    while !state.has_left() {
        beats.tick().await;
        if state.has_left() {
            break;
        }
        let nodes = match timeout(BEAT_TIMEOUT, shared.beat(relays)).await {
            Ok(Ok(nodes)) => nodes,
            Ok(Err(error)) => {
                tracing::warn!(%error, "no sign of life could be given");
                continue;
            }
            Err(_) => continue,
        };
        if last.elapsed() > GAP {
            steady_since = Instant::now();
        }
        last = Instant::now();
        if !nodes.has_lived {
            tracing::warn!("others may have taken this server for dead");
            looks_left = LOOKS;
        }
        if looks_left > 0 {
            looks_left -= 1;
            socket::reclaim_seats(&state);
        }
        let is_steady = steady_since.elapsed() > STEADY;
        if is_steady && (!has_looked || !nodes.dead.is_empty()) {
            match look_after(&state, shared, &nodes).await {
                Ok(()) => has_looked = true,
                Err(error) => {
                    tracing::warn!(%error, "games of other servers are looked after later");
                }
            }
        }
    }
}

/// Tells all games of sockets whose server is not there any more.
async fn look_after(state: &State, shared: &dyn Shared, known: &Nodes) -> Result<(), StoreError> {
    for node in &known.dead {
        tracing::warn!(%node, "a server is gone; its participants are waited for");
    }
    let games = state.store.unsettled().await?;
    // After the games: whoever holds a socket in one of them was in the books before.
    let alive = shared.beat(state.settings.redis.is_some()).await?.alive;
    tell_lost(state, &games, |node| !alive.contains(node)).await?;
    let dead = known.dead.difference(&alive).cloned().collect();
    shared.forget(&dead).await
}

/// This server stops while others go on: its participants will be theirs.
pub(crate) async fn leave_to_others(state: &State, shared: &dyn Shared) -> Result<(), StoreError> {
    let games = state.store.unsettled().await?;
    tell_lost(state, &games, |node| node == shared.node()).await
}

async fn tell_lost(
    state: &State,
    games: &[GameSession],
    is_lost: impl Fn(&NodeId) -> bool,
) -> Result<(), StoreError> {
    let telling = games.iter().filter_map(|game| {
        let sockets = game.seats().iter().filter_map(Seat::connection);
        let lost = sockets.filter(|socket| NodeId::of(socket).is_none_or(|node| is_lost(&node)));
        let connections: Vec<_> = lost.cloned().collect();
        let input = GameInput::SocketsLost { connections };
        matches!(&input, GameInput::SocketsLost { connections } if !connections.is_empty())
            .then(|| state.lifecycle.handle(game.id(), input))
    });
    let told = join_all(telling).await;
    match told.into_iter().find_map(Result::err) {
        Some(refusal) => Err(StoreError::Refused(refusal)),
        None => Ok(()),
    }
}
