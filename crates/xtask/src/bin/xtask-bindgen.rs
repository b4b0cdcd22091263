//! `xtask-bindgen INPUT.wasm OUT_DIR`: the JavaScript glue, the types and the wasm for the browser.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use walrus::{ElementItems, FunctionBuilder, Module};
use wasm_bindgen_cli_support::{Bindgen, EncodeInto, Output};

/// Where the generated script finds the hand-written ones.
const SNIPPETS: &str = "./snippets/";

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let input = args
        .next()
        .context("the path of the wasm file is missing")?;
    let out_dir = args.next().context("the output directory is missing")?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(input)
        .web(true)?
        // Otherwise `init()` without arguments has no file to load.
        .omit_default_module_path(false)
        // What we pass is too short for the quicker way to be worth its code.
        .encode_into(EncodeInto::Never)
        .typescript(true);
    let glue = out_dir.join(bindgen.stem()?).with_extension("js");
    let mut output = bindgen.generate_output()?;
    drop_executor(output.wasm_mut());
    let names = shorten_imports(&mut output);
    output.emit(&out_dir)?;
    rename_in_glue(&glue, &names)
}

/// js-sys brings an executor for futures, whether or not there are any. Nothing calls it, but what it calls by pointer is in the
/// function table, which no optimiser dares to shorten: 3 kB (1 kB gzip) that reach no one.
fn drop_executor(module: &mut Module) {
    let is_used = module.funcs.iter().any(|function| {
        let name = function.name.as_deref();
        name.is_some_and(|name| name.contains("js_sys::futures::queue"))
    });
    if is_used {
        return;
    }
    let mut trap = FunctionBuilder::new(&mut module.types, &[], &[]);
    trap.func_body().unreachable();
    let trap = trap.finish(Vec::new(), &mut module.funcs);
    for element in module.elements.iter_mut() {
        let ElementItems::Functions(functions) = &mut element.items else {
            continue;
        };
        for function in functions {
            let name = module.funcs.get(*function).name.as_deref().unwrap_or("");
            if EXECUTOR.iter().any(|part| name.contains(part)) {
                *function = trap;
            }
        }
    }
}

/// The executor's own functions, and the words of a panic that only it can come to.
const EXECUTOR: &[&str] = &[
    "js_sys::futures::",
    "::cell::BorrowError as ",
    "::cell::BorrowMutError as ",
];

/// The names under which the wasm imports each function hold a hash, in wasm and glue alike, and hashes do not compress:
/// numbers make the download 3 kB smaller.
fn shorten_imports(output: &mut Output) -> Vec<(String, String)> {
    let imports = output.wasm_mut().imports.iter_mut();
    imports
        // Our own scripts are imported as they are.
        .filter(|import| !import.module.starts_with(SNIPPETS))
        .enumerate()
        .map(|(number, import)| {
            let short = format!("i{number}");
            (mem::replace(&mut import.name, short.clone()), short)
        })
        .collect()
}

fn rename_in_glue(path: &Path, names: &[(String, String)]) -> Result<()> {
    let mut glue = fs::read_to_string(path)?;
    for (long, short) in names {
        let key = format!("{long}: ");
        ensure!(
            glue.matches(&key).count() == 1,
            "{} does not define `{long}` once",
            path.display()
        );
        glue = glue.replace(&key, &format!("{short}: "));
    }
    fs::write(path, glue)?;
    Ok(())
}
