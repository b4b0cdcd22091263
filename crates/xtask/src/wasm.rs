//! The client's wasm with its generated script and types: cargo, wasm-bindgen, wasm-opt; in `pkg/`.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project::{Project, WASM_TARGET};
use crate::shell::Shell;
use crate::sync;

/// The name of the generated files.
const NAME: &str = "stillhere";

/// What rustc emits for this target by default and every supported browser has. Never `--all-features`: that emits
/// constructs that no browser reads yet.
const WASM_OPT_FLAGS: &[&str] = &[
    // Rust puts nothing into the first kilobyte.
    "--low-memory-unused",
    // Control flow found anew is shorter than what the compiler leaves.
    "--flatten",
    "--rereloop",
    "--merge-similar-functions",
    "-Oz",
    "--merge-similar-functions",
    "-Oz",
    "--converge",
    // Large functions made of many that are called once compress worse than the many.
    "--one-caller-inline-max-function-size=25",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Brings `pkg/` up to date.
pub(crate) fn build(project: &Project, shell: &mut Shell) -> Result<()> {
    shell.section("browser client", |shell| {
        let mut cargo = project.cargo(&[
            "build",
            "--profile",
            "wasm",
            "--target",
            WASM_TARGET,
            "-p",
            NAME,
        ]);
        cargo.arg("--config").arg(without_paths(project));
        shell.run(&mut cargo, "building the browser client")?;
        let built = project
            .target()
            .join(WASM_TARGET)
            .join("wasm")
            .join(NAME)
            .with_extension("wasm");
        package(project, shell, &built)
    })
}

fn package(project: &Project, shell: &mut Shell, built: &Path) -> Result<()> {
    let pkg = project.pkg();
    fs::create_dir_all(&pkg)?;
    // Two commands may be building at once (a server started while the tests run).
    let lock = File::create(pkg.join(".lock"))?;
    lock.lock()?;

    let stamp = pkg.join(".stamp");
    let inputs = fingerprint(project, built)?;
    // `wasm-pack build` writes into this folder too.
    if let Ok(outputs) = fingerprint_of(&outputs(&pkg))
        && fs::read_to_string(&stamp).is_ok_and(|made| made == format!("{inputs} {outputs}"))
    {
        return Ok(());
    }
    let out = project.scratch().join("pkg");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    bindgen(project, shell, built, &out)?;
    optimise(project, shell, &out)?;

    let mut plan = sync::Plan::new();
    sync::plan_tree(&mut plan, &out, Path::new(""), &|_| true)?;
    sync::apply(&plan, &pkg)?;
    let outputs = fingerprint_of(&outputs(&pkg))?;
    fs::write(stamp, format!("{inputs} {outputs}"))?;
    Ok(())
}

fn bindgen(project: &Project, shell: &mut Shell, built: &Path, out: &Path) -> Result<()> {
    let tool = "xtask-bindgen";
    let mut cargo = project.cargo(&[
        "build",
        "-p",
        "xtask",
        "--bin",
        tool,
        "--features",
        "bindgen",
    ]);
    shell.run(&mut cargo, "building wasm-bindgen")?;
    let mut run = project.command(project.binary("debug", tool));
    shell.run_quietly(run.arg(built).arg(out), "wasm-bindgen")
}

/// Messages of panics name source files: no need to ship where they lay on this machine.
fn without_paths(project: &Project) -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let user = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"))?;
        Some(PathBuf::from(user).join(".cargo"))
    });
    let flags: Vec<String> = home
        .iter()
        .map(|home| (home.join("registry/src"), "crates"))
        .chain([(project.root().to_path_buf(), "stillhere")])
        .map(|(from, to)| {
            format!(
                "{:?}",
                format!("--remap-path-prefix={}={to}", from.display())
            )
        })
        .collect();
    format!("target.{WASM_TARGET}.rustflags=[{}]", flags.join(","))
}

fn optimise(project: &Project, shell: &mut Shell, out: &Path) -> Result<()> {
    let wasm = out.join(format!("{NAME}_bg.wasm"));
    let smaller = project.scratch().join("optimised.wasm");
    let mut run = project.node("node_modules/binaryen/bin/wasm-opt");
    run.args(WASM_OPT_FLAGS).arg(&wasm).arg("-o").arg(&smaller);
    shell.run_quietly(&mut run, "wasm-opt")?;
    fs::rename(smaller, wasm)?;
    Ok(())
}

fn outputs(pkg: &Path) -> [PathBuf; 3] {
    [
        format!("{NAME}.js"),
        format!("{NAME}.d.ts"),
        format!("{NAME}_bg.wasm"),
    ]
    .map(|file| pkg.join(file))
}

/// Changes whenever the package has to be made again.
fn fingerprint(project: &Project, built: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    include_str!("bin/xtask-bindgen.rs").hash(&mut hasher);
    WASM_OPT_FLAGS.hash(&mut hasher);
    let files = [
        built.to_path_buf(),
        project.root().join("package-lock.json"),
    ];
    fingerprint_of(&files)?.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

fn fingerprint_of(files: &[PathBuf]) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        read(file)?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
