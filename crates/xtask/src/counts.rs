//! How many tests a program ran, read from what it printed.

use std::fmt;
use std::ops::AddAssign;

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// From the closing lines of Rust's test harness (`test result: ok. 2 passed; 0 failed; 1 ignored; …`).
    pub(crate) fn of_cargo(output: &str) -> Self {
        let mut all = Self::default();
        for line in output
            .lines()
            .filter_map(|line| line.split_once("test result: "))
        {
            let number = |label: &str| {
                let field = line
                    .1
                    .split([';', '.'])
                    .find_map(|field| field.trim().strip_suffix(label));
                field
                    .and_then(|number| number.trim().parse().ok())
                    .unwrap_or(0)
            };
            all += Self {
                passed: number(" passed"),
                failed: number(" failed"),
                skipped: number(" ignored"),
            };
        }
        all
    }

    /// From the closing lines of Node's `spec` reporter (`ℹ pass 2`).
    pub(crate) fn of_node(output: &str) -> Self {
        let number = |label: &str| {
            let values = output
                .lines()
                .filter_map(|line| line.strip_prefix('ℹ')?.trim().strip_prefix(label));
            values
                .filter_map(|value| value.trim().parse::<u64>().ok())
                .sum()
        };
        Self {
            passed: number("pass "),
            failed: number("fail ") + number("cancelled "),
            skipped: number("skipped ") + number("todo "),
        }
    }
}

/// The tests that Node's `spec` reporter says were skipped, each with its reason.
pub(crate) fn skipped_of_node(output: &str) -> Vec<String> {
    let lines = output
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('﹣'));
    lines
        .map(|line| match line.rsplit_once(" # ") {
            Some((name, reason)) => {
                let name = name.rsplit_once(" (").map_or(name, |(name, _took)| name);
                format!("{} ({reason})", name.trim())
            }
            None => line.trim().to_owned(),
        })
        .collect()
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed", self.passed)?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_results_are_summed() {
        let output = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; \
                      finished in 0.00s\n\ntest result: FAILED. 3 passed; 1 failed; 0 ignored; 0 filtered out\n";
        assert_eq!(
            Counts::of_cargo(output),
            Counts {
                passed: 5,
                failed: 1,
                skipped: 1
            }
        );
        assert_eq!(Counts::of_cargo("no tests to run!"), Counts::default());
    }

    #[test]
    fn node_results_are_read() {
        let output = "✔ joins (12ms)\nℹ tests 5\nℹ suites 0\nℹ pass 3\nℹ fail 0\nℹ cancelled 1\nℹ skipped 1\nℹ todo 0\n";
        assert_eq!(
            Counts::of_node(output),
            Counts {
                passed: 3,
                failed: 1,
                skipped: 1
            }
        );
    }

    #[test]
    fn skipped_tests_are_named_with_their_reasons() {
        let output = "✔ joins (12ms)\n﹣ webkit: sees errors (0.2ms) # its driver (2.50) says nothing\nℹ skipped 1\n";
        assert_eq!(
            skipped_of_node(output),
            ["webkit: sees errors (its driver (2.50) says nothing)"]
        );
    }

    #[test]
    fn what_is_zero_is_not_said() {
        assert_eq!(
            Counts {
                passed: 3,
                failed: 0,
                skipped: 1
            }
            .to_string(),
            "3 passed, 1 skipped"
        );
    }
}
