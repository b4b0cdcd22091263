//! A picture of what an exclusion costs as games become more.

use std::fmt::Write;

use crate::peer::Peer;
use crate::samples::Samples;
use crate::scenario::Scenario;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const METRIC: &str = "server's CPU for each exclusion (µs)";
const LINES: &[(Peer, &str)] = &[
    (Peer::Ours, "#1f78b4"),
    (Peer::Node, "#33a02c"),
    (Peer::MugAwake, "#e31a1c"),
    (Peer::Mug, "#ff7f00"),
];

struct Point {
    games: f64,
    min: f64,
    median: f64,
    max: f64,
}

/// The picture, if the burst was measured at more than one size. A flat line is a cost that grows with the
/// number of games and no faster.
pub(crate) fn scaling(samples: &Samples) -> Option<String> {
    let lines: Vec<(Peer, &str, Vec<Point>)> = LINES
        .iter()
        .map(|(peer, colour)| (*peer, *colour, points(samples, *peer)))
        .filter(|(_, _, points)| points.len() > 1)
        .collect();
    let all = || lines.iter().flat_map(|(_, _, points)| points);
    let x = Scale::over(all().map(|point| point.games), LEFT, WIDTH - RIGHT)?;
    let values = all().flat_map(|point| [point.min, point.max]);
    let y = Scale::over(values, HEIGHT - BOTTOM, TOP)?;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\">CPU time of the server for each exclusion (µs), all G games at once</text>\n"
    );
    for (value, at) in x.marks() {
        let (low, label) = (HEIGHT - BOTTOM, HEIGHT - BOTTOM + 18.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {TOP}V{low}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{label}\" text-anchor=\"middle\">{value}</text>"
        );
    }
    for (value, at) in y.marks() {
        let (right, label, line) = (WIDTH - RIGHT, LEFT - 8.0, at + 4.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{label}\" y=\"{line:.1}\" text-anchor=\"end\">{value}</text>"
        );
    }
    let (middle, low) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 10.0);
    let _ = writeln!(
        svg,
        "<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">games (G)</text>"
    );
    for (peer, colour, points) in &lines {
        let mut path = String::new();
        for point in points {
            let (at, median) = (x.at(point.games), y.at(point.median));
            let (min, max) = (y.at(point.min), y.at(point.max));
            let _ = write!(
                path,
                "{}{at:.1} {median:.1}",
                if path.is_empty() { 'M' } else { 'L' }
            );
            let _ = writeln!(
                svg,
                "<path d=\"M{at:.1} {min:.1}V{max:.1}\" stroke=\"{colour}\"/><circle cx=\"{at:.1}\" cy=\"{median:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        if let Some(last) = points.last() {
            let (at, line) = (x.at(last.games) + 8.0, y.at(last.median) + 4.0);
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{line:.1}\" fill=\"{colour}\">{peer}</text>"
            );
        }
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn points(samples: &Samples, peer: Peer) -> Vec<Point> {
    let keys = samples
        .keys()
        .filter(|key| key.scenario == Scenario::Burst.name() && key.metric == METRIC);
    keys.filter_map(|key| {
        let games: f64 = key.setting.trim_start_matches("G = ").parse().ok()?;
        let spread = samples
            .spread(key, peer)
            .filter(|spread| spread.min > 0.0)?;
        // Fewer are too short to be counted.
        (games >= 100.0).then_some(Point {
            games,
            min: spread.min,
            median: spread.median,
            max: spread.max,
        })
    })
    .collect()
}

/// A logarithmic scale.
struct Scale {
    first: f64,
    last: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let (low, high) = values.fold((f64::MAX, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        (low < high).then(|| Self {
            first: low.log10() - 0.05,
            last: high.log10() + 0.05,
            from,
            to,
        })
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.log10() - self.first) / (self.last - self.first);
        self.from + part * (self.to - self.from)
    }

    fn marks(&self) -> Vec<(f64, f64)> {
        let powers = self.first.floor() as i32..=self.last.ceil() as i32;
        powers
            .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)))
            .filter(|value| (self.first..=self.last).contains(&value.log10()))
            .map(|value| (value, self.at(value)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_marks_what_lies_on_it() {
        let scale = Scale::over([100.0, 5_000.0].into_iter(), 0.0, 100.0).unwrap();
        let marks: Vec<f64> = scale.marks().into_iter().map(|(value, _)| value).collect();
        assert_eq!(marks, [100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0]);
        assert!(scale.at(200.0) < scale.at(500.0));
        assert!(Scale::over([1.0].into_iter(), 0.0, 1.0).is_none());
    }
}
