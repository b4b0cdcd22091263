//! What a participant's browser downloads, and how much it may be.

use std::fmt;

use anyhow::{Context, Result, bail};

use crate::project::Project;
use crate::shell::output_of;

/// What a page downloads, as a web server would compress it.
const BUDGET_GZIP: u64 = 60 * 1024;

/// What a page downloads that loads the main entry.
const PAGE: &[&str] = &["stillhere.js", "stillhere.wasm", "ticker.js"];

/// What it loads instead, or besides.
const OTHERS: &[&str] = &[
    "inline.js",
    "stillhere.global.js",
    "mug.js",
    "jspsych.js",
    "jspsych.global.js",
];

/// What a page downloads and its sum, then the other scripts.
pub(crate) struct Sizes {
    page: Vec<Part>,
    sum: Part,
    others: Vec<Part>,
}

struct Part {
    name: String,
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// Measures `dist/`.
pub(crate) fn measure(project: &Project) -> Result<Sizes> {
    let mut run = project.node("crates/xtask/measure.mjs");
    let files = PAGE.iter().chain(OTHERS);
    run.args(files.map(|name| project.dist().join(name)));
    parse(&output_of(&mut run)?)
}

fn parse(table: &str) -> Result<Sizes> {
    let mut page = table.lines().map(parse_line).collect::<Result<Vec<_>>>()?;
    let others = page.split_off(PAGE.len().min(page.len()));
    let sum = |pick: fn(&Part) -> u64| page.iter().map(pick).sum();
    let sum = Part {
        name: "sum".to_owned(),
        raw: sum(|part| part.raw),
        gzip: sum(|part| part.gzip),
        brotli: sum(|part| part.brotli),
    };
    Ok(Sizes { page, sum, others })
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
    /// For one line of a report.
    pub(crate) fn summary(&self) -> String {
        format!("{} gzip of {}", kib(self.sum.gzip), kib(BUDGET_GZIP))
    }

    /// Fails where the download grew too big.
    pub(crate) fn check_budget(&self) -> Result<()> {
        if self.sum.gzip > BUDGET_GZIP {
            bail!(
                "what a page downloads is {} gzip, over its budget of {}: make the client smaller",
                kib(self.sum.gzip),
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
            "a page downloads", "raw", "gzip", "brotli"
        )?;
        for part in &self.page {
            part.line(f)?;
        }
        self.sum.line(f)?;
        writeln!(f, "\n{:<24}{:>24}", "budget", kib(BUDGET_GZIP))?;
        for part in &self.others {
            part.line(f)?;
        }
        Ok(())
    }
}

impl Part {
    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = [self.raw, self.gzip, self.brotli].map(kib);
        let [raw, gzip, brotli] = sizes;
        write!(f, "\n{:<24}{raw:>12}{gzip:>12}{brotli:>12}", self.name)
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
        let table = |script: u64| {
            format!(
                "stillhere.js\t9000\t{script}\t400\nstillhere.wasm\t100000\t20000\t15000\n\
                 ticker.js\t120\t100\t90\ninline.js\t190000\t70000\t60000"
            )
        };
        let room = BUDGET_GZIP - 20_100;
        let within = parse(&table(room)).unwrap();
        assert_eq!((within.sum.gzip, within.others.len()), (BUDGET_GZIP, 1));
        within.check_budget().unwrap();
        let over = parse(&table(room + 1)).unwrap();
        let refused = over.check_budget().unwrap_err().to_string();
        assert!(refused.contains(&kib(BUDGET_GZIP)), "{refused}");
    }

    #[test]
    fn a_broken_table_is_refused() {
        assert!(parse("wasm\t100000\t61000").is_err());
        assert!(parse("wasm\tbig\t1\t1").is_err());
    }
}
