//! The pages, which the build puts into `dist/site`: debug builds read them there, release builds embed them.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let site = Path::new("../../dist/site");
    // A server that was compiled before this folder is there would find nothing in it for ever. Where it cannot be made (a
    // published package has no pages), there is nothing to find.
    let _ = std::fs::create_dir_all(site);
    // Release builds are made anew when the pages change.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") && site.exists() {
        println!("cargo::rerun-if-changed={}", site.display());
    }
}
