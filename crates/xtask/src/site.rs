//! What the server serves, in `dist/site/`.

use std::path::Path;

use anyhow::{Result, bail};

use crate::project::Project;
use crate::sync::{self, Plan};

/// What pages take from other packages: the folder in `node_modules/`, the folder below `vendor/`, the files.
const VENDORED: &[(&str, &str, &[&str])] = &[
    ("socket.io-client/dist", "", &["socket.io.esm.min.js"]),
    // No more than Python itself: its packages stay out.
    (
        "pyodide",
        "pyodide",
        &[
            "pyodide.mjs",
            "pyodide.asm.mjs",
            "pyodide.asm.wasm",
            "pyodide-lock.json",
            "python_stdlib.zip",
        ],
    ),
];

/// Scripts that mean something only once they are bundled.
const FOR_BUNDLES: &[&str] = &[
    "js/inline.js",
    "js/global.js",
    "js/jspsych-global.js",
    "js/current-script.js",
];

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
    add(&root.join("js"), "stillhere/js", &|path| {
        is_script(path) && !FOR_BUNDLES.iter().any(|name| path.ends_with(name))
    })?;
    add(&project.pkg(), "stillhere/pkg", &|path| {
        !is_declaration(path)
    })?;

    for (package_folder, to, names) in VENDORED {
        let from = project.node_modules().join(package_folder);
        for name in *names {
            let file = from.join(name);
            if !file.exists() {
                bail!("{} is missing: run `npm ci` and try again", file.display());
            }
            plan.insert(Path::new("vendor").join(to).join(name), file);
        }
    }
    sync::apply(&plan, &project.site())
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
