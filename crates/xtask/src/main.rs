//! Builds, tests and serves stillhere: `cargo xtask <command>`, also behind the npm scripts.

mod args;
mod bench;
mod bench_client;
mod browser;
mod counts;
mod engines;
mod instructions;
mod lint;
mod package;
mod project;
mod server;
mod services;
mod shell;
mod site;
mod sizes;
mod steps;
mod suite;
mod sync;
mod ticker;
mod tools;
mod wasm;
mod wasm_pack;
mod wasm_tests;

use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse(std::env::args_os()).and_then(args::Command::run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
