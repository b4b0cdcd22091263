//! Running compiled wasm tests, in Node or in a headless browser as each file asks for.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;

use crate::browser;
use crate::project::Project;
use crate::server::become_program;
use crate::shell::output_of;

/// How long a whole file of tests may take, in seconds: the runner's own 20 are too few on a busy machine.
const TEST_TIMEOUT: &str = "180";
/// How long the browser's driver may take to start, in seconds.
const DRIVER_TIMEOUT: &str = "60";

/// Becomes the test runner for one wasm file; the arguments are those that cargo gives.
pub(crate) fn run_file(project: &Project, args: &[OsString]) -> Result<ExitCode> {
    let tool = "xtask-test-runner";
    // Quietly: cargo calls this once per test file, amid the tests' own output.
    let build = [
        "build",
        "--quiet",
        "-p",
        "xtask",
        "--bin",
        tool,
        "--features",
        "test-runner",
    ];
    output_of(&mut project.cargo(&build)).context("the wasm test runner cannot be built")?;

    let mut run = project.command(project.binary("debug", tool));
    // The file's own folder, as a test program expects.
    run.current_dir(env::current_dir()?).args(args);
    for (name, value) in [
        ("WASM_BINDGEN_TEST_TIMEOUT", TEST_TIMEOUT),
        ("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", DRIVER_TIMEOUT),
    ] {
        if env::var_os(name).is_none() {
            run.env(name, value);
        }
    }
    if other_browser_is_named() {
        return become_program(run);
    }
    if let Some(found) = browser::find()? {
        let capabilities = project.scratch().join("webdriver.json");
        let options = json!({"goog:chromeOptions": {
            "binary": found.browser,
            "args": ["disable-gpu", "no-first-run", "disable-background-networking", "disable-component-update"],
        }});
        fs::create_dir_all(project.scratch())?;
        fs::write(&capabilities, options.to_string())?;
        run.env("CHROMEDRIVER", found.driver)
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities);
    }
    become_program(run)
}

/// Whoever names another browser's driver wants that browser.
fn other_browser_is_named() -> bool {
    ["GECKODRIVER", "SAFARIDRIVER", "MSEDGEDRIVER"]
        .iter()
        .any(|name| env::var_os(name).is_some())
}
