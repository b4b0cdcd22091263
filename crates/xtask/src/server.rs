//! The server: building it and handing over to it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shell::Shell;
use crate::{site, tools, wasm};

/// How the server is compiled.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Reads the pages from `dist/site/`.
    Dev,
    /// Carries the pages inside.
    Release,
}

/// Builds the server; tells where the program is.
pub(crate) fn build(project: &Project, shell: &mut Shell, profile: Profile) -> Result<PathBuf> {
    shell.section("server", |shell| {
        let mut cargo = project.cargo(&["build", "-p", "stillhere-server", "--bin", "stillhere"]);
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => {
                cargo.arg("--release");
                "release"
            }
        };
        shell.run(&mut cargo, "building the server")?;
        Ok(project.binary(folder, "stillhere"))
    })
}

/// Builds everything that is not up to date and becomes `stillhere serve`.
pub(crate) fn start(project: &Project, options: &[OsString]) -> Result<ExitCode> {
    let shell = &mut Shell::stream();
    tools::ensure_for_build(project, shell)?;
    wasm::build(project, shell)?;
    site::assemble(project)?;
    let binary = build(project, shell, Profile::Dev)?;
    let mut serve = project.command(&binary);
    serve.arg("serve").args(options);
    become_program(serve).with_context(|| format!("{} cannot be started", binary.display()))
}

/// The program takes this one's place, so signals reach it directly and nothing stays behind when it ends.
#[cfg(unix)]
pub(crate) fn become_program(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

/// Where a program cannot take another's place, it is waited for.
#[cfg(not(unix))]
pub(crate) fn become_program(mut command: Command) -> Result<ExitCode> {
    let code = command
        .status()?
        .code()
        .and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}
