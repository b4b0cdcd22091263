//! Serving until told to stop, and stopping without losing anything.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use futures_util::future::join_all;
use stillhere_core::session::{GameInput, GameSession};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::cluster;
use crate::state::State;
use crate::store::Shared;

/// Pages get so long to send their data once they were told.
const GRACE: Duration = Duration::from_secs(5);
/// After its data a page still asks where to go.
const LAST_WORDS: Duration = Duration::from_millis(500);
const CLOSING: Duration = Duration::from_secs(1);
/// What has queued for the storage by then is still written.
const WRITING: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const STOPPED_BY_SECOND_SIGNAL: i32 = 130;

/// Serves until SIGTERM or SIGINT. A second signal ends the process at once.
///
/// # Errors
/// If the listening socket fails.
pub async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    mut signals: Signals,
) -> std::io::Result<()> {
    let app = crate::app(Arc::clone(&state));
    // Small packets, each of which somebody waits for.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        failed = &mut server => {
            return failed.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
        }
        () = signals.next() => {}
    }
    tracing::info!("stopping");
    tokio::spawn(async move {
        signals.next().await;
        process::exit(STOPPED_BY_SECOND_SIGNAL);
    });
    drain(&state, GRACE).await;
    state.io.close().await;
    let _ = stop.send(());
    let _ = timeout(CLOSING, server).await;
    close(&state).await;
    Ok(())
}

/// Where other servers are alive, games go on with them. Returns whether they do.
async fn leave_to_others(state: &State, shared: &dyn Shared) -> bool {
    let relays = state.settings.redis.is_some();
    let others = match shared.beat(relays).await {
        Ok(nodes) => nodes.alive.len() > 1,
        // Nothing can be ended now either. Whoever looks next sees what is left.
        Err(_) => true,
    };
    if others && let Err(error) = cluster::leave_to_others(state, shared).await {
        tracing::warn!(%error, "other servers take the games up later");
    }
    others
}

/// Writes what has queued for the storage, the ends of the sockets among it, and lets go of it. Whatever
/// comes later is refused.
pub async fn close(state: &State) {
    let written = timeout(WRITING, state.lifecycle.finish()).await.is_ok();
    if !written {
        tracing::error!("the storage is too slow; what is not stored yet, clients send again");
    }
    state.leave();
    // Otherwise the others find it dead, and look after its sockets.
    if written && let Some(shared) = state.store.shared() {
        let itself = BTreeSet::from([shared.node().clone()]);
        let _ = timeout(CLOSING, shared.forget(&itself)).await;
    }
    state.store.close().await;
}

/// Seats nobody any more, ends every game, and waits until their data is stored, but not for long:
/// the rest is in the storage for the next start.
pub async fn drain(state: &State, grace: Duration) {
    state.start_draining();
    if let Some(shared) = state.store.shared()
        && leave_to_others(state, shared).await
    {
        return;
    }
    let live: Vec<GameSession> = match state.store.unsettled().await {
        Ok(games) => games.into_iter().filter(GameSession::is_live).collect(),
        Err(error) => {
            tracing::error!(%error, "the storage failed; games go on after the next start");
            return;
        }
    };
    if live.is_empty() {
        return;
    }
    // What cannot be stored now is taken up at the next start.
    let ending = live
        .iter()
        .map(|game| state.lifecycle.handle(game.id(), GameInput::Shutdown));
    join_all(ending).await;
    let until = Instant::now() + grace.saturating_sub(LAST_WORDS);
    while Instant::now() < until {
        match state.store.live_games().await {
            Ok(games) if games.total() > 0 => sleep(LOOK_EVERY).await,
            _ => break,
        }
    }
    sleep(LAST_WORDS).await;
}

/// The signals that ask the server to stop. Heard from the moment at which this is made.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// Listens from now on. Has to be called on a Tokio runtime.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(windows)]
        {
            let interrupt = tokio::signal::windows::ctrl_c()?;
            Ok(Self { interrupt })
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(windows)]
        self.interrupt.recv().await;
    }
}
