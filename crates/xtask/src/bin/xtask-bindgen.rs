//! `xtask-bindgen INPUT.wasm OUT_DIR`: the JavaScript glue, the types and the wasm for the browser.

use std::collections::HashSet;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use walrus::ir::{Visitor, dfs_in_order};
use walrus::{
    ElementItems, ExportItem, FunctionBuilder, FunctionId, FunctionKind, LocalFunction, Module,
};
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
        // Where the module is, the loader says: each entry of the package has it in another place.
        .omit_default_module_path(true)
        // What we pass is too short for the quicker way to be worth its code.
        .encode_into(EncodeInto::Never)
        .typescript(true);
    let glue = out_dir.join(bindgen.stem()?).with_extension("js");
    let mut output = bindgen.generate_output()?;
    drop_executor(output.wasm_mut());
    drop_last_words(output.wasm_mut());
    let imports = shorten_imports(&mut output);
    let exports = shorten_exports(&mut output);
    output.emit(&out_dir)?;
    rename_in_glue(&glue, &imports, |name| format!("{name}: "))?;
    // Followed by something that no name has, so that a name which begins another one is left alone.
    for end in ["(", ",", ";", ")"] {
        replace_in(&glue, &exports, |name| format!("wasm.{name}{end}"))?;
    }
    let left = fs::read_to_string(&glue)?;
    for (name, _) in &exports {
        ensure!(
            !left.contains(&format!("wasm.{name}")),
            "{name} is called in a way that is not known"
        );
    }
    for types in [
        glue.with_extension("d.ts"),
        out_dir.join("stillhere_bg.wasm.d.ts"),
    ] {
        replace_in(&types, &exports, |name| format!(" {name}: "))?;
    }
    Ok(())
}

/// js-sys brings an executor for futures, whether or not there are any. Nothing calls it, but what it calls by pointer is in the
/// function table, which no optimiser dares to shorten: 3 kB (1 kB gzip) that reach no one.
fn drop_executor(module: &mut Module) {
    if named(module, &["js_sys::futures::queue"]).is_empty() {
        drop_from_table(module, &named(module, EXECUTOR));
    }
}

/// The executor's own functions, and the words of a panic that only it can come to.
const EXECUTOR: &[&str] = &[
    "js_sys::futures::",
    "::cell::BorrowError as ",
    "::cell::BorrowMutError as ",
];

/// A panic traps, and nobody hears what it says: the code that would word it is 4 kB (1.4 kB gzip) that reach no one. All panics
/// pass through two functions; if nothing else formats, whatever words them is only in the function table then.
fn drop_last_words(module: &mut Module) {
    for id in named(
        module,
        &["::panicking::panic_fmt", "::alloc::handle_alloc_error"],
    ) {
        make_trap(module, id);
    }
    walrus::passes::gc::run(module);
    let formatting = named(module, &["::fmt::"]);
    let panicking = named(module, &["::panicking::"]);
    let others = module.funcs.iter_local();
    let is_used = others
        .filter(|(id, _)| !formatting.contains(id) && !panicking.contains(id))
        .any(|(_, function)| calls_any(function, &formatting));
    if !is_used {
        drop_from_table(module, &formatting);
        drop_from_table(module, &panicking);
    }
}

/// The functions with any of these in their names.
fn named(module: &Module, parts: &[&str]) -> HashSet<FunctionId> {
    let functions = module.funcs.iter();
    functions
        .filter(|function| {
            let name = function.name.as_deref().unwrap_or("");
            parts.iter().any(|part| name.contains(part))
        })
        .map(walrus::Function::id)
        .collect()
}

fn make_trap(module: &mut Module, id: FunctionId) {
    let (params, results) = {
        let ty = module.types.get(module.funcs.get(id).ty());
        (ty.params().to_vec(), ty.results().to_vec())
    };
    let args = params.iter().map(|kind| module.locals.add(*kind)).collect();
    let mut trap = FunctionBuilder::new(&mut module.types, &params, &results);
    trap.func_body().unreachable();
    module.funcs.get_mut(id).kind = FunctionKind::Local(trap.local_func(args));
}

/// Whoever calls these by pointer, which nobody does, is stopped.
fn drop_from_table(module: &mut Module, dropped: &HashSet<FunctionId>) {
    let mut trap = FunctionBuilder::new(&mut module.types, &[], &[]);
    trap.func_body().unreachable();
    let trap = trap.finish(Vec::new(), &mut module.funcs);
    for element in module.elements.iter_mut() {
        let ElementItems::Functions(functions) = &mut element.items else {
            continue;
        };
        for function in functions.iter_mut().filter(|id| dropped.contains(id)) {
            *function = trap;
        }
    }
}

fn calls_any(function: &LocalFunction, wanted: &HashSet<FunctionId>) -> bool {
    struct Calls<'a>(&'a HashSet<FunctionId>, bool);
    impl Visitor<'_> for Calls<'_> {
        fn visit_function_id(&mut self, called: &FunctionId) {
            self.1 |= self.0.contains(called);
        }
    }
    let mut calls = Calls(wanted, false);
    dfs_in_order(&mut calls, function, function.entry_block());
    calls.1
}

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

/// Likewise what the glue calls: long names, one of them with a hash.
fn shorten_exports(output: &mut Output) -> Vec<(String, String)> {
    let exports = output.wasm_mut().exports.iter_mut();
    exports
        .filter(|export| matches!(export.item, ExportItem::Function(_)))
        .enumerate()
        .map(|(number, export)| {
            let short = format!("e{number}");
            (mem::replace(&mut export.name, short.clone()), short)
        })
        .collect()
}

fn rename_in_glue(
    path: &Path,
    names: &[(String, String)],
    mention: fn(&str) -> String,
) -> Result<()> {
    let glue = fs::read_to_string(path)?;
    for (long, _) in names {
        ensure!(
            glue.matches(&mention(long)).count() == 1,
            "{} does not define `{long}` once",
            path.display()
        );
    }
    replace_in(path, names, mention)
}

fn replace_in(
    path: &Path,
    names: &[(String, String)],
    mention: impl Fn(&str) -> String,
) -> Result<()> {
    let mut text = fs::read_to_string(path)?;
    for (long, short) in names {
        text = text.replace(&mention(long), &mention(short));
    }
    fs::write(path, text)?;
    Ok(())
}
