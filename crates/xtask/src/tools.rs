//! What a fresh machine lacks, and fetching it where that is possible.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::project::{Project, WASM_TARGET};
use crate::shell::{Shell, output_of};

/// Everything a build needs.
pub(crate) fn ensure_for_build(project: &Project, shell: &mut Shell) -> Result<()> {
    ensure_wasm_target(project, shell)?;
    ensure_npm_packages(project, shell)
}

/// The standard library for the browser.
pub(crate) fn ensure_wasm_target(project: &Project, shell: &mut Shell) -> Result<()> {
    let mut query = project.command("rustc");
    let libraries = output_of(query.args(["--print", "target-libdir", "--target", WASM_TARGET]))?;
    if Path::new(&libraries).exists() {
        return Ok(());
    }
    shell.say(&format!(
        "· Rust target {WASM_TARGET} is missing: adding it"
    ));
    shell.run(project.command("rustup").args(["target", "add", WASM_TARGET]), "rustup target add").with_context(|| {
        format!(
            "the Rust target {WASM_TARGET} cannot be added; \
             install Rust with rustup (https://rustup.rs), run `rustup target add {WASM_TARGET}` and try again"
        )
    })
}

/// rustfmt and clippy, which a minimal toolchain leaves out.
pub(crate) fn ensure_components(project: &Project, shell: &mut Shell) -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if output_of(&mut project.cargo(&[subcommand, "--version"])).is_ok() {
            continue;
        }
        shell.say(&format!(
            "· Rust component {component} is missing: adding it"
        ));
        shell
            .run(
                project
                    .command("rustup")
                    .args(["component", "add", component]),
                "rustup component add",
            )
            .with_context(|| {
                format!("`rustup component add {component}` is needed before this can go on")
            })?;
    }
    Ok(())
}

/// The npm packages of the lock file.
pub(crate) fn ensure_npm_packages(project: &Project, shell: &mut Shell) -> Result<()> {
    let lock = project.root().join("package-lock.json");
    // npm writes this file last, so it also tells that an installation was finished.
    let installed = project.node_modules().join(".package-lock.json");
    if modified(&installed).is_some_and(|done| modified(&lock).is_some_and(|wanted| wanted <= done))
    {
        return Ok(());
    }
    shell.section("npm packages", |shell| {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        shell
            .run_quietly(
                // Packages bring their programs as packages; nothing has to be downloaded or run while installing.
                project
                    .command(npm)
                    .args(["ci", "--ignore-scripts", "--loglevel=error"]),
                "npm ci",
            )
            .context("the npm packages cannot be installed; check the network and try again")?;
        if !installed.exists() {
            bail!("npm ci ended without {}", installed.display());
        }
        // npm may keep the time of the packages' own release; ours is the time of this installation.
        fs::File::options()
            .append(true)
            .open(&installed)?
            .set_modified(SystemTime::now())?;
        Ok(())
    })
}

/// Where a program lies that was made by `install_program`.
pub(crate) fn program(project: &Project, name: &str) -> PathBuf {
    folder(project)
        .join("bin")
        .join(name)
        .with_extension(env::consts::EXE_EXTENSION)
}

/// Makes a program of a crate and keeps it for later runs.
pub(crate) fn install_program(
    project: &Project,
    shell: &mut Shell,
    name: &str,
    version: &str,
) -> Result<()> {
    shell.section(
        &format!("{name} is missing: making it (some minutes, once)"),
        |shell| {
            let scratch = folder(project).join("build");
            let mut cargo = project.cargo(&["install", name, "--version", version, "--locked"]);
            // Optimising would take longer than it could ever save.
            cargo.arg("--debug").arg("--root").arg(folder(project));
            cargo.env("CARGO_TARGET_DIR", &scratch);
            let done = shell.run_quietly(&mut cargo, &format!("cargo install {name}"));
            let _ = fs::remove_dir_all(scratch);
            done
        },
    )
}

fn folder(project: &Project) -> PathBuf {
    project.target().join("tools")
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
