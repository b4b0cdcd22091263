//! The stillhere server.

use std::process::ExitCode;

fn main() -> ExitCode {
    stillhere_server::cli::main()
}
