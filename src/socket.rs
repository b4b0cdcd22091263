//! The page's socket: Socket.IO's client, or anything that emits and listens like it.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use js_sys::Function;
use stillhere_core::participant::{Expect, ParticipantInput};
use stillhere_core::source::text;
use stillhere_core::wire::ServerEvent;
use wasm_bindgen::prelude::*;

use crate::callback::{Arguments, Listener, callback};
use crate::driver::Driver;
use crate::js::{call, emit, failure, get, record, set, subscribe};
use crate::js_source::JsSource;
use crate::shared::Shared;
use crate::to_js::to_js;

#[wasm_bindgen]
extern "C" {
    /// What a session needs of a socket.
    #[wasm_bindgen(typescript_type = "SocketLike")]
    #[derive(Clone)]
    pub type SocketLike;
}

impl SocketLike {
    /// Whether it can do what a socket must.
    pub(crate) fn check(&self) -> Result<(), JsValue> {
        let missing = ["emit", "on", "off"]
            .iter()
            .find(|name| !get(self, name).is_function());
        missing.map_or(Ok(()), |name| {
            let message = text(&[
                "the socket has no method `",
                name,
                "`, it must have `emit`, `on` and `off`",
            ]);
            Err(failure("invalid_argument", &message))
        })
    }
}

/// The socket and the acks that it owes.
pub(crate) struct Socket {
    socket: SocketLike,
    /// Takes an ack's number and its body.
    acked: Function,
    pending: Shared<Vec<(u32, Expect)>>,
    next: Cell<u32>,
}

impl Socket {
    pub(crate) fn new(socket: SocketLike, driver: &Weak<Driver>) -> Self {
        let acked = callback(driver, |driver, [number, body, _]| {
            driver.socket.take_ack(driver, number, body);
        });
        Self {
            socket,
            acked,
            pending: Shared::default(),
            next: Cell::new(0),
        }
    }

    pub(crate) fn as_js(&self) -> &JsValue {
        &self.socket
    }

    /// Begins to listen; tells first whether the socket is connected already.
    pub(crate) fn listen(&self, driver: &Rc<Driver>) -> Result<(), JsValue> {
        // One that does not say is not known to be lost.
        if get(&self.socket, "connected").as_bool() != Some(false) {
            driver.handle(ParticipantInput::Connected);
        }
        for (name, connected) in [("connect", true), ("disconnect", false)] {
            let told = callback(&Rc::downgrade(driver), move |driver, _| {
                driver.handle(if connected {
                    ParticipantInput::Connected
                } else {
                    ParticipantInput::Disconnected
                });
            });
            driver.keep(self.add(name, told)?);
        }
        for name in ServerEvent::<JsSource>::SESSION_NAMES {
            let told = callback(&Rc::downgrade(driver), |driver, arguments| {
                receive(driver, name, arguments);
            });
            driver.keep(self.add(name, told)?);
        }
        Ok(())
    }

    fn add(&self, name: &'static str, function: Function) -> Result<Listener, JsValue> {
        let end = subscribe(&self.socket, name, &function)?;
        Ok(Listener::removed_by(move || {
            call(&end, &JsValue::UNDEFINED);
        }))
    }

    /// Sends an event.
    pub(crate) fn send(&self, name: &str, payload: &JsValue, expect: Expect) {
        let number = self.next.get();
        if expect == Expect::Nothing {
            emit(&self.socket, name, payload, number, &JsValue::UNDEFINED);
            return;
        }
        self.next.set(number.wrapping_add(1));
        self.pending.with(|pending| pending.push((number, expect)));
        emit(&self.socket, name, payload, number, &self.acked);
    }

    fn take_ack(&self, driver: &Rc<Driver>, number: &JsValue, body: &JsValue) {
        let number = number.as_f64();
        let found = self.pending.with(|pending| {
            let place = pending
                .iter()
                .position(|(sent, _)| number == Some(f64::from(*sent)))?;
            Some(pending.swap_remove(place))
        });
        let Some((_, to)) = found else { return };
        let body = (!body.is_undefined()).then(|| JsSource(body.clone()));
        driver.handle(ParticipantInput::Acked { to, body });
    }

    /// Whatever is still acked finds nobody waiting.
    pub(crate) fn clear(&self) {
        self.pending.take();
    }
}

/// An event with or without a payload, with or without an ack: Socket.IO puts the ack's function last.
fn receive(driver: &Rc<Driver>, name: &'static str, arguments: &Arguments) {
    let ack = arguments
        .iter()
        .rfind(|argument| argument.is_function())
        .cloned();
    let [first, ..] = arguments;
    let payload = JsSource(if first.is_function() {
        JsValue::UNDEFINED
    } else {
        first.clone()
    });
    driver.keep_ready(name, &payload.0);
    driver.handle(ParticipantInput::Event {
        name,
        payload: payload.clone(),
    });
    let Some(ack) = ack else { return };
    let answer = match ServerEvent::parse(name, &payload) {
        Some(Ok(ServerEvent::PresenceProbe(probe))) => to_js(&driver.answer_probe(probe.seq)),
        _ => {
            let handled = record();
            set(&handled, "ok", &JsValue::TRUE);
            handled
        }
    };
    call(ack.unchecked_ref(), &answer);
}
