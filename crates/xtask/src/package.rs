//! What is published, in `dist/`: the scripts for pages and for bundlers, the wasm, the declarations.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::shell::Shell;
use crate::sizes::{self, Sizes};
use crate::sync::{self, Plan};
use crate::wasm;

/// Which of them pages load by a `<script>` with an `integrity` attribute, most of all.
const BUNDLES: [&str; 2] = ["stillhere.js", "stillhere.global.js"];

/// A built package.
pub(crate) struct Package {
    pub(crate) sizes: Sizes,
    integrity: Vec<(&'static str, String)>,
}

/// Brings `dist/` up to date; what the server serves, in `dist/site/`, stays as it is.
pub(crate) fn build(project: &Project, shell: &mut Shell) -> Result<Package> {
    wasm::build(project, shell)?;
    shell.section("package", |shell| {
        let dist = project.dist();
        fs::create_dir_all(&dist)?;
        // Two commands may be building at once.
        let lock = File::create(dist.join(".lock"))?;
        lock.lock()?;
        let out = project.scratch().join("dist");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let mut run = project.node("crates/xtask/package.mjs");
        shell.run_quietly(run.arg(&out), "bundling the package")?;

        let mut plan = Plan::new();
        sync::plan_tree(&mut plan, &out, Path::new(""), &|_| true)?;
        sync::apply_beside(&plan, &dist, &project.site())?;
        Ok(Package {
            sizes: sizes::measure(project)?,
            integrity: integrity(&dist)?,
        })
    })
}

fn integrity(dist: &Path) -> Result<Vec<(&'static str, String)>> {
    let text = fs::read_to_string(dist.join("integrity.json"))?;
    let hashes: serde_json::Value = serde_json::from_str(&text)?;
    BUNDLES
        .iter()
        .map(|name| {
            let hash = hashes[name].as_str();
            let hash = hash.with_context(|| format!("integrity.json says nothing of {name}"))?;
            Ok((*name, hash.to_owned()))
        })
        .collect()
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sizes)?;
        for (name, hash) in &self.integrity {
            write!(f, "\n{name:<24} integrity=\"{hash}\"")?;
        }
        Ok(())
    }
}
