//! The session as the page sees it.

use std::rc::Rc;

use js_sys::Function;
use stillhere_core::participant::{ParticipantInput, Status};
use stillhere_core::time::Millis;
use tsify::Tsify;
use wasm_bindgen::prelude::*;

use crate::driver::Driver;
use crate::joining;
use crate::js::{copy, disposable, failure};
use crate::options::Options;
use crate::socket::SocketLike;
use crate::to_js::to_js;
use crate::types::{ExportedMetrics, JoinOptions, JoinPromise, MetricsSource, SessionOptions};

/// One participant's session on one page.
///
/// It lives until `dispose()`, whether or not the page keeps this handle.
#[wasm_bindgen]
pub struct ParticipantSession {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl ParticipantSession {
    /// Begins a session on the page's socket.
    ///
    /// # Errors
    /// `invalid_argument` for what is no socket, `invalid_options` with every option that is not allowed.
    #[wasm_bindgen(unchecked_return_type = "ParticipantSession")]
    pub fn attach(socket: SocketLike, options: Option<SessionOptions>) -> Result<JsValue, JsValue> {
        let (options, messages) = Options::parse(options.map_or(JsValue::UNDEFINED, Into::into))?;
        let driver = Driver::attach(socket, options, messages)?;
        let session = JsValue::from(Self {
            driver: Rc::clone(&driver),
        });
        disposable(&session);
        driver.frames.open(&session);
        Ok(session)
    }

    /// Asks the server for a place in a game.
    ///
    /// The promise resolves once the server knows the participant, and rejects with the server's reason if it refuses.
    ///
    /// # Errors
    /// `disposed`, `invalid_options`.
    pub fn join(&self, options: Option<JoinOptions>) -> Result<JoinPromise, JsValue> {
        let driver = self.live()?;
        let join = joining::parse(options.map_or(JsValue::UNDEFINED, Into::into))?;
        let promise = driver.joining.promise();
        driver.handle(ParticipantInput::Join(join));
        Ok(promise.unchecked_into())
    }

    /// The game has reached a frame. Cheap: call it each tick.
    ///
    /// # Errors
    /// `disposed`, `invalid_argument`.
    pub fn frame(&self, n: f64) -> Result<(), JsValue> {
        if self.live()?.frames.reach(n) {
            return Ok(());
        }
        Err(failure(
            "invalid_argument",
            "frame(n): n must be a whole number, 0 or more",
        ))
    }

    /// An episode begins.
    ///
    /// # Errors
    /// `disposed`.
    #[wasm_bindgen(js_name = episodeStarted)]
    pub fn episode_started(&self) -> Result<(), JsValue> {
        self.tell(ParticipantInput::EpisodeStarted)
    }

    /// The episode was played to its end. The summary, plain data, is exported with it.
    ///
    /// # Errors
    /// `disposed`, `invalid_argument` for a summary that JSON cannot carry.
    #[wasm_bindgen(js_name = episodeCompleted)]
    pub fn episode_completed(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "unknown")] summary: JsValue,
    ) -> Result<(), JsValue> {
        let driver = self.live()?;
        let summary = copy(&summary).map_err(|_| {
            failure(
                "invalid_argument",
                "episodeCompleted(summary): the summary must be plain data",
            )
        })?;
        driver.handle(ParticipantInput::EpisodeCompleted);
        if let Some(episode) = driver.last_episode().filter(|_| !summary.is_undefined()) {
            driver.exports.add_summary(episode as u32, summary);
        }
        Ok(())
    }

    /// Play stops for a while, such as between two episodes: nobody is judged meanwhile.
    ///
    /// # Errors
    /// `disposed`.
    pub fn pause(&self) -> Result<(), JsValue> {
        self.tell(ParticipantInput::Pause)
    }

    /// Play goes on.
    ///
    /// # Errors
    /// `disposed`.
    pub fn resume(&self) -> Result<(), JsValue> {
        self.tell(ParticipantInput::Resume)
    }

    /// A round trip to the partner that the game measured by its own means (WebRTC): it is judged instead of ours.
    ///
    /// # Errors
    /// `disposed`, `invalid_argument`.
    #[wasm_bindgen(js_name = recordPing)]
    pub fn record_ping(&self, ms: f64) -> Result<(), JsValue> {
        let driver = self.live()?;
        if !ms.is_finite() || ms < 0.0 {
            return Err(failure(
                "invalid_argument",
                "recordPing(ms): ms must be a number, 0 or more",
            ));
        }
        driver.handle(ParticipantInput::RttMeasured(Millis::new(ms)));
        Ok(())
    }

    /// The game's own data: called when metrics are built, must return a plain object at once, which the game does not change any
    /// more (a large one is written bit by bit). `null` for none.
    ///
    /// # Errors
    /// `disposed`, `invalid_argument`.
    #[wasm_bindgen(js_name = setMetricsSource)]
    pub fn set_metrics_source(&self, source: MetricsSource) -> Result<(), JsValue> {
        let driver = self.live()?;
        let source = JsValue::from(source);
        let source = if source.is_null() || source.is_undefined() {
            None
        } else {
            Some(source.dyn_into().map_err(|_| {
                failure(
                    "invalid_argument",
                    "setMetricsSource(source): source must be a function or null",
                )
            })?)
        };
        driver.exports.set_source(source);
        Ok(())
    }

    /// The session at a glance.
    ///
    /// # Errors
    /// `disposed`.
    pub fn status(&self) -> Result<<Status as Tsify>::JsType, JsValue> {
        Ok(to_js(&self.live()?.status()).unchecked_into())
    }

    /// The metrics as they stand now, as an export would carry them.
    ///
    /// # Errors
    /// `disposed`.
    #[wasm_bindgen(js_name = exportMetrics)]
    pub fn export_metrics(&self) -> Result<ExportedMetrics, JsValue> {
        Ok(self.live()?.metrics().unchecked_into())
    }

    /// The game was played to its end: exports the metrics and goes where the server says.
    ///
    /// # Errors
    /// `disposed`.
    pub fn complete(&self) -> Result<(), JsValue> {
        self.tell(ParticipantInput::Complete)
    }

    /// Calls the handler whenever the event happens; the function that it returns ends that.
    ///
    /// # Errors
    /// `disposed`, `invalid_argument`.
    #[wasm_bindgen(skip_typescript)]
    pub fn on(&self, event: JsValue, handler: JsValue) -> Result<Function, JsValue> {
        let driver = self.live()?;
        driver.events.add(driver, &event, handler)
    }

    /// Ends the session in this page: every listener, timer, worker and element of it is gone, and the socket is as the page
    /// gave it. A second time it does nothing; any other call throws `disposed`.
    pub fn dispose(&self) {
        self.driver.dispose();
    }

    fn live(&self) -> Result<&Rc<Driver>, JsValue> {
        if self.driver.is_disposed() {
            return Err(failure(
                "disposed",
                "this session was disposed of: attach a new one",
            ));
        }
        Ok(&self.driver)
    }

    fn tell(&self, input: ParticipantInput<'_, crate::js_source::JsSource>) -> Result<(), JsValue> {
        self.live()?.handle(input);
        Ok(())
    }
}
