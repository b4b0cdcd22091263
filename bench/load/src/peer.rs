//! The servers that are measured: how each is started, and what it is called.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::client::Speech;

const START: Duration = Duration::from_secs(60);

/// A server to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// Ours, with everything in SQLite before it is said.
    Ours,
    /// Node's Socket.IO, everything in memory.
    Node,
    /// MUG as it is published.
    Mug,
    /// MUG without its sleep under a lock.
    MugAwake,
    /// A WebSocket that sends back what it gets.
    Echo,
}

impl Peer {
    pub(crate) const ALL: [Self; 5] = [
        Self::Ours,
        Self::Node,
        Self::MugAwake,
        Self::Mug,
        Self::Echo,
    ];

    /// On the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Node => "node",
            Self::Mug => "mug",
            Self::MugAwake => "mug-awake",
            Self::Echo => "echo",
        }
    }

    /// In tables.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Ours => "stillhere",
            Self::Node => "Node",
            Self::Mug => "MUG",
            Self::MugAwake => "MUG, sleep removed",
            Self::Echo => "bare echo",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|peer| peer.name() == name);
        found.with_context(|| format!("there is no peer `{name}`"))
    }

    pub(crate) const fn is_mug(self) -> bool {
        matches!(self, Self::Mug | Self::MugAwake)
    }

    pub(crate) const fn speech(self) -> Speech {
        match self {
            Self::Echo => Speech::Echo,
            _ => Speech::SocketIo,
        }
    }

    /// So many sockets it takes; of the next one it never says anything.
    pub(crate) const fn most_sockets(self) -> usize {
        if self.is_mug() { 1_024 } else { usize::MAX }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Where everything that is started lies.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder `bench`.
    pub(crate) bench: PathBuf,
    /// Our server's program.
    pub(crate) ours: PathBuf,
    /// Where the peers' packages are installed, and where data goes.
    pub(crate) scratch: PathBuf,
}

/// A running server. Dropped, it is killed and its data are removed.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) peer: Peer,
    pub(crate) address: String,
    pub(crate) pid: u32,
    pub(crate) data: PathBuf,
    child: Child,
    keep_data: bool,
}

impl Server {
    /// Starts a server with empty data.
    pub(crate) async fn start(places: &Places, peer: Peer) -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let own = std::process::id();
        let data = places.scratch.join(format!("data-{own}-{number}"));
        fs::create_dir_all(&data)?;
        Self::start_with(places, peer, &data).await
    }

    /// Starts a server over data that are there.
    async fn start_with(places: &Places, peer: Peer, data: &Path) -> Result<Self> {
        let mut command = command(places, peer, data)?;
        let log = fs::File::create(data.with_extension("log"))?;
        let mut child = command
            .current_dir(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{peer} cannot be started"))?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output).lines();
        let address = timeout(START, async {
            while let Some(line) = lines.next_line().await? {
                if let Some((_, address)) = line.split_once(" is serving at http://") {
                    return Ok(address.to_owned());
                }
            }
            bail!(
                "{peer} ended early; see {}",
                data.with_extension("log").display()
            )
        })
        .await
        .with_context(|| format!("{peer} does not start"))??;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            peer,
            address,
            pid: child.id().context("the server has ended")?,
            data: data.to_owned(),
            child,
            keep_data: false,
        })
    }

    /// Ends it without a warning, and starts it again over what it left.
    pub(crate) async fn kill_and_restart(mut self, places: &Places) -> Result<Self> {
        self.child.kill().await?;
        self.keep_data = true;
        Self::start_with(places, self.peer, &self.data).await
    }

    /// Ends it. The server first, so that no port of ours stays reserved.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.keep_data {
            let _ = fs::remove_dir_all(&self.data);
        }
    }
}

fn command(places: &Places, peer: Peer, data: &Path) -> Result<Command> {
    Ok(match peer {
        Peer::Ours => {
            let mut command = Command::new(&places.ours);
            command
                .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
                .arg(data)
                .arg("--config")
                .arg(places.bench.join("peers/stillhere.toml"))
                .env("STILLHERE_LOG", "warn");
            command
        }
        Peer::Node => {
            let mut command = Command::new("node");
            command.arg(places.scratch.join("node/server.js"));
            command
        }
        Peer::Mug | Peer::MugAwake => {
            let mut command = Command::new(places.scratch.join("venv/bin/python"));
            command
                .args(["-W", "ignore"])
                .arg(places.bench.join("peers/mug/serve.py"));
            if peer == Peer::MugAwake {
                command.arg("--awake");
            }
            command
        }
        Peer::Echo => {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("echo");
            command
        }
    })
}
