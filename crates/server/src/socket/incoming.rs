//! A client's event as it arrives, and the answer that it gets.

use std::convert::Infallible;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use socketioxide::adapter::Adapter;
use socketioxide::extract::{AckSender, Data};
use socketioxide::handler::{FromMessageParts, Value as Packet};
use socketioxide::socket::Socket;
use stillhere_core::wire::{Answer, ErrorCode, Refusal};

use crate::counters::Counters;
use crate::settings::{MAX_EVENT_BYTES, MAX_EXPORT_BYTES};

/// The first argument of an event. What is no JSON, or is not there at all, is `null`.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) payload: Value,
    bytes: usize,
    asks: bool,
}

impl<A: Adapter> FromMessageParts<A> for Incoming {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket<A>>,
        packet: &mut Packet,
        ack_id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        let bytes = packet.as_str().map_or(0, |text| text.len());
        let payload = if bytes > MAX_EXPORT_BYTES {
            Value::Null
        } else {
            Data::<Value>::from_message_parts(socket, packet, ack_id)
                .map_or(Value::Null, |data| data.0)
        };
        Ok(Self {
            payload,
            bytes,
            asks: ack_id.is_some(),
        })
    }
}

impl Incoming {
    /// Refuses an event that is over its size limit.
    pub(super) fn check_size(&self, name: &str) -> Result<(), Refusal> {
        let limit = if name == "emit_multiplayer_metrics" {
            MAX_EXPORT_BYTES
        } else {
            MAX_EVENT_BYTES
        };
        if self.bytes > limit {
            let message = format!("{name} holds {} bytes, allowed are {limit}", self.bytes);
            return Err(Refusal::new(ErrorCode::TooLarge, message));
        }
        Ok(())
    }
}

/// The way back to the sender of one event.
pub(super) struct Reply {
    ack: AckSender,
    asked: bool,
    counters: Arc<Counters>,
}

impl Reply {
    pub(super) fn new(ack: AckSender, incoming: &Incoming, counters: &Arc<Counters>) -> Self {
        Self {
            ack,
            asked: incoming.asks,
            counters: Arc::clone(counters),
        }
    }

    /// Whether the sender asked for an answer at all.
    pub(super) const fn is_asked_for(&self) -> bool {
        self.asked
    }

    /// Answers; a sender that is gone by now asks again after its reconnect.
    pub(super) fn send<T: Serialize>(self, result: Result<T, Refusal>) {
        if let Err(refusal) = &result {
            self.counters.refused(refusal.code);
            tracing::debug!(code = refusal.code.as_str(), "an event was refused");
        }
        let _ = self.ack.send(&Answer::from(result));
    }
}
