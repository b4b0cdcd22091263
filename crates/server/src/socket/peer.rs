//! One socket: its task, its queue, and what it is bound to.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use stillhere_core::ids::ParticipantId;
use stillhere_core::session::GameInput;
use stillhere_core::time::Millis;
use stillhere_core::wire::{ErrorCode, Refusal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::binding::Binding;
use super::incoming::{Incoming, Reply};
use super::{inputs, join, presence};
use crate::state::State;

/// Far more than a page has under way at once.
const QUEUE: usize = 64;
const PROBE_INTERVAL: Duration = Duration::from_secs(3);
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
    binding: RwLock<Option<Arc<Binding>>>,
    commands: mpsc::Sender<Command>,
}

/// Starts the task of a new socket.
pub(super) fn start(state: Arc<State>, socket: SocketRef) -> Arc<Peer> {
    let (commands, queue) = mpsc::channel(QUEUE);
    let peer = Arc::new(Peer {
        id: socket.id,
        binding: RwLock::default(),
        commands,
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

    pub(super) fn bind(&self, binding: Option<Arc<Binding>>) {
        *self.binding.write().unwrap_or_else(PoisonError::into_inner) = binding;
    }

    /// Takes the participant's place up again; before anything else, as it is called first.
    pub(super) fn resume(&self, participant: ParticipantId) {
        let _ = self.commands.try_send(Command::Resume(participant));
    }

    /// Queues an event for the socket's task.
    pub(super) fn queue(&self, name: &'static str, incoming: Incoming, reply: Reply) {
        let command = Command::Event {
            name,
            incoming,
            reply,
        };
        if let Err(error) = self.commands.try_send(command)
            && let Command::Event { reply, .. } = error.into_inner()
        {
            let message = "too many events at once; send it again later";
            reply.send::<()>(Err(Refusal::new(ErrorCode::RateLimited, message)));
        }
    }

    /// The socket is lost. Everything that it sent before is handled first.
    pub(super) async fn gone(&self) {
        let _ = self.commands.send(Command::Gone).await;
    }
}

/// What a socket's task works with.
pub(super) struct Task {
    pub(super) state: Arc<State>,
    pub(super) peer: Arc<Peer>,
    pub(super) socket: SocketRef,
}

impl Task {
    async fn run(self, mut queue: mpsc::Receiver<Command>) {
        let mut probing = tokio::time::interval(PROBE_INTERVAL);
        probing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                command = queue.recv() => match command {
                    Some(Command::Event { name, incoming, reply }) => {
                        inputs::handle(&self, name, &incoming, reply).await;
                    }
                    Some(Command::Resume(participant)) => join::resume(&self, participant).await,
                    Some(Command::Gone) | None => break,
                },
                _ = probing.tick() => {
                    // Now and then a socket is lost without a word.
                    if !self.socket.connected() {
                        break;
                    }
                    presence::probe(&self);
                }
            }
        }
        // A full queue must not keep a sender waiting for a task that has ended.
        queue.close();
        self.disconnected().await;
    }

    /// Tells the games, unless another socket speaks for the participant by now. A game that did not
    /// hear of it would wait for ever, so this is tried until it is stored.
    async fn disconnected(&self) {
        let Some(binding) = self.peer.binding() else {
            return;
        };
        loop {
            let turn = self.state.lifecycle.turn().await;
            if !self
                .state
                .registry
                .is_current(&binding.participant, &self.peer)
            {
                break;
            }
            let seat = binding.seat();
            let mut stored = true;
            for game in binding.games() {
                let frame = seat
                    .as_ref()
                    .filter(|seat| seat.game == game)
                    .map(|seat| seat.frame())
                    .unwrap_or_default();
                let input = GameInput::Disconnected {
                    participant: binding.participant.clone(),
                    frame,
                };
                match turn.handle(&game, input).await {
                    Ok(committed) => turn.publish(committed),
                    // Without a seat there, nobody has left.
                    Err(refusal) => stored &= !refusal.code.is_passing(),
                }
            }
            if stored {
                self.state
                    .registry
                    .release(&binding.participant, &self.peer);
                break;
            }
            drop(turn);
            let clock = &self.state.clock;
            clock.sleep_until(clock.now() + PAUSE_AFTER_FAILURE).await;
        }
        self.peer.bind(None);
    }
}
