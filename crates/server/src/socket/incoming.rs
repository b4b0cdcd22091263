//! A client's event as it arrives, and the answer that it gets.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use socketioxide::extract::AckSender;
use socketioxide::handler::Value as Packet;
use stillhere_core::wire::{Answer, ErrorCode, Refusal};

use super::sketch::{self, Sketch};
use crate::counters::Counters;
use crate::settings::{MAX_EVENT_BYTES, MAX_EXPORT_BYTES};

const EXPORT: &str = "emit_multiplayer_metrics";

/// The first argument of an event. What is no JSON, or is not there at all, is `null`.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) payload: Value,
    /// An export's metrics as they came, of which `payload` holds only what is looked at.
    pub(super) metrics: Option<String>,
    bytes: usize,
    asks: bool,
}

impl Incoming {
    /// Reads an event of this name.
    pub(super) fn read(name: &str, packet: &Packet, asks: bool) -> Self {
        let text = packet.as_str().map_or("", |text| text.as_str());
        let mut incoming = Self {
            payload: Value::Null,
            metrics: None,
            bytes: text.len(),
            asks,
        };
        if text.len() > MAX_EXPORT_BYTES {
            return incoming;
        }
        if name == EXPORT {
            let sketch = first_argument::<Sketch<'_>>(text).filter(|_| sketch::is_shallow(text));
            if let Some(Sketch { payload, metrics }) = sketch {
                incoming.payload = payload;
                incoming.metrics = metrics.map(|metrics| metrics.get().to_owned());
            }
        } else {
            incoming.payload = first_argument(text).unwrap_or_default();
        }
        incoming
    }

    /// Refuses an event that is over its size limit.
    pub(super) fn check_size(&self, name: &str) -> Result<(), Refusal> {
        let limit = if name == EXPORT {
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

/// What follows the event's name.
fn first_argument<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str::<First<T>>(text).ok()?.0
}

struct First<T>(Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Arguments<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Arguments<T> {
            type Value = First<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name and its arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<T>, A::Error> {
                list.next_element::<IgnoredAny>()?;
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(Arguments(std::marker::PhantomData))
    }
}
