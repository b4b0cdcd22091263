//! The seconds of a step that says nothing itself.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shows a name and the seconds since it began on one line of the terminal, until dropped.
pub(crate) struct Ticker {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Ticker {
    /// Starts where there is a terminal to write to; otherwise it stays silent.
    pub(crate) fn start(name: &str) -> Self {
        if !stderr().is_terminal() {
            return Self { running: None };
        }
        let (stop, stopped) = channel();
        let name = name.to_owned();
        let thread = std::thread::spawn(move || tick(&name, &stopped));
        Self {
            running: Some((stop, thread)),
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            // Joined, so that the line is cleared before the next output.
            let _ = thread.join();
        }
    }
}

fn tick(name: &str, stopped: &Receiver<()>) {
    let begin = Instant::now();
    let mut shown = false;
    while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
        let _ = write!(stderr(), "\r  {name} … {} s", begin.elapsed().as_secs());
        let _ = stderr().flush();
        shown = true;
    }
    if shown {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}
