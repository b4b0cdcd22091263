//! What the server serves, in `dist/site/`.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::project::Project;
use crate::sync::{self, Plan};

/// Brings `dist/site/` up to date; tells how many files changed.
pub(crate) fn assemble(project: &Project) -> Result<usize> {
    let root = project.root();
    let mut plan = Plan::new();
    let mut add = |from: &Path, to: &str, keep: &dyn Fn(&Path) -> bool| {
        sync::plan_tree(&mut plan, from, Path::new(to), keep)
    };
    add(&root.join("www"), "", &|path| {
        !is_declaration(path) && !is_test(path)
    })?;
    add(&root.join("js"), "stillhere/js", &|path| is_script(path))?;
    add(&project.pkg(), "stillhere/pkg", &|path| {
        !is_declaration(path)
    })?;

    let name = "socket.io.esm.min.js";
    let socket_io = project
        .node_modules()
        .join("socket.io-client/dist")
        .join(name);
    if !socket_io.exists() {
        bail!(
            "{} is missing: run `npm ci` and try again",
            socket_io.display()
        );
    }
    plan.insert(Path::new("vendor").join(name), socket_io);
    sync::apply(&plan, &project.site())
}

/// The server is compiled against this folder, which a fresh checkout lacks.
pub(crate) fn ensure_folder(project: &Project) -> Result<()> {
    Ok(fs::create_dir_all(project.site())?)
}

fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "js")
}

fn is_test(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".test.js")
}

fn is_declaration(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".d.ts")
}
