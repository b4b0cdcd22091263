//! Running compiled wasm tests, in Node or in a headless browser as each file asks for.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::browser;
use crate::engines::{self, ENGINE, Engine, Found};
use crate::project::Project;
use crate::server::become_program;
use crate::shell::output_of;

/// How long a whole file of tests may take, in seconds: the runner's own 20 are too few on a busy machine.
const TEST_TIMEOUT: &str = "180";
/// How long the browser's driver may take to start, in seconds.
const DRIVER_TIMEOUT: &str = "60";

const OTHER_DRIVERS: &[&str] = &["GECKODRIVER", "SAFARIDRIVER", "MSEDGEDRIVER"];

/// Becomes the test runner for one wasm file; the arguments are those that cargo gives.
pub(crate) fn run_file(project: &Project, args: &[OsString]) -> Result<ExitCode> {
    let runner = build_runner(project)?;
    let engine = env::var(ENGINE).unwrap_or_default();
    let mut run = match engines::screen() {
        // Each file gets a screen of its own, which ends with it.
        Some(screen) if engine == Engine::WebKit.id() => {
            let mut run = project.command(screen);
            run.arg("-a").arg(runner);
            run
        }
        _ => project.command(runner),
    };
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
    if !["", "chromium", "firefox", "webkit"].contains(&engine.as_str()) {
        bail!("{ENGINE} is {engine:?}: it can be chromium, firefox or webkit");
    }
    if let Some(engine) = Engine::ALL.into_iter().find(|known| known.id() == engine) {
        choose(project, engine, &mut run)?;
    } else if (!engine.is_empty() || !other_browser_is_named())
        && let Some(found) = browser::find()?
    {
        forget_drivers(&mut run);
        run.env("CHROMEDRIVER", found.driver);
        set_capabilities(
            project,
            &mut run,
            Some(("goog:chromeOptions", found.browser.as_path())),
        )?;
    }
    become_program(run)
}

/// Builds the runner; tells where it is.
pub(crate) fn build_runner(project: &Project) -> Result<PathBuf> {
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
    Ok(project.binary("debug", tool))
}

fn choose(project: &Project, engine: Engine, run: &mut Command) -> Result<()> {
    forget_drivers(run);
    let tools = match engine.find(project)? {
        Found::Here(tools) => tools,
        Found::Missing(why) => bail!(why),
    };
    let mut options = None;
    for (name, path) in &tools {
        match *name {
            "FIREFOX" => options = Some(("moz:firefoxOptions", path.as_path())),
            // The runner knows WebKit as Safari; its driver knows its browser.
            "WEBKIT_DRIVER" => drop(run.env("SAFARIDRIVER", path)),
            _ => drop(run.env(name, path)),
        }
    }
    set_capabilities(project, run, options)
}

/// The runner takes the first that is named, whichever was chosen.
fn forget_drivers(run: &mut Command) {
    for driver in [&["CHROMEDRIVER"], OTHER_DRIVERS].concat() {
        run.env_remove(driver);
    }
}

/// What `webdriver.json` asks of one browser, and where that browser is; nothing of the others.
fn set_capabilities(
    project: &Project,
    run: &mut Command,
    browser: Option<(&str, &Path)>,
) -> Result<()> {
    let mut capabilities = json!({});
    if let Some((key, path)) = browser {
        let text = fs::read_to_string(project.root().join("webdriver.json"))?;
        let common: Value = serde_json::from_str(&text).context("webdriver.json")?;
        capabilities[key] = common[key].clone();
        capabilities[key]["binary"] = json!(path);
    }
    let file = project.scratch().join("webdriver.json");
    fs::create_dir_all(project.scratch())?;
    fs::write(&file, capabilities.to_string())?;
    run.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", file);
    Ok(())
}

/// Whoever names another browser's driver wants that browser.
fn other_browser_is_named() -> bool {
    OTHER_DRIVERS.iter().any(|name| env::var_os(name).is_some())
}
