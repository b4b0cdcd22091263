//! What a process costs, as Linux counts it.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The time that a process has been on a processor: of all threads, those that have ended included.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    // Nanoseconds, but only of threads that are there.
    let mut now = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the server has ended")? {
        let path = task?.path().join("schedstat");
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        let first = text.split_whitespace().next().unwrap_or("0");
        now += Duration::from_nanos(first.parse()?);
    }
    Ok(now)
}

/// Resident memory in KiB.
pub(crate) fn memory(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// What is counted between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    server: u32,
    at: Instant,
    server_cpu: Duration,
    own_cpu: Duration,
}

/// What was used since the meter was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) wall: Duration,
    pub(crate) server: Duration,
    pub(crate) own: Duration,
}

impl Meter {
    pub(crate) fn start(server: u32) -> Result<Self> {
        Ok(Self {
            server,
            at: Instant::now(),
            server_cpu: cpu(server)?,
            own_cpu: cpu(std::process::id())?,
        })
    }

    pub(crate) fn read(&self) -> Result<Used> {
        Ok(Used {
            wall: self.at.elapsed(),
            server: cpu(self.server)?.saturating_sub(self.server_cpu),
            own: cpu(std::process::id())?.saturating_sub(self.own_cpu),
        })
    }
}

impl Used {
    /// Part of one processor that the server took.
    pub(crate) fn server_share(&self) -> f64 {
        self.server.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// Part of one processor that the load itself took: near 1 it measures itself.
    pub(crate) fn own_share(&self) -> f64 {
        self.own.as_secs_f64() / self.wall.as_secs_f64()
    }

    /// What the server used more than another reading, over the same time.
    pub(crate) fn server_beyond(&self, quiet: &Self) -> Duration {
        self.server
            .saturating_sub(self.wall.mul_f64(quiet.server_share()))
    }
}
