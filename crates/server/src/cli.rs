//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;

use crate::backup;
use crate::settings::Settings;
use crate::shutdown::{self, Signals};
use crate::state::State;

/// Knows, fairly and provably, who is still here: the server for multiplayer experiments.
#[derive(Debug, Parser)]
#[command(name = "stillhere", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the experiment: waiting room, game, monitoring, storage.
    Serve(Serve),
    /// Copy database and key into another directory, also while the server runs. Restored by serving that directory.
    Backup(Backup),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The address to listen on; port 0 lets the system choose one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where games and data are kept, unless the settings name a database.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
    /// The experiment's settings (TOML); without it the demo is served.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Backup {
    /// Where games and data are kept.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Where the copy goes: a new directory, or one without a copy.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Runs the command line; what goes wrong is one sentence on standard error.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command;
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(log_level())
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("the system gives no threads to run on: {error}")),
    };
    let done = match command {
        Command::Serve(options) => runtime.block_on(serve(options)),
        Command::Backup(options) => runtime.block_on(save(options)),
    };
    match done {
        Ok(()) => {
            // Tasks that still wait for somebody must not hold the process up.
            runtime.shutdown_background();
            ExitCode::SUCCESS
        }
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("stillhere: {message}.");
    ExitCode::FAILURE
}

fn log_level() -> LevelFilter {
    std::env::var("STILLHERE_LOG")
        .ok()
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO)
}

async fn save(options: Backup) -> Result<(), String> {
    backup::backup(&options.data_dir, &options.to)
        .await
        .map_err(|error| error.to_string())?;
    let (copy, from) = (options.to.display(), options.data_dir.display());
    println!("{copy} holds everything that was stored in {from}");
    Ok(())
}

async fn serve(options: Serve) -> Result<(), String> {
    let settings = Settings::load(options.config.as_deref()).map_err(|error| error.to_string())?;
    for key in &settings.unknown_keys {
        tracing::warn!(%key, "this monitoring key is unknown and ignored");
    }
    // Before the data directory: a second start with the same command must touch nothing.
    let listener = TcpListener::bind(options.listen).await.map_err(|error| {
        let address = options.listen;
        match error.kind() {
            std::io::ErrorKind::AddrInUse => format!(
                "{address} is in use: stop what listens there, or choose another with --listen (port 0 takes any free one)"
            ),
            _ => format!("cannot listen on {address} ({error}): choose another with --listen"),
        }
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let state = State::open(settings, &options.data_dir)
        .await
        .map_err(|error| error.to_string())?;
    // From the line below on, somebody may ask it to stop.
    let signals = Signals::listen().map_err(|error| format!("no signals can be heard: {error}"))?;
    println!("stillhere is serving at http://{address}");
    shutdown::serve(listener, state, signals)
        .await
        .map_err(|error| format!("the server failed: {error}"))
}
