//! Checks that run no test: format, lints, types, documentation.

use std::io::{IsTerminal, stdout};
use std::process::Command;

use anyhow::Result;

use crate::project::{Project, WASM_TARGET};
use crate::shell::Shell;
use crate::wasm;

/// The same for Clippy and rustdoc, so that they share what they compile.
const EVERY_TOOL: &str = "xtask/bindgen,xtask/test-runner";

const DENY_WARNINGS: &[&str] = &["--", "-D", "warnings"];

/// Every check of this module, in order.
pub(crate) fn all(project: &Project, shell: &mut Shell) -> Result<()> {
    shell.section("Rust format", |shell| rust_format(project, shell))?;
    shell.section("Biome", |shell| biome(project, shell))?;
    shell.section("Clippy", |shell| clippy(project, shell))?;
    shell.section("Clippy for the browser", |shell| {
        clippy_wasm(project, shell)
    })?;
    wasm::build(project, shell)?;
    shell.section("TypeScript's view of the scripts", |shell| {
        types(project, shell)
    })?;
    shell.section("Rust documentation", |shell| docs(project, shell))
}

/// Rewrites the sources.
pub(crate) fn format(project: &Project, shell: &mut Shell) -> Result<()> {
    shell.run(&mut project.cargo(&["fmt", "--all"]), "cargo fmt")?;
    shell.run(
        biome_program(project, "check").arg("--write"),
        "biome check --write",
    )
}

pub(crate) fn rust_format(project: &Project, shell: &mut Shell) -> Result<()> {
    shell.run(
        &mut project.cargo(&["fmt", "--all", "--check"]),
        "cargo fmt --check (`npm run format` corrects it)",
    )
}

/// Format and lints of the scripts, pages and styles.
pub(crate) fn biome(project: &Project, shell: &mut Shell) -> Result<()> {
    shell.run(
        biome_program(project, "ci").arg("--error-on-warnings"),
        "biome ci (`npm run format` corrects the format)",
    )
}

fn biome_program(project: &Project, command: &str) -> Command {
    let mut biome = project.node("node_modules/@biomejs/biome/bin/biome");
    biome.arg(command);
    if !stdout().is_terminal() {
        biome.arg("--colors=off");
    }
    biome
}

pub(crate) fn clippy(project: &Project, shell: &mut Shell) -> Result<()> {
    let mut cargo = project.cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        EVERY_TOOL,
    ]);
    shell.run(cargo.args(DENY_WARNINGS), "cargo clippy")
}

/// What only the browser compiles, and the core without the features that only the server uses.
pub(crate) fn clippy_wasm(project: &Project, shell: &mut Shell) -> Result<()> {
    let packages = [
        "clippy",
        "--target",
        WASM_TARGET,
        "--all-targets",
        "-p",
        "stillhere",
        "-p",
        "stillhere-core",
    ];
    shell.run(
        project.cargo(&packages).args(DENY_WARNINGS),
        "cargo clippy for the browser",
    )
}

/// The scripts against each other and against the generated declarations in `pkg/`.
pub(crate) fn types(project: &Project, shell: &mut Shell) -> Result<()> {
    for config in ["tsconfig.json", "tsconfig.node.json"] {
        let mut tsc = project.node("node_modules/typescript/bin/tsc");
        shell.run(tsc.args(["-p", config]), &format!("tsc -p {config}"))?;
    }
    Ok(())
}

/// Of the libraries: the server's program would write over the client, whose name it shares.
pub(crate) fn docs(project: &Project, shell: &mut Shell) -> Result<()> {
    let scope = ["doc", "--no-deps", "--workspace", "--lib", "--features"];
    let mut cargo = project.cargo(&scope);
    cargo.arg(EVERY_TOOL).env("RUSTDOCFLAGS", "-D warnings");
    shell.run(&mut cargo, "cargo doc")
}
