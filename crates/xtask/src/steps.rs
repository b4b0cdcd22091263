//! What `npm test` runs, in order. Every step brings about what it needs, so each can be run alone.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::browser::{self, Browser};
use crate::counts::{self, Counts};
use crate::engines::{ENGINE, Engine, Found};
use crate::project::{Project, WASM_TARGET};
use crate::shell::Shell;
use crate::wasm_pack::WasmPack;
use crate::{instructions, lint, package, server, services, site, tools, wasm};

/// A named part of the tests.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) needs_browser: bool,
    pub(crate) run: fn(&mut Job) -> Result<Detail>,
}

/// What the report says beside a step that passed.
pub(crate) type Detail = Option<String>;

/// Why a step cannot run on this machine, which is no failure.
#[derive(Debug)]
pub(crate) struct CannotRun(pub(crate) String);

impl std::error::Error for CannotRun {}

impl std::fmt::Display for CannotRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

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
    step(
        "instructions",
        "what the hot paths cost, against the committed figures",
        |job| instructions::check(&job.project, &mut job.shell),
    ),
    step("core-wasm", "the same tests compiled to wasm", core_wasm),
    step("server", "tests of the server", server_tests),
    in_browser("client", "wasm tests in headless Chromium", client),
    in_browser("client-firefox", "the same in headless Firefox", |job| {
        client_in(job, Engine::Firefox)
    }),
    in_browser("client-webkit", "the same in WebKit", |job| {
        client_in(job, Engine::WebKit)
    }),
    step("program", "pages and server program", |job| {
        program(job).map(none)
    }),
    step(
        "cluster",
        "servers behind HAProxy, with PostgreSQL and Redis, which fail",
        cluster,
    ),
    in_browser("e2e", "two real pages against the real server", e2e),
    in_browser(
        "packaging",
        "the packed package in pages of Vite, webpack and none",
        |job| {
            package::build(&job.project, &mut job.shell)?;
            against_server(job, "tests/packaging", vec![])
        },
    ),
    in_browser("jspsych", "the extension in timelines of jsPsych", |job| {
        package::build(&job.project, &mut job.shell)?;
        against_server(job, "tests/jspsych", vec![])
    }),
    in_browser("mug", "in place of MUG's own monitoring, on MUG", |job| {
        package::build(&job.project, &mut job.shell)?;
        against_server(job, "tests/mug", vec![])
    }),
    in_browser("wasm-pack", "wasm-pack build and wasm-pack test", wasm_pack),
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
        self.cargo_test_in("chromium", args)
    }

    fn cargo_test_in(&mut self, engine: &str, args: &[&str]) -> Result<Detail> {
        self.cargo_test_with(&[(ENGINE, engine.into())], args)
    }

    fn cargo_test_with(&mut self, variables: &[(&str, PathBuf)], args: &[&str]) -> Result<Detail> {
        let mut cargo = self.project.cargo(&["test"]);
        cargo.args(args).envs(self.browser_variables());
        cargo.envs(variables.iter().map(|(name, value)| (name, value)));
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
        result?;
        let log = self.shell.log();
        let skipped = counts::skipped_of_node(&log);
        let counted = at_least_one(Counts::of_node(&log))?;
        Ok(counted.map(|counted| [vec![counted], skipped].concat().join("; skipped: ")))
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
    let package = package::build(&job.project, &mut job.shell)?;
    job.shell.say(&package.to_string());
    package.sizes.check_budget()?;
    Ok(Some(package.sizes.summary()))
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

const CLIENT_TESTS: &[&str] = &[
    "-p",
    "stillhere",
    "--lib",
    "--tests",
    "--target",
    WASM_TARGET,
];

fn client(job: &mut Job) -> Result<Detail> {
    job.cargo_test(CLIENT_TESTS)
}

fn client_in(job: &mut Job, engine: Engine) -> Result<Detail> {
    match engine.ensure(&job.project, &mut job.shell)? {
        Found::Here(_) => {
            let mut args = CLIENT_TESTS.to_vec();
            let unable = engine.unable();
            if !unable.is_empty() {
                args.push("--");
            }
            for (name, why) in unable {
                args.extend(["--skip", name]);
                job.shell.say(&format!("﹣ {engine}: {name} # {why}"));
            }
            let passed = job.cargo_test_in(engine.id(), &args)?;
            let skipped = unable
                .iter()
                .map(|(name, why)| format!("skipped: {name} ({why})"));
            Ok(Some(
                passed
                    .into_iter()
                    .chain(skipped)
                    .collect::<Vec<_>>()
                    .join("; "),
            ))
        }
        Found::Missing(why) => Err(CannotRun(why).into()),
    }
}

fn server_tests(job: &mut Job) -> Result<Detail> {
    const TESTS: &[&str] = &["-p", "stillhere-server"];
    match services::postgres(&job.project, &mut job.shell)? {
        Ok(programs) => job.cargo_test_with(&[(services::POSTGRES_BIN, programs)], TESTS),
        Err(why) => {
            job.shell.say(&format!("﹣ postgres # {why}"));
            let passed = job.cargo_test(&[TESTS, &["--", "--skip", "postgres"]].concat())?;
            Ok(passed.map(|passed| format!("{passed}; skipped: postgres ({why})")))
        }
    }
}

fn cluster(job: &mut Job) -> Result<Detail> {
    match services::of_a_cluster(&job.project, &mut job.shell)? {
        Ok(programs) => against_server(job, "tests/cluster", programs),
        Err(why) => Err(CannotRun(why).into()),
    }
}

fn wasm_pack(job: &mut Job) -> Result<Detail> {
    let mut drivers: Vec<_> = job
        .browser
        .iter()
        .map(|found| ("CHROMEDRIVER", found.driver.clone()))
        .collect();
    let wasm_pack = WasmPack::ensure(&job.project, &mut job.shell)?;
    match Engine::Firefox.ensure(&job.project, &mut job.shell)? {
        Found::Here(tools) => drivers.extend(tools),
        Found::Missing(why) => job
            .shell
            .say(&format!("﹣ wasm-pack test --firefox # {why}")),
    }
    let package = wasm_pack.build(&mut job.shell)?;
    wasm_pack.test(&mut job.shell, &drivers)?;
    job.node_test("tests/wasm-pack", &[], &[("STILLHERE_WASM_PACK", package)])
}

fn program(job: &mut Job) -> Result<()> {
    wasm::build(&job.project, &mut job.shell)?;
    site::assemble(&job.project)?;
    server::build(&job.project, &mut job.shell, server::Profile::Dev).map(|_| ())
}

fn e2e(job: &mut Job) -> Result<Detail> {
    let mut variables = Vec::new();
    for engine in Engine::ALL {
        match engine.ensure(&job.project, &mut job.shell)? {
            Found::Here(tools) => variables.extend(tools),
            // The tests say it too, each by its name.
            Found::Missing(why) => job.shell.say(&format!("  {engine}: {why}")),
        }
    }
    against_server(job, "tests/e2e", variables)
}

/// Tests that start the real server, and browsers that load pages from it.
fn against_server(
    job: &mut Job,
    folder: &str,
    mut variables: Vec<(&'static str, PathBuf)>,
) -> Result<Detail> {
    program(job)?;
    variables.extend([
        ("STILLHERE_BIN", job.project.binary("debug", "stillhere")),
        (
            "STILLHERE_SCREENSHOTS",
            job.project.target().join("screenshots"),
        ),
        // The driver is known; nothing is to be looked up on the network.
        ("SE_OFFLINE", "true".into()),
        ("SE_AVOID_STATS", "true".into()),
    ]);
    // One file at a time: the pages of two tests would take each other's processor time.
    job.node_test(folder, &["--test-concurrency=1"], &variables)
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
