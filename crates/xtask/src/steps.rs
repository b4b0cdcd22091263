//! What `npm test` runs, in order. Every step brings about what it needs, so each can be run alone.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::browser::{self, Browser};
use crate::counts::Counts;
use crate::project::{Project, WASM_TARGET};
use crate::shell::Shell;
use crate::{lint, server, site, sizes, tools, wasm};

/// A named part of the tests.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) needs_browser: bool,
    pub(crate) run: fn(&mut Job) -> Result<Detail>,
}

/// What the report says beside a step that passed.
pub(crate) type Detail = Option<String>;

/// What steps work with.
pub(crate) struct Job {
    pub(crate) project: Project,
    pub(crate) shell: Shell,
    browser: Option<Browser>,
}

/// Every step, cheap ones first.
pub(crate) const ALL: &[Step] = &[
    step("format", "rustfmt", |job| {
        lint::rust_format(&job.project, &mut job.shell).map(none)
    }),
    step(
        "biome",
        "format and lints of scripts, pages and styles",
        |job| lint::biome(&job.project, &mut job.shell).map(none),
    ),
    step("clippy", "lints of every crate", |job| {
        lint::clippy(&job.project, &mut job.shell).map(none)
    }),
    step("clippy-wasm", "lints of what runs in the browser", |job| {
        lint::clippy_wasm(&job.project, &mut job.shell).map(none)
    }),
    step("wasm", "the browser package and its size", wasm_package),
    step("types", "types of the scripts (tsc --checkJs)", types),
    step("docs", "documentation without warnings", |job| {
        lint::docs(&job.project, &mut job.shell).map(none)
    }),
    step("pages", "tests of the demo's scripts", |job| {
        job.node_test("www/tests", &[], &[])
    }),
    step("xtask", "tests of the task runner", |job| {
        job.cargo_test(&["-p", "xtask"])
    }),
    step("core", "tests of the rules", |job| {
        job.cargo_test(&["-p", "stillhere-core", "--all-features"])
    }),
    step("core-wasm", "the same tests compiled to wasm", core_wasm),
    step("server", "tests of the server", |job| {
        job.cargo_test(&["-p", "stillhere-server"])
    }),
    in_browser("client", "wasm tests in headless Chromium", client),
    step("program", "pages and server program", |job| {
        program(job).map(none)
    }),
    in_browser("e2e", "two real pages against the real server", e2e),
];

const fn step(
    name: &'static str,
    about: &'static str,
    run: fn(&mut Job) -> Result<Detail>,
) -> Step {
    Step {
        name,
        about,
        needs_browser: false,
        run,
    }
}

const fn in_browser(
    name: &'static str,
    about: &'static str,
    run: fn(&mut Job) -> Result<Detail>,
) -> Step {
    Step {
        name,
        about,
        needs_browser: true,
        run,
    }
}

fn none((): ()) -> Detail {
    None
}

impl Job {
    pub(crate) fn new(project: Project, shell: Shell) -> Self {
        Self {
            project,
            shell,
            browser: None,
        }
    }

    /// What every selected step takes for granted.
    pub(crate) fn set_up(&mut self, with_browser: bool) -> Result<Detail> {
        tools::ensure_for_build(&self.project, &mut self.shell)?;
        tools::ensure_components(&self.project, &mut self.shell)?;
        site::ensure_folder(&self.project)?;
        if with_browser {
            self.browser = Some(browser::ensure(&self.project, &mut self.shell)?);
        }
        Ok(self
            .browser
            .as_ref()
            .map(|found| format!("browser: {}", found.browser.display())))
    }

    fn browser_variables(&self) -> Vec<(&'static str, &std::ffi::OsStr)> {
        self.browser.iter().flat_map(Browser::variables).collect()
    }

    fn cargo_test(&mut self, args: &[&str]) -> Result<Detail> {
        let mut cargo = self.project.cargo(&["test"]);
        cargo.args(args).envs(self.browser_variables());
        let result = self
            .shell
            .run(&mut cargo, &format!("cargo test {}", args.join(" ")));
        result.and_then(|()| at_least_one(Counts::of_cargo(&self.shell.log())))
    }

    fn node_test(
        &mut self,
        folder: &str,
        options: &[&str],
        variables: &[(&str, PathBuf)],
    ) -> Result<Detail> {
        let mut files = Vec::new();
        test_files(&self.project.root().join(folder), &mut files)?;
        if files.is_empty() {
            bail!("{folder} has no *.test.js file");
        }
        let mut node = self.project.command("node");
        node.args(["--test", "--test-reporter=spec"])
            .args(options)
            .args(files)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .envs(self.browser_variables());
        let result = self.shell.run(&mut node, &format!("node --test {folder}"));
        result.and_then(|()| at_least_one(Counts::of_node(&self.shell.log())))
    }
}

/// A run that found no test proves nothing.
fn at_least_one(counts: Counts) -> Result<Detail> {
    if counts.passed == 0 {
        bail!("no test ran");
    }
    Ok(Some(counts.to_string()))
}

fn wasm_package(job: &mut Job) -> Result<Detail> {
    wasm::build(&job.project, &mut job.shell)?;
    let sizes = sizes::measure(&job.project, &mut job.shell)?;
    job.shell.say(&sizes.to_string());
    sizes.check_budget()?;
    Ok(Some(sizes.summary()))
}

fn types(job: &mut Job) -> Result<Detail> {
    wasm::build(&job.project, &mut job.shell)?;
    lint::types(&job.project, &mut job.shell).map(none)
}

fn core_wasm(job: &mut Job) -> Result<Detail> {
    job.cargo_test(&[
        "-p",
        "stillhere-core",
        "--all-features",
        "--lib",
        "--tests",
        "--target",
        WASM_TARGET,
    ])
}

fn client(job: &mut Job) -> Result<Detail> {
    job.cargo_test(&[
        "-p",
        "stillhere",
        "--lib",
        "--tests",
        "--target",
        WASM_TARGET,
    ])
}

fn program(job: &mut Job) -> Result<()> {
    wasm::build(&job.project, &mut job.shell)?;
    site::assemble(&job.project)?;
    server::build(&job.project, &mut job.shell, server::Profile::Dev).map(|_| ())
}

fn e2e(job: &mut Job) -> Result<Detail> {
    program(job)?;
    let variables = [
        ("STILLHERE_BIN", job.project.binary("debug", "stillhere")),
        (
            "STILLHERE_SCREENSHOTS",
            job.project.target().join("screenshots"),
        ),
        // The driver is known; nothing is to be looked up on the network.
        ("SE_OFFLINE", "true".into()),
        ("SE_AVOID_STATS", "true".into()),
    ];
    // One file at a time: the pages of two tests would take each other's processor time.
    job.node_test("tests/e2e", &["--test-concurrency=1"], &variables)
}

/// Listed by name: Node 20 takes folders, later versions patterns.
fn test_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            test_files(&entry.path(), files)?;
        } else if entry.file_name().to_string_lossy().ends_with(".test.js") {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Whether output is wanted as it comes: someone is watching, or a CI system keeps it.
pub(crate) fn wants_stream() -> bool {
    use std::io::{IsTerminal, stdout};
    stdout().is_terminal()
        || env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}
