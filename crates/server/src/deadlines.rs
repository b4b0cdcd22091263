//! What happens by itself when its time has come. The deadlines are in the storage; this task only
//! asks for the earliest one and waits, so nothing is forgotten when the server is killed.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stillhere_core::session::GameInput;
use stillhere_core::time::Millis;
use tokio::time::sleep;

use crate::state::State;
use crate::store::StoreError;

/// How long to leave a failing storage alone.
const PAUSE_AFTER_FAILURE: Millis = Millis::new(1_000.0);

/// Deadlines that another server has set are waited for by that one; if it dies, by whoever looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long to leave a due game to whoever has it in hand.
const PAUSE_FOR_OTHERS: Millis = Millis::new(100.0);

pub(crate) fn start(state: &Arc<State>) {
    let state = Arc::clone(state);
    tokio::spawn(async move {
        loop {
            if let Err(error) = wait_and_handle(&state).await {
                tracing::error!(%error, "the storage failed; deadlines are late");
                let later = state.clock.now() + PAUSE_AFTER_FAILURE;
                state.clock.sleep_until(later).await;
            }
        }
    });
}

async fn wait_and_handle(state: &State) -> Result<(), StoreError> {
    let deadline = state.store.next_deadline().await?;
    let others_may_have_died = async {
        if state.store.shared().is_some() {
            sleep(LOOK_AGAIN).await;
        } else {
            pending::<()>().await;
        }
    };
    let comes = async {
        match deadline {
            Some(deadline) => state.clock.sleep_until(deadline).await,
            None => pending().await,
        }
    };
    tokio::select! {
        () = comes => {}
        () = state.lifecycle.deadlines_changed() => return Ok(()),
        () = others_may_have_died => return Ok(()),
    }
    let due = state.store.due(state.clock.now()).await?;
    if due.is_empty() {
        // Another server is at it.
        let later = state.clock.now() + PAUSE_FOR_OTHERS;
        tokio::select! {
            () = state.clock.sleep_until(later) => {}
            () = state.lifecycle.deadlines_changed() => {}
        }
    }
    // Together, for they share commits; one that cannot be handled holds up no other.
    let handling = due
        .iter()
        .map(|game| state.lifecycle.handle(game, GameInput::Deadline));
    let handled = join_all(handling).await;
    let failed = handled.into_iter().find_map(Result::err);
    failed.map_or(Ok(()), |refusal| Err(StoreError::Refused(refusal)))
}
