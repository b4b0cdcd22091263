//! Running programs: their output shown as it comes, or kept until it is wanted.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal, PipeReader, Read, Write, pipe, stderr, stdout};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::ticker::Ticker;

/// Steps shorter than this need no closing line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);

/// Runs programs one after the other and remembers what they printed.
pub(crate) struct Shell {
    streaming: bool,
    log: Vec<u8>,
}

impl Shell {
    /// Output is shown as it comes.
    pub(crate) fn stream() -> Self {
        Self {
            streaming: true,
            log: Vec::new(),
        }
    }

    /// Output is kept; whoever runs the step shows it if it fails.
    pub(crate) fn capture() -> Self {
        Self {
            streaming: false,
            log: Vec::new(),
        }
    }

    /// Everything printed since the log was last taken.
    pub(crate) fn log(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.log)
    }

    /// The log, which starts again empty.
    pub(crate) fn take_log(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.log)).into_owned()
    }

    /// One line of our own.
    pub(crate) fn say(&mut self, line: &str) {
        if self.streaming {
            eprintln!("{line}");
        }
        self.log.extend_from_slice(line.as_bytes());
        self.log.push(b'\n');
    }

    /// Runs work under a heading and says how long it took.
    pub(crate) fn section<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let begin = Instant::now();
        self.say(&format!("· {name}"));
        let done = work(self)?;
        if begin.elapsed() >= WORTH_A_LINE {
            self.say(&format!("  {name}: {:.1} s", begin.elapsed().as_secs_f32()));
        }
        Ok(done)
    }

    /// Runs a program to its end; `what` names it in the error.
    pub(crate) fn run(&mut self, command: &mut Command, what: &str) -> Result<()> {
        let show = self.streaming;
        // A program draws its progress only on a terminal of its own.
        let own_terminal = show && stderr().is_terminal();
        let (child, output) = spawn(command, what, own_terminal)?;
        self.finish(child, output, what, show)
    }

    /// Runs a program whose output matters only when it fails; a terminal shows the seconds meanwhile.
    pub(crate) fn run_quietly(&mut self, command: &mut Command, what: &str) -> Result<()> {
        let begin = self.log.len();
        let result = {
            let _ticker = self.streaming.then(|| Ticker::start(what));
            let (child, output) = spawn(command, what, false)?;
            self.finish(child, output, what, false)
        };
        if result.is_err() && self.streaming {
            let _ = stderr().write_all(&self.log[begin..]);
        }
        result
    }

    fn finish(
        &mut self,
        mut child: Child,
        mut output: PipeReader,
        what: &str,
        show: bool,
    ) -> Result<()> {
        let mut chunk = [0; 8192];
        loop {
            let length = match output.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(error).with_context(|| format!("reading the output of {what}"));
                }
            };
            self.log.extend_from_slice(&chunk[..length]);
            if show {
                let mut stdout = stdout().lock();
                stdout.write_all(&chunk[..length])?;
                stdout.flush()?;
            }
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("{what} failed ({status})");
        }
        Ok(())
    }
}

fn spawn(command: &mut Command, what: &str, inherit_stderr: bool) -> Result<(Child, PipeReader)> {
    let (reader, writer) = pipe()?;
    let stderr = if inherit_stderr {
        Stdio::inherit()
    } else {
        writer.try_clone()?.into()
    };
    let child = command
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(stderr)
        .spawn();
    // The command still holds the pipe's other end: without this the reader would wait for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok((
        child.map_err(|error| cannot_start(&error, command, what))?,
        reader,
    ))
}

/// What a program printed, or why it could not be run.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_start(&error, command, &name))?;
    if !output.status.success() {
        bail!(
            "{name} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn cannot_start(error: &std::io::Error, command: &Command, what: &str) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    if error.kind() != ErrorKind::NotFound {
        return anyhow::anyhow!("{what} could not be started: {error}");
    }
    let remedy = match program.as_ref() {
        "node" | "npm" => "install Node.js 20 or newer from https://nodejs.org",
        "rustup" | "rustc" | "cargo" => "install Rust with rustup from https://rustup.rs",
        _ => "install it",
    };
    anyhow::anyhow!("{what} needs `{program}`, which is not on the PATH: {remedy} and try again")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_are_kept_in_order() {
        let mut shell = Shell::capture();
        shell
            .run(&mut sh("echo one; echo two >&2; echo three"), "the script")
            .unwrap();
        assert_eq!(shell.take_log(), "one\ntwo\nthree\n");
        assert_eq!(shell.take_log(), "");
    }

    #[test]
    fn a_failure_names_what_failed_and_keeps_its_output() {
        let mut shell = Shell::capture();
        let error = shell
            .run(&mut sh("echo why; exit 3"), "the script")
            .unwrap_err();
        assert!(
            error.to_string().starts_with("the script failed"),
            "{error}"
        );
        assert_eq!(shell.take_log(), "why\n");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Shell::capture()
            .run(&mut Command::new("no-such-program"), "the step")
            .unwrap_err();
        assert!(error.to_string().contains("`no-such-program`"), "{error}");
    }
}
