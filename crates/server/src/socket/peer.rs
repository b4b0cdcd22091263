//! One socket: its task, its queue, and what it is bound to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use stillhere_core::ids::{ConnectionId, GameId, ParticipantId};
use stillhere_core::session::{GameInput, GameSession};
use stillhere_core::time::Millis;
use stillhere_core::watch::TICK;
use stillhere_core::wire::{ErrorCode, Refusal};
use tokio::sync::{Notify, mpsc};
use tokio::time::MissedTickBehavior;

use super::binding::Binding;
use super::incoming::{Incoming, Reply};
use super::{inputs, join, presence};
use crate::state::State;

/// Far more than a page has under way at once.
const QUEUE: usize = 64;
const SWEEP: Duration = Duration::from_secs(3);
/// How long to leave a failing storage alone.
const PAUSE_AFTER_FAILURE: Millis = Millis::new(1_000.0);

/// What waits for a socket's task.
enum Command {
    Event {
        name: &'static str,
        incoming: Incoming,
        reply: Reply,
    },
    Resume(ParticipantId),
    Gone,
}

/// One socket, as the rest of the server knows it. It does not hold the socket itself, whose handlers
/// hold it.
pub(crate) struct Peer {
    id: Sid,
    connection: ConnectionId,
    binding: RwLock<Option<Arc<Binding>>>,
    /// Boxed, as a queue keeps room for many.
    commands: mpsc::Sender<Box<Command>>,
    /// When anything last came from the page, in milliseconds.
    heard: AtomicU64,
    /// The watch has something to do at once.
    wake: Notify,
}

/// Starts the task of a new socket.
pub(super) fn start(state: Arc<State>, socket: SocketRef) -> Arc<Peer> {
    let (commands, queue) = mpsc::channel(QUEUE);
    let peer = Arc::new(Peer {
        id: socket.id,
        connection: state.node.connection(socket.id.as_str()),
        binding: RwLock::default(),
        commands,
        heard: AtomicU64::new(0),
        wake: Notify::new(),
    });
    let task = Task {
        state,
        peer: Arc::clone(&peer),
        socket,
    };
    tokio::spawn(task.run(queue));
    peer
}

impl Peer {
    pub(super) const fn id(&self) -> Sid {
        self.id
    }

    /// The socket's name in stored games.
    pub(super) const fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Whom the socket speaks for.
    pub(super) fn binding(&self) -> Option<Arc<Binding>> {
        self.binding
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whom the socket speaks for, or why it may not speak.
    pub(super) fn bound(&self) -> Result<Arc<Binding>, Refusal> {
        self.binding().ok_or_else(|| {
            Refusal::new(
                ErrorCode::Unauthorized,
                "this socket speaks for no participant; join_game comes first",
            )
        })
    }

    /// Relays nothing more from this socket into a game.
    pub(crate) fn close_seat(&self, game: &GameId) {
        if let Some(seat) = self.binding().and_then(|binding| binding.seat())
            && seat.game == *game
        {
            seat.close();
        }
    }

    /// Something came from the page, whatever it was.
    pub(crate) fn hear(&self, now: Millis) {
        self.heard.fetch_max(now.ceil(), Ordering::Relaxed);
    }

    /// When anything last came from the page.
    pub(super) fn heard_at(&self) -> Millis {
        Millis::from(self.heard.load(Ordering::Relaxed))
    }

    /// Whether this is still what the socket speaks by.
    pub(super) fn speaks_by(&self, binding: &Arc<Binding>) -> bool {
        self.binding()
            .is_some_and(|current| Arc::ptr_eq(&current, binding))
    }

    /// A game was committed in which the participant has a seat.
    pub(crate) fn observe(&self, state: &State, game: &GameSession) {
        let scene = state.settings.scenes.get(&game.settings().scene);
        if let (Some(binding), Some(scene)) = (self.binding(), scene) {
            if let Some(seat) = binding.seat() {
                seat.know(game, &state.node);
            }
            let now = state.clock.now();
            let (participant, config) = (&binding.participant, &scene.monitor);
            let watching = &binding.watching;
            if watching.observe(now, game, participant, config, &state.pulse) {
                self.wake.notify_one();
            }
        }
    }

    pub(super) fn bind(&self, binding: Option<Arc<Binding>>) {
        *self.binding.write().unwrap_or_else(PoisonError::into_inner) = binding;
    }

    /// Takes the participant's place up again; before anything else, as it is called first.
    pub(super) fn resume(&self, participant: ParticipantId) {
        let _ = self
            .commands
            .try_send(Box::new(Command::Resume(participant)));
    }

    /// Queues an event for the socket's task.
    pub(super) fn queue(&self, name: &'static str, incoming: Incoming, reply: Reply) {
        let command = Command::Event {
            name,
            incoming,
            reply,
        };
        if let Err(error) = self.commands.try_send(Box::new(command))
            && let Command::Event { reply, .. } = *error.into_inner()
        {
            let message = "too many events at once; send it again later";
            reply.send::<()>(Err(Refusal::new(ErrorCode::RateLimited, message)));
        }
    }

    /// The socket is lost. Everything that it sent before is handled first.
    pub(super) async fn gone(&self) {
        let _ = self.commands.send(Box::new(Command::Gone)).await;
    }
}

/// What a socket's task works with.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) state: Arc<State>,
    pub(super) peer: Arc<Peer>,
    pub(super) socket: SocketRef,
}

impl Task {
    async fn run(self, mut queue: mpsc::Receiver<Box<Command>>) {
        self.state.counters.socket_opened();
        let mut sweeping = tokio::time::interval(SWEEP);
        sweeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let clock = Arc::clone(&self.state.clock);
        let mut watching = clock.sleep_until(clock.now() + TICK);
        loop {
            tokio::select! {
                biased;
                // First, so that a page cannot talk its way out of being watched.
                () = &mut watching => {
                    presence::tick(&self);
                    watching = clock.sleep_until(clock.now() + TICK);
                }
                () = self.peer.wake.notified() => presence::tick(&self),
                // The work is put elsewhere while it lasts: a task is as large as the largest thing it ever does.
                command = queue.recv() => match command.map(|command| *command) {
                    Some(Command::Event { name, incoming, reply }) => {
                        Box::pin(inputs::handle(&self, name, incoming, reply)).await;
                    }
                    Some(Command::Resume(participant)) => {
                        Box::pin(join::resume(&self, participant)).await;
                    }
                    Some(Command::Gone) | None => break,
                },
                // Now and then a socket is lost without a word.
                _ = sweeping.tick() => if !self.socket.connected() {
                    break;
                },
            }
        }
        // A full queue must not keep a sender waiting for a task that has ended.
        queue.close();
        self.state.counters.socket_closed();
        Box::pin(self.disconnected()).await;
    }

    /// Tells the games. One that did not hear of it would wait for ever, so this is tried until it is
    /// stored. Where another socket speaks for the participant by now, it changes nothing.
    async fn disconnected(&self) {
        let Some(binding) = self.peer.binding() else {
            return;
        };
        let seat = binding.seat();
        if let Some(seat) = &seat {
            seat.close();
        }
        loop {
            let telling = binding.games().into_iter().map(|(game, connection)| {
                let seat = seat.as_ref().filter(|seat| seat.game == game);
                let input = GameInput::Disconnected {
                    participant: binding.participant.clone(),
                    connection,
                    frame: seat.map(|seat| seat.frame()).unwrap_or_default(),
                };
                self.state.lifecycle.handle(&game, input)
            });
            let told = join_all(telling).await;
            // Without a seat there, nobody has left.
            let failed = |refusal: Refusal| refusal.code.is_passing();
            if !told.into_iter().any(|told| told.is_err_and(failed)) {
                break;
            }
            let clock = &self.state.clock;
            clock.sleep_until(clock.now() + PAUSE_AFTER_FAILURE).await;
        }
        self.state
            .registry
            .release(&binding.participant, &self.peer);
        self.peer.bind(None);
    }
}
