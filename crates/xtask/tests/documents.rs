//! What the documents point at is there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of the table below a heading, without its head.
fn rows<'a>(document: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, below) = document
        .split_once(heading)
        .unwrap_or_else(|| panic!("no heading {heading}"));
    below
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_fault_of_the_incumbent_has_its_tests() {
    let mut code = String::new();
    for folder in ["crates", "src", "tests"] {
        sources(&root().join(folder), &mut code);
    }
    let document = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let rows = rows(&document, "## What the incumbent gets wrong");
    assert!(rows.len() >= 20, "{} faults", rows.len());
    for row in rows {
        let [fault, tests] = row[..] else {
            panic!("not a fault and its tests: {row:?}");
        };
        assert!(quoted(tests).next().is_some(), "no test: {fault}");
        for test in quoted(tests) {
            let exists = if test.contains('/') {
                root().join(test).is_file()
            } else {
                code.contains(&format!("fn {test}("))
            };
            assert!(exists, "{fault}: there is no {test}");
        }
    }
}
