//! Measures the server beside its peers, in one run, on one machine: `npm run bench`.

mod args;
mod client;
mod echo;
mod export;
mod games;
mod machine;
mod packet;
mod peer;
mod plot;
mod process;
mod report;
mod samples;
mod scenario;
mod traffic;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    // Both ends of 10,000 sockets, each in a process of its own.
    rlimit::increase_nofile_limit(65_536)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match args::parse()? {
        args::Command::Echo => runtime.block_on(echo::serve()),
        args::Command::Measure(plan) => runtime.block_on(plan.run()),
    }
}
