//! What a participant's browser downloads, and how much it may be.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::project::Project;
use crate::shell::{Shell, output_of};
use crate::sync::{self, Plan};

/// Wasm and minified glue together, as a web server would compress them.
const BUDGET_GZIP: u64 = 60 * 1024;

/// One line per part and their sum last.
pub(crate) struct Sizes {
    parts: Vec<Part>,
}

struct Part {
    name: String,
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Measures `pkg/`.
pub(crate) fn measure(project: &Project, shell: &mut Shell) -> Result<Sizes> {
    shell.section("sizes", |_| {
        let mut run = project.node("crates/xtask/measure.mjs");
        let mut pkg = Plan::new();
        // All that is there: the glue, and the scripts of ours that it imports.
        sync::plan_tree(&mut pkg, &project.pkg(), Path::new(""), &|path| {
            path.extension()
                .is_some_and(|kind| kind == "wasm" || kind == "js")
        })?;
        run.args(pkg.values())
            .arg(project.root().join("js/index.js"));
        parse(&output_of(&mut run)?)
    })
}

fn parse(table: &str) -> Result<Sizes> {
    let mut parts = table.lines().map(parse_line).collect::<Result<Vec<_>>>()?;
    let sum = |pick: fn(&Part) -> u64| parts.iter().map(pick).sum();
    let total = Part {
        name: "sum".to_owned(),
        raw: sum(|part| part.raw),
        gzip: sum(|part| part.gzip),
        brotli: sum(|part| part.brotli),
    };
    parts.push(total);
    Ok(Sizes { parts })
}

fn parse_line(line: &str) -> Result<Part> {
    let mut fields = line.split('\t');
    let name = fields.next().context("a size without a name")?.to_owned();
    let mut number = || -> Result<u64> {
        let text = fields
            .next()
            .with_context(|| format!("a size is missing: {line}"))?;
        text.parse().with_context(|| format!("not a size: {line}"))
    };
    Ok(Part {
        name,
        raw: number()?,
        gzip: number()?,
        brotli: number()?,
    })
}

impl Sizes {
    fn gzip(&self) -> u64 {
        self.parts.last().map_or(0, |sum| sum.gzip)
    }

    /// For one line of a report.
    pub(crate) fn summary(&self) -> String {
        format!("{} gzip of {}", kib(self.gzip()), kib(BUDGET_GZIP))
    }

    /// Fails where the download grew too big.
    pub(crate) fn check_budget(&self) -> Result<()> {
        if self.gzip() > BUDGET_GZIP {
            bail!(
                "wasm and glue are {} gzip, over their budget of {}: make the client smaller",
                kib(self.gzip()),
                kib(BUDGET_GZIP)
            );
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<24}{:>12}{:>12}{:>12}",
            "browser download", "raw", "gzip", "brotli"
        )?;
        for part in &self.parts {
            write!(
                f,
                "\n{:<24}{:>12}{:>12}{:>12}",
                part.name,
                kib(part.raw),
                kib(part.gzip),
                kib(part.brotli)
            )?;
        }
        write!(f, "\n{:<24}{:>24}", "budget", kib(BUDGET_GZIP))
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52 bytes")]
fn kib(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_decides() {
        let within = parse("wasm\t100000\t61000\t40000\nglue\t9000\t440\t400").unwrap();
        assert_eq!(within.gzip(), 61_440);
        within.check_budget().unwrap();
        let over = parse("wasm\t100000\t61000\t40000\nglue\t9000\t441\t400").unwrap();
        assert!(
            over.check_budget()
                .unwrap_err()
                .to_string()
                .contains("60.0 KiB")
        );
    }

    #[test]
    fn a_broken_table_is_refused() {
        assert!(parse("wasm\t100000\t61000").is_err());
        assert!(parse("wasm\tbig\t1\t1").is_err());
    }
}
