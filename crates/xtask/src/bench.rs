//! The benchmarks: fetching and building what is measured, and handing over to the load generator.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::project::Project;
use crate::server::{self, Profile, become_program};
use crate::shell::Shell;

/// Builds and fetches everything that is not there, and becomes the load generator.
pub(crate) fn run(project: &Project, options: &[OsString]) -> Result<ExitCode> {
    let shell = &mut Shell::stream();
    let ours = server::build(project, shell, Profile::Release)?;
    let load = build_load(project, shell)?;
    let scratch = project.target().join("bench");
    node_peer(project, shell, &scratch.join("node"))?;
    mug(project, shell, &scratch)?;
    let mut measure = project.command(load);
    measure
        .arg("--bench")
        .arg(project.root().join("bench"))
        .arg("--server")
        .arg(ours)
        .arg("--scratch")
        .arg(&scratch)
        .args(options);
    become_program(measure)
}

fn build_load(project: &Project, shell: &mut Shell) -> Result<PathBuf> {
    shell.section("load generator", |shell| {
        let mut cargo = project.cargo(&["build", "-p", "stillhere-load", "--profile", "load"]);
        shell.run(&mut cargo, "building the load generator")
    })?;
    Ok(project.binary("load", "stillhere-load"))
}

/// Node's Socket.IO, in the versions of its lock file.
fn node_peer(project: &Project, shell: &mut Shell, place: &Path) -> Result<()> {
    let source = project.root().join("bench/peers/node");
    fs::create_dir_all(place)?;
    fs::copy(source.join("server.js"), place.join("server.js"))?;
    once(
        &source.join("package-lock.json"),
        &place.join("installed.txt"),
        || {
            for name in ["package.json", "package-lock.json"] {
                fs::copy(source.join(name), place.join(name))?;
            }
            shell.section("Node's Socket.IO", |shell| {
                let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
                let mut install = project.command(npm);
                install
                    .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                    .current_dir(place);
                shell.run_quietly(&mut install, "npm ci")
            })
        },
    )
}

/// MUG's own package, in a virtual environment.
fn mug(project: &Project, shell: &mut Shell, scratch: &Path) -> Result<()> {
    let wanted = project.root().join("tests/mug/experiment/requirements.txt");
    let venv = scratch.join("venv");
    once(&wanted, &scratch.join("mug.txt"), || {
        shell.section("MUG", |shell| {
            let mut make = project.command("python3");
            make.args(["-m", "venv", "--clear"]).arg(&venv);
            shell
                .run_quietly(&mut make, "python3 -m venv")
                .context("MUG needs Python 3.10 or newer with its module venv; without it, choose --peer ours,node,echo")?;
            let mut install = Command::new(venv.join("bin/python"));
            install
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg("--requirement")
                .arg(&wanted);
            shell.run_quietly(&mut install, "pip install")
        })
    })
}

/// Does something unless it was done for what a file says now.
fn once(wanted: &Path, stamp: &Path, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = fs::read_to_string(wanted)?;
    if fs::read_to_string(stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    work()?;
    fs::write(stamp, wanted)?;
    Ok(())
}
