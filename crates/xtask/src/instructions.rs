//! What core's hot paths cost in instructions, which a noisy machine counts as any other does. Compared with the figures in
//! `bench/instructions.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::browser;
use crate::project::Project;
use crate::shell::{Shell, output_of};
use crate::steps::{CannotRun, Detail};

const PACKAGE: &str = "stillhere-instructions";

/// More than this, in percent, is a regression. The same code gives the same figure; another order of the same functions in
/// memory may give a slightly other one.
const TOLERANCE: f64 = 3.0;

const RENEW: &str = "`cargo xtask instructions` renews them";

/// Instructions of each path, of one time that it is done.
type Figures = BTreeMap<String, u64>;

/// The step of `npm test`: fails where a path costs more than it did.
pub(crate) fn check(project: &Project, shell: &mut Shell) -> Result<Detail> {
    let text = fs::read_to_string(file(project))?;
    let known: Value = serde_json::from_str(&text).context("bench/instructions.json")?;
    let compiler = compiler(project)?;
    if known["compiler"] != json!(compiler) {
        return Err(CannotRun(format!(
            "the figures are of {} and this is {compiler}; {RENEW}",
            known["compiler"]
        ))
        .into());
    }
    let before: Figures =
        serde_json::from_value(known["instructions"].clone()).context("bench/instructions.json")?;
    let now = count(project, shell)?;
    compare(&before, &now)
}

/// Writes the figures anew; what has become of each.
pub(crate) fn renew(project: &Project, shell: &mut Shell) -> Result<String> {
    let before = fs::read_to_string(file(project)).unwrap_or_default();
    let before: Value = serde_json::from_str(&before).unwrap_or_default();
    let now = count(project, shell)?;
    let text = json!({"compiler": compiler(project)?, "instructions": now});
    fs::write(file(project), format!("{text:#}\n"))?;
    let lines = now.iter().map(|(name, figure)| {
        let old = before["instructions"][name].as_u64();
        let change = old.map_or_else(String::new, |old| format!("{:+.1} %", change(old, *figure)));
        format!("{name:<28}{figure:>12}{change:>12}\n")
    });
    Ok(lines.collect())
}

fn file(project: &Project) -> PathBuf {
    project.root().join("bench/instructions.json")
}

/// What decides on the instructions: another one makes others of the same source.
fn compiler(project: &Project) -> Result<String> {
    let version = output_of(project.command("rustc").arg("-vV"))?;
    let line = |key: &str| {
        let value = version.lines().find_map(|line| line.strip_prefix(key));
        value.with_context(|| format!("rustc does not say its {key}"))
    };
    Ok(format!(
        "rustc {} for {}",
        line("release: ")?,
        line("host: ")?
    ))
}

fn count(project: &Project, shell: &mut Shell) -> Result<Figures> {
    if browser::on_path(&["valgrind"]).is_none() {
        browser::install(project, shell, &["valgrind"])
            .map_err(|error| CannotRun(format!("valgrind is missing: {error:#}")))?;
    }
    let mut cargo = project.cargo(&["build", "-p", PACKAGE, "--profile", "instructions"]);
    shell.run(&mut cargo, "building what is counted")?;
    let program = project.binary("instructions", PACKAGE);
    let mut figures = Figures::new();
    for line in output_of(&mut project.command(&program))?.lines() {
        let (name, times) = line.split_once('\t').context("a path without a number")?;
        let out = project.scratch().join("callgrind.out");
        let mut valgrind = project.command("valgrind");
        valgrind
            .args(["--tool=callgrind", "--toggle-collect=*::measured*"])
            .args(["--compress-strings=no", "--compress-pos=no"])
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(&program)
            .arg(name);
        shell.run_quietly(&mut valgrind, &format!("valgrind {name}"))?;
        let own = own_cost(&fs::read_to_string(&out)?, &program);
        if own == 0 {
            bail!("Callgrind counted nothing of {name}");
        }
        let times: u64 = times.parse()?;
        figures.insert(name.to_owned(), (own + times / 2) / times);
    }
    Ok(figures)
}

/// The instructions of the program itself. Those of the C library are left out: its `memcpy` is another one on each processor.
fn own_cost(profile: &str, program: &Path) -> u64 {
    let own = program.to_string_lossy();
    let mut is_own = false;
    let mut of_called = false;
    let mut sum = 0;
    for line in profile.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            is_own = object == own;
        } else if line.starts_with("calls=") {
            of_called = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            // What a call cost is counted where it was spent.
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
            if is_own && !of_called {
                sum += cost.unwrap_or(0);
            }
            of_called = false;
        }
    }
    sum
}

/// In percent.
#[expect(
    clippy::cast_precision_loss,
    reason = "instructions are far below 2^52"
)]
fn change(before: u64, now: u64) -> f64 {
    (now as f64 / before as f64 - 1.0) * 100.0
}

fn compare(before: &Figures, now: &Figures) -> Result<Detail> {
    if !before.keys().eq(now.keys()) {
        bail!("bench/instructions.json is about other paths than those that are counted; {RENEW}");
    }
    let changed = |is_meant: fn(f64) -> bool| -> Vec<String> {
        let pairs = before.iter().zip(now.values());
        pairs
            .filter(|((_, old), new)| is_meant(change(**old, **new)))
            .map(|((name, old), new)| {
                format!("{name} {old} -> {new} ({:+.1} %)", change(*old, *new))
            })
            .collect()
    };
    let worse = changed(|percent| percent > TOLERANCE);
    if !worse.is_empty() {
        bail!(
            "more instructions than before, by over {TOLERANCE} %: {}; if that is meant to be, {RENEW}",
            worse.join(", ")
        );
    }
    let better = changed(|percent| percent < -TOLERANCE);
    let mut detail = format!("{} paths", now.len());
    if !better.is_empty() {
        detail.push_str(&format!(
            "; fewer than before: {}; {RENEW}",
            better.join(", ")
        ));
    }
    Ok(Some(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(list: &[(&str, u64)]) -> Figures {
        list.iter()
            .map(|(name, figure)| ((*name).to_owned(), *figure))
            .collect()
    }

    #[test]
    fn what_was_spent_in_the_program_itself_is_counted_once() {
        let profile = "events: Ir\nsummary: 200\n\nob=/lib/libc.so.6\nfl=???\nfn=memcpy\n0 90\n\n\
                       ob=/target/program\nfl=???\nfn=inner\n3 7\n4 2\ncob=/lib/libc.so.6\ncfn=memcpy\n\
                       calls=3 0 \n0 90\n0 1\n\nfn=outer\n0 100\ncfn=inner\ncalls=1 0 \n0 100\n";
        assert_eq!(own_cost(profile, Path::new("/target/program")), 110);
    }

    #[test]
    fn a_path_that_costs_more_fails_and_is_named() {
        let before = figures(&[("a", 1000), ("b", 100)]);
        let said = |now: &Figures| compare(&before, now);
        assert_eq!(
            said(&figures(&[("a", 1029), ("b", 98)])).unwrap().unwrap(),
            "2 paths"
        );
        let worse = said(&figures(&[("a", 1031), ("b", 100)])).unwrap_err();
        assert!(
            worse.to_string().contains("a 1000 -> 1031 (+3.1 %)"),
            "{worse}"
        );
        let better = said(&figures(&[("a", 1000), ("b", 50)])).unwrap().unwrap();
        assert!(better.contains("b 100 -> 50 (-50.0 %)"), "{better}");
        assert!(said(&figures(&[("a", 1000)])).is_err());
    }
}
