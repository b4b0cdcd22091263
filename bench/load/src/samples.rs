//! What was measured.

use std::collections::BTreeMap;

use crate::peer::Peer;

/// What one number is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) scenario: &'static str,
    /// The size or the rate.
    pub(crate) setting: String,
    /// Rows stand in this order.
    pub(crate) row: usize,
    pub(crate) metric: &'static str,
}

/// All numbers: for each key and peer, one of each repeat.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    values: BTreeMap<Key, BTreeMap<Peer, Vec<(usize, f64)>>>,
    pub(crate) notes: Vec<String>,
    /// How busy the machine was before each run.
    pub(crate) loads: Vec<f64>,
}

/// The middle and both ends of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (first, last) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[half]
        } else {
            f64::midpoint(values[half - 1], values[half])
        };
        Some(Self {
            min: first,
            median,
            max: last,
        })
    }
}

/// Where one run's numbers go.
pub(crate) struct Sink<'a> {
    pub(crate) samples: &'a mut Samples,
    pub(crate) scenario: &'static str,
    pub(crate) setting: String,
    pub(crate) peer: Peer,
    pub(crate) repeat: usize,
    pub(crate) row: usize,
}

impl Sink<'_> {
    pub(crate) fn put(&mut self, metric: &'static str, value: f64) {
        let key = Key {
            scenario: self.scenario,
            setting: self.setting.clone(),
            row: self.row,
            metric,
        };
        self.row += 1;
        eprintln!(
            "  {:<10} {:<44} {value:.4}",
            self.peer.name(),
            format!("{} {metric}", self.setting)
        );
        let of_peer = self.samples.values.entry(key).or_default();
        of_peer
            .entry(self.peer)
            .or_default()
            .push((self.repeat, value));
    }
}

impl Samples {
    /// How much else went on, in words.
    pub(crate) fn noise(&self) -> String {
        match Spread::of(self.loads.iter().copied()) {
            Some(Spread { min, median, max }) => format!(
                "load average when each run began, our own part of it included: {median:.1} ({min:.1}–{max:.1})"
            ),
            None => "nothing was run".to_owned(),
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.values.keys()
    }

    pub(crate) fn spread(&self, key: &Key, peer: Peer) -> Option<Spread> {
        Spread::of(
            self.values
                .get(key)?
                .get(&peer)?
                .iter()
                .map(|(_, value)| *value),
        )
    }

    /// How many times ours a peer's value is, repeat by repeat.
    pub(crate) fn ratio(&self, key: &Key, peer: Peer) -> Option<Spread> {
        let values = self.values.get(key)?;
        let (ours, theirs) = (values.get(&Peer::Ours)?, values.get(&peer)?);
        let ratios = theirs.iter().filter_map(|(repeat, value)| {
            let (_, ours) = ours.iter().find(|(of, _)| of == repeat)?;
            (*ours > 0.0).then(|| value / ours)
        });
        Spread::of(ratios)
    }
}
