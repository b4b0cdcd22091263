//! Drives the session: takes what happens to core's participant and carries out what it answers.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use stillhere_core::ids::{ExportId, SceneId};
use stillhere_core::participant::{
    ExportOwner, Messages, Overlay, PageEvent, Participant, ParticipantInput, ParticipantOutput,
    Status,
};
use stillhere_core::source::text;
use stillhere_core::time::Millis;
use stillhere_core::wire::ProbeAnswer;
use wasm_bindgen::prelude::*;
use web_sys::Window;

use crate::banner::Banner;
use crate::callback::Listener;
use crate::clock::Clock;
use crate::export::Exports;
use crate::frames::Frames;
use crate::joining::Joining;
use crate::js::{call, compose, failure, get, item, report, set, window};
use crate::js_source::JsSource;
use crate::options::Options;
use crate::overlay::{self, OverlayView};
use crate::page_events::PageEvents;
use crate::shared::Shared;
use crate::socket::{Socket, SocketLike};
use crate::to_js::to_js;
use crate::view::{Stage, given};
use crate::{ids, outbox, ticker, visibility};

/// One attached session.
///
/// Everything outside (the page's handlers above all) may call back into it at any time, so nothing is borrowed while
/// anything outside is called: inputs are handled at once, outputs are carried out one after the other.
pub(crate) struct Driver {
    machine: Shared<Participant>,
    clock: Clock,
    pub(crate) frames: Frames,
    pub(crate) socket: Socket,
    options: Options,
    window: Window,
    pub(crate) stage: Stage,
    pub(crate) events: PageEvents,
    pub(crate) exports: Exports,
    pub(crate) joining: Joining,
    /// The payload of `pyodide_game_ready`, until the page is told.
    ready: Shared<JsValue>,
    overlay: Shared<Option<OverlayView>>,
    banner: Shared<Option<Banner>>,
    listeners: Shared<Vec<Listener>>,
    acting: Cell<bool>,
    /// A session lives until it is disposed of, whether or not the page keeps its handle.
    alive: Shared<Option<Rc<Self>>>,
}

impl Driver {
    /// Begins a session on the page's socket.
    pub(crate) fn attach(
        socket: SocketLike,
        options: Options,
        messages: Messages,
    ) -> Result<Rc<Self>, JsValue> {
        socket.check()?;
        let page = window().and_then(|window| Some((given(&window, "document")?, window)));
        let Some((document, window)) = page else {
            let message = "a session needs a page: there is no document here";
            return Err(failure("no_page", message));
        };
        let clock = Clock::start();
        let driver = Rc::new_cyclic(|weak: &Weak<Self>| {
            let socket = Socket::new(socket, weak);
            Self {
                machine: Shared::new(Participant::new(clock.epoch(), ids::random(), messages)),
                clock,
                frames: Frames::new(),
                socket,
                window,
                stage: Stage {
                    document: document.unchecked_into(),
                    mount: options.mount.clone(),
                    direction: options.direction,
                },
                options,
                events: PageEvents::default(),
                exports: Exports::default(),
                joining: Joining::default(),
                ready: Shared::default(),
                overlay: Shared::default(),
                banner: Shared::default(),
                listeners: Shared::default(),
                acting: Cell::new(false),
                alive: Shared::default(),
            }
        });
        driver.alive.replace(Some(Rc::clone(&driver)));
        if let Err(error) = driver.listen() {
            driver.dispose();
            return Err(error);
        }
        Ok(driver)
    }

    fn listen(self: &Rc<Self>) -> Result<(), JsValue> {
        self.socket.listen(self)?;
        visibility::watch(self, &self.window, &self.stage.document)?;
        outbox::look(self);
        ticker::start(
            self,
            self.options.worker,
            self.options.worker_url.as_deref(),
        );
        Ok(())
    }

    /// Ends everything that the session holds in the page. It does nothing from now on.
    pub(crate) fn dispose(&self) {
        let Some(alive) = self.alive.take() else {
            return;
        };
        self.frames.close();
        self.listeners.take();
        self.overlay.take();
        self.banner.take();
        self.socket.clear();
        self.events.clear();
        self.exports.clear();
        self.joining.forget_token(self.socket.as_js());
        self.joining.reject(
            "disposed",
            "the session was disposed of before the server answered",
        );
        drop(alive);
    }

    pub(crate) fn is_disposed(&self) -> bool {
        self.alive.with(|alive| alive.is_none())
    }

    pub(crate) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Keeps a listener until the session ends.
    pub(crate) fn keep(&self, listener: Listener) {
        self.listeners.with(|listeners| listeners.push(listener));
    }

    /// Tells the machine which frame the game has reached: before all else that it is told or asked.
    fn take_frame(&self) {
        if let Some(frame) = self.frames.take() {
            self.machine.with(|machine| machine.frame(frame));
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.take_frame();
        self.machine.with(|machine| machine.status())
    }

    pub(crate) fn answer_probe(&self, seq: u64) -> ProbeAnswer {
        self.take_frame();
        let now = self.now();
        self.machine.with(|machine| machine.answer_probe(seq, now))
    }

    /// The index of the running or last episode.
    pub(crate) fn last_episode(&self) -> Option<usize> {
        self.machine
            .with(|machine| machine.episodes_begun().checked_sub(1))
    }

    /// The metrics as they stand, with the game's own data.
    pub(crate) fn metrics(self: &Rc<Self>) -> JsValue {
        self.take_frame();
        let now = self.now();
        let metrics = self.machine.with(|machine| machine.metrics(now));
        let ours = self.exports.ours(metrics);
        let composed = compose(&ours, &self.exports.source());
        let fault = item(&composed, 1);
        if !fault.is_undefined() {
            self.leave_out(&fault);
        }
        item(&composed, 0)
    }

    /// The game's own data cannot be exported.
    pub(crate) fn leave_out(&self, fault: &JsValue) {
        let fault = get(fault, "message")
            .as_string()
            .or_else(|| fault.as_string());
        let fault = fault.unwrap_or_default();
        self.tell(&PageEvent::Error {
            code: "metrics_source_failed",
            message: text(&["the game's metrics are left out: ", &fault]),
        });
    }

    /// Builds an export. What the game's data say at a later time is not in it, unless the game changes what it gave.
    fn build(
        self: &Rc<Self>,
        export_id: ExportId,
        scene_id: &SceneId,
        owner: Option<&ExportOwner>,
        at_once: bool,
    ) {
        self.take_frame();
        let now = self.now();
        let metrics = self.machine.with(|machine| machine.metrics(now));
        let ours = self.exports.ours(metrics);
        let source = self.exports.source();
        let kept = outbox::build(self, &ours, &source, &export_id, scene_id, owner, at_once);
        self.exports.keep(export_id, kept);
        // The page's source of metrics may have disposed of the session: a later one sends this export then.
        if self.is_disposed() {
            self.exports.clear();
        }
    }

    /// The ticker beat.
    pub(crate) fn beat(self: &Rc<Self>, posted: Millis) {
        self.handle(ParticipantInput::Beat { posted });
        self.tick_banner();
    }

    /// Keeps what the page is to be told with `ready`.
    pub(crate) fn keep_ready(&self, name: &str, payload: &JsValue) {
        if name == "pyodide_game_ready" {
            self.ready.replace(payload.clone());
        }
    }

    /// Something happened.
    pub(crate) fn handle(self: &Rc<Self>, input: ParticipantInput<'_, JsSource>) {
        if self.is_disposed() {
            return;
        }
        self.take_frame();
        let now = self.now();
        self.machine.with(|machine| machine.handle(now, input));
        // What is being carried out may itself be what made this happen; its own round goes on with the rest, in order.
        if self.acting.replace(true) {
            return;
        }
        while !self.is_disposed() {
            let next = self.machine.with(Participant::poll);
            let Some(output) = next else { break };
            self.carry_out(output);
        }
        self.acting.set(false);
    }

    fn carry_out(self: &Rc<Self>, output: ParticipantOutput) {
        match output {
            ParticipantOutput::Emit { event, expect } => {
                self.socket.send(event.name(), &to_js(&event), expect);
            }
            ParticipantOutput::BuildExport {
                export_id,
                scene_id,
                owner,
                at_once,
            } => self.build(export_id, &scene_id, owner.as_ref(), at_once),
            ParticipantOutput::SendChunk { export_id, offset } => {
                outbox::send_chunk(self, export_id, offset);
            }
            ParticipantOutput::DropExport { export_id } => {
                outbox::remove(&export_id);
                self.exports.forget(&export_id);
            }
            ParticipantOutput::Beacon(words) => outbox::send_last_words(self, &words),
            ParticipantOutput::SendExport {
                export_id,
                scene_id,
            } => {
                if let Some((name, payload)) = self.exports.message(&export_id, scene_id) {
                    let expect = stillhere_core::participant::Expect::Export(export_id);
                    self.socket.send(name, &payload, expect);
                }
            }
            ParticipantOutput::StopGame(stop) => {
                if let Some(on_stop) = &self.options.on_stop {
                    call(on_stop, &to_js(&stop));
                }
            }
            ParticipantOutput::Show(overlay) => self.show(&overlay),
            ParticipantOutput::Hide(kind) => {
                let _hidden = self
                    .overlay
                    .with(|view| view.take_if(|view| view.kind() == kind));
            }
            ParticipantOutput::Banner(text) => self.show_banner(&text),
            ParticipantOutput::HideBanner => drop(self.banner.take()),
            ParticipantOutput::Notify(event) => self.tell(&event),
            ParticipantOutput::NotifyReady => {
                let payload = self.ready.take();
                self.events
                    .tell(self, "ready", &crate::types::ready_event(&payload));
                // After a reload, the page before may have been writing still when this one looked first.
                outbox::look(self);
            }
            ParticipantOutput::KeepToken {
                participant_id,
                token,
            } => {
                self.joining
                    .keep_token(self.socket.as_js(), &participant_id, &token);
            }
            ParticipantOutput::ForgetToken => self.joining.forget_token(self.socket.as_js()),
            ParticipantOutput::JoinFailed { code, message } => self.joining.reject(code, &message),
            ParticipantOutput::Navigate { url } => self.leave(&url),
        }
    }

    fn tell(&self, event: &PageEvent) {
        let payload = to_js(event);
        match event {
            PageEvent::Joined { .. } => self.joining.resolve(&payload),
            PageEvent::Assigned { .. } => self.exports.forget_summaries(),
            _ => {}
        }
        self.events.tell(self, event.name(), &payload);
    }

    fn leave(&self, url: &str) {
        match &self.options.navigate {
            Some(navigate) => call(navigate, &url.into()),
            None => set(&self.window, "location", &url.into()),
        }
    }

    fn show(self: &Rc<Self>, overlay: &Overlay) {
        // Out of its place while the page's focus listeners may call back.
        let mut view = self.overlay.take();
        if let Err(error) = overlay::show(&mut view, self, overlay) {
            report(&error);
        }
        if !self.is_disposed() {
            self.overlay.replace(view);
        }
    }

    fn show_banner(&self, text: &str) {
        self.banner.take();
        match Banner::open(&self.stage, text, self.now()) {
            Ok(banner) => {
                self.banner.replace(Some(banner));
            }
            Err(error) => report(&error),
        }
    }

    fn tick_banner(&self) {
        let Some(mut banner) = self.banner.take() else {
            return;
        };
        if banner.tick(&self.stage, self.now()) {
            self.banner.replace(Some(banner));
        }
    }
}
