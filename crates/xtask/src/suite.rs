//! Running the steps of `npm test` and telling how they ended.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::project::Project;
use crate::shell::Shell;
use crate::steps::{self, CannotRun, Detail, Job, Step};

/// Which steps, and whether a failure ends the run.
#[derive(Default)]
pub(crate) struct Selection {
    pub(crate) only: Vec<String>,
    pub(crate) keep_going: bool,
}

impl Selection {
    fn steps(&self) -> Result<Vec<&'static Step>> {
        let names = || steps::ALL.iter().map(|step| step.name).collect::<Vec<_>>();
        if let Some(unknown) = self
            .only
            .iter()
            .find(|name| !names().contains(&name.as_str()))
        {
            bail!(
                "there is no step `{unknown}`; the steps are {}",
                names().join(", ")
            );
        }
        let selected =
            |step: &&Step| self.only.is_empty() || self.only.iter().any(|name| name == step.name);
        Ok(steps::ALL.iter().filter(selected).collect())
    }
}

enum Outcome {
    Passed(Detail),
    Failed(String),
    Skipped(String),
    NotRun,
}

struct Row {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

/// Runs the selected steps; the exit code says whether all passed.
pub(crate) fn run(project: Project, selection: &Selection) -> Result<ExitCode> {
    let steps = selection.steps()?;
    let streaming = steps::wants_stream();
    let shell = if streaming {
        Shell::stream()
    } else {
        Shell::capture()
    };
    let mut job = Job::new(project, shell);
    let with_browser = steps.iter().any(|step| step.needs_browser);

    let total = steps.len() + 1;
    let mut rows = vec![attempt(&mut job, streaming, (1, total), "setup", |job| {
        job.set_up(with_browser)
    })];
    for step in steps {
        // Without its tools no step can succeed, so those of a failed set-up are not tried.
        let failed = if selection.keep_going {
            is_failed(&rows[0])
        } else {
            rows.iter().any(is_failed)
        };
        rows.push(if failed {
            Row {
                name: step.name,
                outcome: Outcome::NotRun,
                took: Duration::ZERO,
            }
        } else {
            attempt(
                &mut job,
                streaming,
                (rows.len() + 1, total),
                step.name,
                step.run,
            )
        });
    }
    print!("{}", report(&rows));
    Ok(if rows.iter().any(is_failed) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn attempt(
    job: &mut Job,
    streaming: bool,
    (number, total): (usize, usize),
    name: &'static str,
    run: impl FnOnce(&mut Job) -> Result<Detail>,
) -> Row {
    let heading = format!("[{number}/{total}] {name}");
    if streaming {
        println!("\n── {heading}");
    }
    let begin = Instant::now();
    let result = run(job);
    let took = begin.elapsed();
    let log = job.shell.take_log();
    let outcome = match result {
        Ok(detail) => {
            if !streaming {
                // What was left out is said by name, with the reason.
                log.lines()
                    .filter(|line| line.trim_start().starts_with('﹣'))
                    .for_each(|line| println!("{line}"));
            }
            Outcome::Passed(detail)
        }
        Err(error) => match error.downcast::<CannotRun>() {
            Ok(CannotRun(why)) => Outcome::Skipped(why),
            Err(error) => {
                if !streaming {
                    println!("{log}");
                }
                Outcome::Failed(format!("{error:#}"))
            }
        },
    };
    let row = Row {
        name,
        outcome,
        took,
    };
    println!("{heading}: {} ({:.1} s)", row.verdict(), took.as_secs_f32());
    row
}

fn is_failed(row: &Row) -> bool {
    matches!(row.outcome, Outcome::Failed(_))
}

impl Row {
    fn verdict(&self) -> String {
        match &self.outcome {
            Outcome::Passed(None) => "passed".to_owned(),
            Outcome::Passed(Some(detail)) => format!("passed ({detail})"),
            Outcome::Failed(why) => format!("FAILED: {why}"),
            Outcome::Skipped(why) => format!("skipped: {why}"),
            Outcome::NotRun => "skipped: an earlier step failed".to_owned(),
        }
    }
}

fn report(rows: &[Row]) -> String {
    let mut text = "\n".to_owned();
    for row in rows {
        let took = format!("{:.1} s", row.took.as_secs_f32());
        text.push_str(&format!("{:<14} {took:>9}  {}\n", row.name, row.verdict()));
    }
    let count =
        |matching: fn(&Outcome) -> bool| rows.iter().filter(|row| matching(&row.outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed(_)));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_) | Outcome::NotRun));
    text.push_str(&format!("\n{passed} passed, {failed} failed"));
    if skipped > 0 {
        text.push_str(&format!(", {skipped} skipped"));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, outcome: Outcome) -> Row {
        Row {
            name,
            outcome,
            took: Duration::from_millis(1234),
        }
    }

    fn closing_line(rows: &[Row]) -> String {
        report(rows).lines().last().unwrap().to_owned()
    }

    #[test]
    fn the_last_line_counts_the_steps() {
        let mut rows = vec![
            row("setup", Outcome::Passed(None)),
            row("core", Outcome::Passed(Some("9 passed".into()))),
        ];
        assert_eq!(closing_line(&rows), "2 passed, 0 failed");
        rows.push(row("server", Outcome::Failed("cargo test failed".into())));
        rows.push(row("e2e", Outcome::NotRun));
        assert_eq!(closing_line(&rows), "2 passed, 1 failed, 1 skipped");
        assert!(report(&rows).contains("FAILED: cargo test failed"));
        rows.push(row("client-webkit", Outcome::Skipped("no screen".into())));
        assert_eq!(closing_line(&rows), "2 passed, 1 failed, 2 skipped");
        assert!(report(&rows).contains("skipped: no screen"));
    }

    #[test]
    fn unknown_steps_are_refused_and_known_ones_keep_their_order() {
        let only = |names: &[&str]| -> Result<Vec<&str>> {
            let only = names.iter().map(ToString::to_string).collect();
            let selection = Selection {
                only,
                keep_going: false,
            };
            Ok(selection.steps()?.iter().map(|step| step.name).collect())
        };
        assert_eq!(only(&["core", "format"]).unwrap(), vec!["format", "core"]);
        assert_eq!(only(&[]).unwrap().len(), steps::ALL.len());
        assert!(
            only(&["cor"])
                .unwrap_err()
                .to_string()
                .contains("clippy-wasm")
        );
    }
}
