//! Tables of what was measured.

use std::fs;

use anyhow::Result;

use crate::machine;
use crate::peer::{Peer, Places};
use crate::plot;
use crate::samples::{Samples, Spread};
use crate::scenario::Scenario;

const HEAD: &str = "\
# Results

Written by `npm run bench`; what each figure means, and how it is measured, is in [README.md](README.md), what was found on the
way in [NOTES.md](NOTES.md). A cell holds the median (min–max) of the repeats, and in bold how many times ours it is: the median of
the ratios of each repeat, as all peers run by turns. Only ratios can be compared between machines. stillhere keeps everything in
SQLite with `synchronous=FULL`; its peers store nothing, but for the exports that MUG writes into files.

";

/// All tables.
pub(crate) fn markdown(samples: &Samples, places: &Places) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&machine::describe(places));
    text.push_str(&format!("- {}\n\n", samples.noise()));
    for scenario in Scenario::ALL {
        text.push_str(&table(samples, scenario));
    }
    if !samples.notes.is_empty() {
        text.push_str("## What did not come to its end\n\n");
    }
    for note in &samples.notes {
        text.push_str(&format!("- {note}\n"));
    }
    text
}

fn table(samples: &Samples, scenario: Scenario) -> String {
    let keys: Vec<_> = samples
        .keys()
        .filter(|key| key.scenario == scenario.name())
        .collect();
    let peers: Vec<Peer> = Peer::ALL
        .into_iter()
        .filter(|peer| keys.iter().any(|key| samples.spread(key, *peer).is_some()))
        .collect();
    if keys.is_empty() {
        return String::new();
    }
    let mut text = format!("## {}: {}\n\n|", scenario.name(), scenario.about());
    text.push_str(" | |");
    for peer in &peers {
        text.push_str(&format!(" {peer} |"));
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---:|".repeat(peers.len()));
    text.push('\n');
    let mut last = "";
    for key in keys {
        let setting = if key.setting == last {
            ""
        } else {
            &key.setting
        };
        last = &key.setting;
        text.push_str(&format!("| {setting} | {} |", key.metric));
        for peer in &peers {
            let Some(spread) = samples.spread(key, *peer) else {
                text.push_str(" |");
                continue;
            };
            text.push_str(&format!(" {}", cell(spread)));
            if *peer != Peer::Ours
                && let Some(ratio) = samples.ratio(key, *peer)
            {
                text.push_str(&format!(" · **{}×**", short(ratio.median)));
            }
            text.push_str(" |");
        }
        text.push('\n');
    }
    text.push('\n');
    text
}

fn cell(spread: Spread) -> String {
    let Spread { min, median, max } = spread;
    if min == max {
        return short(median);
    }
    format!("{} ({}–{})", short(median), short(min), short(max))
}

/// Three digits are as many as anybody believes.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Writes what is kept.
pub(crate) fn write(report: &str, samples: &Samples, places: &Places) -> Result<()> {
    let mut report = report.to_owned();
    if let Some(picture) = plot::scaling(samples) {
        fs::write(places.bench.join("scaling.svg"), picture)?;
        report.push_str("\n![CPU time for each exclusion over the number of games](scaling.svg)\n");
    }
    fs::write(places.bench.join("RESULTS.md"), report)?;
    Ok(())
}
