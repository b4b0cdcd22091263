//! Watches one participant during play and comes to verdicts.
//!
//! The client runs a monitor on its own participant, the server one on each: the same code, fed
//! with what each side can see.

mod callback;
mod event;
mod ping;
#[cfg(feature = "json")]
mod server;
#[cfg(feature = "json")]
mod silence;
mod stall;
mod verdict;
mod visibility;

#[cfg(test)]
mod tests;

pub use event::{MonitorInput, MonitorOutput};
#[cfg(feature = "json")]
pub(crate) use silence::SilenceRule;
pub use stall::BEAT;

use crate::config::MonitorConfig;
use crate::exclusion::{Finding, PingSample, Side, WarningKind};
use crate::ids::Frame;
use crate::metrics::{FocusLoss, LatencySummary};
use crate::queue::take_first;
use crate::time::Millis;
use crate::wire::{CallbackContext, CallbackResult, Ping};

use callback::CallbackSlot;
use ping::{PingRule, PingVerdict};
use stall::StallLog;
use visibility::{VisibilityRule, VisibilityVerdict};

/// Watches one participant. See the [module](self).
///
/// ```
/// use stillhere_core::config::MonitorConfig;
/// use stillhere_core::exclusion::Side;
/// use stillhere_core::monitor::{Monitor, MonitorInput, MonitorOutput};
/// use stillhere_core::time::Millis;
///
/// let mut monitor = Monitor::new(Side::Client, Millis::ZERO);
/// monitor.configure(&MonitorConfig { enabled: true, ..MonitorConfig::default() });
/// monitor.handle(Millis::ZERO, MonitorInput::Resume);
/// monitor.handle(Millis::new(1_000.0), MonitorInput::Hidden);
/// monitor.handle(Millis::new(11_000.0), MonitorInput::Tick);
/// assert!(matches!(monitor.poll(), Some(MonitorOutput::Exclude(_))));
/// ```
#[derive(Clone, Debug)]
pub struct Monitor {
    side: Side,
    /// The wall clock when the monitor's own clock was zero.
    epoch: Millis,
    config: MonitorConfig,
    ping: PingRule,
    visibility: VisibilityRule,
    callback: CallbackSlot,
    stalls: StallLog,
    running: bool,
    /// Whether samples are judged at all; they are not of a page that does not know our pings.
    samples_count: bool,
    /// Whether samples that were taken while the tab was hidden are not judged.
    hiding_excuses: bool,
    concluded: bool,
    focus_loss_ended: bool,
    frame: Frame,
    episode: u64,
    outputs: Vec<MonitorOutput>,
}

impl Monitor {
    /// A monitor that keeps telemetry and judges nothing until it is configured and resumed.
    ///
    /// `epoch` is the wall clock (milliseconds since the Unix epoch) at zero of the clock that
    /// `handle` is given.
    #[must_use]
    pub fn new(side: Side, epoch: Millis) -> Self {
        let config = MonitorConfig::default();
        Self {
            side,
            epoch,
            ping: PingRule::new(config.ping.clone()),
            visibility: VisibilityRule::default(),
            callback: CallbackSlot::default(),
            stalls: StallLog::default(),
            running: false,
            samples_count: true,
            hiding_excuses: true,
            concluded: false,
            focus_loss_ended: false,
            frame: Frame::default(),
            episode: 0,
            outputs: Vec::new(),
            config,
        }
    }

    /// Takes over the scene's settings. Telemetry stays, the run of violations starts anew.
    pub fn configure(&mut self, config: &MonitorConfig) {
        self.config = config.clone();
        let mut ping = config.ping.clone();
        if !config.enabled {
            ping.max = None;
        }
        self.ping.configure(ping);
        self.visibility.configure(
            config.enabled.then(|| config.tab.clone()),
            config.focus_loss_timeout,
        );
        self.callback
            .configure(config.callback_interval_frames.filter(|_| config.enabled));
    }

    /// The game reached a frame. The hot path: called each tick, allocates nothing.
    pub fn frame(&mut self, frame: Frame) {
        self.frame = frame;
        self.callback.frame(frame.0);
    }

    /// The frame that the game has reached.
    #[must_use]
    pub const fn current_frame(&self) -> Frame {
        self.frame
    }

    /// An episode begins. Telemetry stays.
    pub fn begin_episode(&mut self, episode: u64) {
        self.episode = episode;
    }

    /// Whether the tab is hidden.
    #[must_use]
    pub const fn is_hidden(&self) -> bool {
        self.visibility.is_hidden()
    }

    /// For how long the tab has been hidden; zero if it is visible.
    #[must_use]
    pub fn hidden_for(&self, now: Millis) -> Millis {
        self.visibility.hidden_for(now)
    }

    /// Whether judging is stopped.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        !self.running
    }

    /// Whether a verdict has been reached: nothing is judged any more.
    #[must_use]
    pub const fn is_concluded(&self) -> bool {
        self.concluded
    }

    /// Whether anything is judged at all.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.config.enabled
    }

    /// The last round trip that was measured.
    #[must_use]
    pub fn last_rtt(&self) -> Option<Millis> {
        self.ping.last_rtt()
    }

    /// Every sample, judged or not, oldest first.
    #[must_use]
    pub fn samples(&self) -> &[PingSample] {
        self.ping.samples()
    }

    /// The round trips in a few numbers.
    #[must_use]
    pub fn latency(&self) -> LatencySummary {
        LatencySummary::of(self.ping.samples())
    }

    /// When the participant was not looking.
    #[must_use]
    pub fn focus_loss(&self, now: Millis) -> FocusLoss {
        self.visibility.telemetry(now, self.focus_loss_ended)
    }

    /// How long the page itself stood still since the session began.
    #[must_use]
    pub const fn stalled(&self) -> Millis {
        self.stalls.total()
    }

    /// How long the page stood still just before `now`: what is handled now may have waited for it.
    #[must_use]
    pub fn recently_stalled(&self, now: Millis) -> Millis {
        self.stalls.held_up(now)
    }

    /// When the monitor next needs a [`MonitorInput::Beat`] or [`MonitorInput::Tick`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        [
            self.ping.next_deadline(),
            self.visibility.next_deadline(),
            self.callback.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Something happened.
    pub fn handle(&mut self, now: Millis, input: MonitorInput) {
        match input {
            MonitorInput::Tick => self.judge(now),
            MonitorInput::Beat { posted } => {
                self.stalls.beat(now, posted);
                let verdict = self.ping.judge(&self.stalls, now);
                self.ping_verdict(verdict, now);
                self.judge(now);
            }
            MonitorInput::PingAnswered { seq } => self.ping.answer(seq, now),
            MonitorInput::RttMeasured { rtt } => {
                let verdict = self.ping.measured(rtt, now);
                self.ping_verdict(verdict, now);
            }
            MonitorInput::Hidden => {
                self.visibility.hide(now);
                self.update_attention();
            }
            MonitorInput::Visible => {
                self.judge(now);
                self.visibility.show(now);
                self.update_attention();
            }
            MonitorInput::Blurred => self.visibility.blur(now),
            MonitorInput::Focused => self.visibility.focus(now),
            MonitorInput::Connected => self.ping.set_connected(true, now),
            MonitorInput::Disconnected => self.ping.set_connected(false, now),
            MonitorInput::Pause => self.set_running(false, now),
            MonitorInput::Resume => self.set_running(true, now),
            MonitorInput::CallbackAnswered(result) => self.callback_answered(result, now),
        }
        self.send_due(now);
    }

    /// The next thing to do; drain until `None` after every [`Monitor::handle`].
    pub fn poll(&mut self) -> Option<MonitorOutput> {
        take_first(&mut self.outputs)
    }

    fn set_running(&mut self, running: bool, now: Millis) {
        // What happened before the pause is judged first: pausing is no way out.
        self.judge(now);
        self.switch(running, now);
    }

    fn switch(&mut self, running: bool, now: Millis) {
        self.running = running;
        self.visibility.set_running(running, now);
        self.update_attention();
    }

    fn update_attention(&mut self) {
        let excused = self.hiding_excuses && self.visibility.is_hidden();
        self.ping
            .set_attentive(self.running && self.samples_count && !excused);
    }

    fn is_judging(&self) -> bool {
        self.running && !self.concluded
    }

    fn judge(&mut self, now: Millis) {
        if !self.is_judging() {
            return;
        }
        match self.visibility.judge(now) {
            Some(VisibilityVerdict::Warn) => self.warn(WarningKind::Tab, None, now),
            Some(VisibilityVerdict::Exclude(finding)) => self.exclude(finding, None, now),
            Some(VisibilityVerdict::FocusLossTimeout) => {
                self.concluded = true;
                self.focus_loss_ended = true;
                self.outputs
                    .push(MonitorOutput::FocusLossTimeout { frame: self.frame });
            }
            None => {}
        }
    }

    fn ping_verdict(&mut self, verdict: Option<PingVerdict>, now: Millis) {
        if !self.is_judging() {
            return;
        }
        match verdict {
            Some(PingVerdict::Warn) => self.warn(WarningKind::Ping, None, now),
            Some(PingVerdict::Exclude(finding)) => self.exclude(finding, None, now),
            None => {}
        }
    }

    fn callback_answered(&mut self, result: CallbackResult, now: Millis) {
        if !self.callback.answer(result.request_id) || !self.is_judging() {
            return;
        }
        if result.exclude {
            let finding = Finding::CustomCallback {
                request_id: result.request_id,
                message: result.message.clone(),
            };
            self.exclude(finding, result.message, now);
        } else if result.warn {
            self.warn(WarningKind::Callback, result.message, now);
        }
    }

    fn send_due(&mut self, now: Millis) {
        if let Some(seq) = self.ping.ask(now) {
            self.outputs.push(MonitorOutput::SendPing(Ping {
                ping_ms: self.ping.last_rtt(),
                document_in_focus: self.visibility.has_focus(),
                seq: Some(seq),
                hidden_ms: Some(self.visibility.hidden_for(now)),
                frame_number: Some(self.frame),
                paused: Some(!self.running),
            }));
        }
        if !self.is_judging() {
            return;
        }
        if let Some(request_id) = self.callback.ask(now) {
            let context = CallbackContext {
                ping: self.ping.last_rtt(),
                is_tab_hidden: self.visibility.is_hidden(),
                tab_hidden_duration_ms: self.visibility.hidden_for(now),
                frame_number: self.frame,
                episode_number: self.episode,
            };
            self.outputs.push(MonitorOutput::AskCallback {
                request_id,
                context,
            });
        }
    }
}
