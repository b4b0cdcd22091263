//! `xtask-test-runner FILE.wasm [FILTER] [OPTIONS]`: runs the tests of a wasm file in Node or in a headless browser.
//!
//! Called by the name `wasm-bindgen` it is that program, which wasm-pack looks for in the version of `Cargo.lock`.

use std::env::args_os;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let called = args_os().next().unwrap_or_default();
    if Path::new(&called).file_stem() == Some("wasm-bindgen".as_ref()) {
        wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(args_os())
    } else {
        wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(args_os())
    }
}
