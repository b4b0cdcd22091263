//! `xtask-bindgen INPUT.wasm OUT_DIR`: the JavaScript glue, the types and the wasm for the browser.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let input = args
        .next()
        .context("the path of the wasm file is missing")?;
    let out_dir = args.next().context("the output directory is missing")?;
    Bindgen::new()
        .input_path(input)
        .web(true)?
        // Otherwise `init()` without arguments has no file to load.
        .omit_default_module_path(false)
        .typescript(true)
        .generate(out_dir)
}
