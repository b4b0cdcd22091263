//! `wasm-pack build` and `wasm-pack test`, as people type them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::browser::on_path;
use crate::project::Project;
use crate::shell::Shell;
use crate::steps::CannotRun;
use crate::tools;
use crate::wasm_tests;

const VERSION: &str = "0.15.1";

/// wasm-pack with what it would download.
pub(crate) struct WasmPack<'a> {
    project: &'a Project,
    program: PathBuf,
    path: OsString,
}

impl<'a> WasmPack<'a> {
    /// The machine's wasm-pack; CI makes one where there is none.
    pub(crate) fn ensure(project: &'a Project, shell: &mut Shell) -> Result<Self> {
        let made = tools::program(project, "wasm-pack");
        let found = on_path(&["wasm-pack"]).or_else(|| made.is_file().then(|| made.clone()));
        let program = match found {
            Some(program) => program,
            None if env::var_os("CI").is_some_and(|value| !value.is_empty()) => {
                tools::install_program(project, shell, "wasm-pack", VERSION)?;
                made
            }
            None => {
                return Err(CannotRun(format!(
                    "wasm-pack is not installed: `cargo install wasm-pack --version {VERSION} --locked`"
                ))
                .into());
            }
        };
        // It takes what is on the PATH in the version of Cargo.lock, and these are.
        let bindgen = bindgen_programs(project)?;
        let folders = [bindgen, project.node_modules().join(".bin")];
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(folders.into_iter().chain(env::split_paths(&inherited)))?;
        Ok(Self {
            project,
            program,
            path,
        })
    }

    /// A package for pages without a bundler; tells where it is.
    pub(crate) fn build(&self, shell: &mut Shell) -> Result<PathBuf> {
        let out = self.project.scratch().join("wasm-pack");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let mut build = self.command("build");
        build.args(["--target", "web", "--out-dir"]).arg(&out);
        shell.run(&mut build, "wasm-pack build --target web")?;
        Ok(out)
    }

    /// One file of tests: that the others pass is shown elsewhere.
    pub(crate) fn test(
        &self,
        shell: &mut Shell,
        drivers: &[(&'static str, PathBuf)],
    ) -> Result<()> {
        let mut test = self.command("test");
        test.arg("--headless");
        for (name, driver) in drivers {
            let (browser, option) = match *name {
                "CHROMEDRIVER" => ("--chrome", "--chromedriver"),
                "GECKODRIVER" => ("--firefox", "--geckodriver"),
                _ => continue,
            };
            test.args([OsStr::new(browser), OsStr::new(option)])
                .arg(driver)
                .env_remove(name);
        }
        test.args(["--", "--test", "options"]);
        shell.run(&mut test, "wasm-pack test --headless")
    }

    fn command(&self, subcommand: &str) -> Command {
        let mut command = self.project.command(&self.program);
        command
            .arg(subcommand)
            .env("PATH", &self.path)
            .env("CARGO_TARGET_DIR", self.project.target());
        command
    }
}

/// A folder with `wasm-bindgen` and its test runner, by these names.
fn bindgen_programs(project: &Project) -> Result<PathBuf> {
    let built = wasm_tests::build_runner(project)?;
    let folder = project.scratch().join("wasm-bindgen");
    fs::create_dir_all(&folder)?;
    for name in ["wasm-bindgen", "wasm-bindgen-test-runner"] {
        let program = folder.join(name).with_extension(env::consts::EXE_EXTENSION);
        replace(&built, &program)
            .with_context(|| format!("{} cannot be written", program.display()))?;
    }
    Ok(folder)
}

fn replace(from: &Path, to: &Path) -> io::Result<()> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::copy(from, to).map(drop)
}
