//! Release builds embed the pages, so they are built anew when the pages change.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let site = Path::new("../../dist/site");
    // Debug builds read the pages from the folder; a path that does not exist would rebuild each time.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") && site.exists() {
        println!("cargo::rerun-if-changed={}", site.display());
    }
}
