//! Where things are, and the commands that start there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The target of the browser client.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The checkout.
pub(crate) struct Project {
    root: PathBuf,
    target: PathBuf,
}

impl Project {
    /// The checkout that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        // Cargo sets the variable when it runs this program: right even where the checkout was moved after the build.
        let own = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .filter(|dir| dir.ends_with("crates/xtask"))
            .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let root = own
            .ancestors()
            .nth(2)
            .context("the checkout was not found")?
            .to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The generated browser package.
    pub(crate) fn pkg(&self) -> PathBuf {
        self.root.join("pkg")
    }

    /// What is published.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// What the server serves.
    pub(crate) fn site(&self) -> PathBuf {
        self.root.join("dist/site")
    }

    pub(crate) fn node_modules(&self) -> PathBuf {
        self.root.join("node_modules")
    }

    /// Files that only this program reads and writes.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// A native program that cargo built into a profile's folder.
    pub(crate) fn binary(&self, profile_dir: &str, name: &str) -> PathBuf {
        self.target
            .join(profile_dir)
            .join(name)
            .with_extension(env::consts::EXE_EXTENSION)
    }

    /// A program run at the root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        clear_cargo_run(&mut command);
        command
    }

    /// `cargo` with these arguments, at the root, in this target directory.
    pub(crate) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(args).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Node running a script that lies under the root.
    pub(crate) fn node(&self, script: impl AsRef<Path>) -> Command {
        let mut command = self.command("node");
        command.arg(self.root.join(script));
        command
    }
}

/// `cargo run` leaves its variables behind; build scripts that watch them would run again and again.
fn clear_cargo_run(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
}
