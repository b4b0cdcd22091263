//! The relay of actions between partners on different servers, by Redis. What is lost on the way is lost; nothing
//! else depends on it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stillhere_core::ids::{GameId, ParticipantId};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};

use crate::node::NodeId;
use crate::socket::{game_room, participant_room};
use crate::state::State;

/// More than this waits only if Redis does not answer, and then it is too old.
const QUEUE: usize = 8_192;
const AT_ONCE: usize = 256;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// An action on its way to another server.
#[derive(Debug, Serialize, Deserialize)]
struct Relayed<E> {
    game: GameId,
    /// Whose action it is.
    from: ParticipantId,
    event: E,
}

struct Outgoing {
    to: Arc<[NodeId]>,
    body: String,
}

/// The way out.
pub(crate) struct Relay {
    out: mpsc::Sender<Outgoing>,
    waiting: Mutex<Option<mpsc::Receiver<Outgoing>>>,
}

impl Default for Relay {
    fn default() -> Self {
        let (out, waiting) = mpsc::channel(QUEUE);
        Self {
            out,
            waiting: Mutex::new(Some(waiting)),
        }
    }
}

impl Relay {
    /// Sends an action to the servers of the partners who are not on this one.
    pub(crate) fn send<E: Serialize>(
        &self,
        to: &Arc<[NodeId]>,
        game: &GameId,
        from: &ParticipantId,
        event: &E,
    ) {
        let relayed = Relayed {
            game: game.clone(),
            from: from.clone(),
            event,
        };
        if let Ok(body) = serde_json::to_string(&relayed) {
            let to = Arc::clone(to);
            // Too many wait already.
            let _ = self.out.try_send(Outgoing { to, body });
        }
    }
}

fn channel(node: &NodeId) -> String {
    format!("stillhere:relay:{node}")
}

/// Relays from now on, if there is a Redis.
pub(super) fn start(state: &Arc<State>) {
    if state.settings.redis.is_some() {
        tokio::spawn(publish(Arc::clone(state)));
        tokio::spawn(subscribe(Arc::clone(state)));
    }
}

async fn publish(state: Arc<State>) {
    let Some(mut waiting) = state.relay.waiting.lock().await.take() else {
        return;
    };
    loop {
        if let Err(error) = publish_until_broken(&state, &mut waiting).await {
            tracing::warn!(%error, "Redis failed; partners on different servers do not hear each other");
        }
        sleep(PAUSE_AFTER_FAILURE).await;
        // Whatever came meanwhile is too old.
        while waiting.try_recv().is_ok() {}
    }
}

async fn publish_until_broken(
    state: &State,
    waiting: &mut mpsc::Receiver<Outgoing>,
) -> redis::RedisResult<()> {
    let Some(url) = &state.settings.redis else {
        return Ok(());
    };
    let mut connection = url.client()?.get_multiplexed_async_connection().await?;
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, AT_ONCE).await > 0 {
        let mut pipeline = redis::pipe();
        for outgoing in batch.drain(..) {
            for node in &*outgoing.to {
                pipeline.publish(channel(node), &outgoing.body).ignore();
            }
        }
        let sending = pipeline.query_async::<()>(&mut connection);
        match timeout(ANSWER_TIMEOUT, sending).await {
            Ok(sent) => sent?,
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

async fn subscribe(state: Arc<State>) {
    loop {
        if let Err(error) = subscribe_until_broken(&state).await {
            tracing::debug!(%error, "Redis cannot be listened to");
        }
        sleep(PAUSE_AFTER_FAILURE).await;
    }
}

async fn subscribe_until_broken(state: &State) -> redis::RedisResult<()> {
    let (Some(url), Some(shared)) = (&state.settings.redis, state.store.shared()) else {
        return Ok(());
    };
    let mut listening = url.client()?.get_async_pubsub().await?;
    listening.subscribe(channel(shared.node())).await?;
    tracing::info!("partners on other servers can be heard");
    let mut messages = listening.into_on_message();
    while let Some(message) = messages.next().await {
        let Ok(relayed) = serde_json::from_slice::<Relayed<Value>>(message.get_payload_bytes())
        else {
            continue;
        };
        let room = state
            .io
            .to(game_room(&relayed.game))
            .except(participant_room(&relayed.from));
        let _ = room
            .emit("pyodide_other_player_action", &relayed.event)
            .await;
    }
    Ok(())
}
