//! `execute_continuous_callback`: asks the researcher's rule. The answer is an event of its own, so
//! that a slow rule holds up nothing else.

use std::sync::Arc;

use socketioxide::extract::SocketRef;
use stillhere_core::wire::{Accepted, ClientEvent, ErrorCode, Refusal};

use super::incoming::{Incoming, Reply};
use super::inputs::parse;
use super::peer::Peer;
use crate::callback::CallbackQuestion;
use crate::state::State;

const NAME: &str = "execute_continuous_callback";

pub(super) fn ask(
    state: &Arc<State>,
    peer: &Peer,
    socket: SocketRef,
    incoming: &Incoming,
    reply: Reply,
) {
    let (question, request_id) = match question(peer, incoming) {
        Ok(asked) => asked,
        Err(refusal) => return reply.send::<()>(Err(refusal)),
    };
    reply.send(Ok(Accepted {}));
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let result = state.callback.run(question, request_id).await;
        let _ = socket.emit("continuous_callback_result", &result);
    });
}

fn question(peer: &Peer, incoming: &Incoming) -> Result<(CallbackQuestion, Option<u64>), Refusal> {
    incoming.check_size(NAME)?;
    let payload = &incoming.payload;
    let ClientEvent::ExecuteCallback(event) = parse(NAME, &payload)? else {
        return Err(Refusal::new(
            ErrorCode::InvalidPayload,
            "this is no question",
        ));
    };
    let binding = peer.bound()?;
    let seat = binding
        .seat()
        .ok_or_else(|| Refusal::new(ErrorCode::UnknownGame, "this participant is in no game"))?;
    seat.reached(event.context.frame_number);
    let question = CallbackQuestion {
        participant: binding.participant.clone(),
        game: seat.game.clone(),
        player: seat.player.clone(),
        scene: seat.scene.clone(),
        context: event.context,
    };
    Ok((question, event.request_id))
}
