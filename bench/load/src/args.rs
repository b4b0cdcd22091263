//! The command line, and the run that it asks for.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};
use lexopt::prelude::*;

use crate::machine;
use crate::peer::{Peer, Places};
use crate::report;
use crate::samples::{Samples, Sink};
use crate::scenario::Scenario;

const HELP: &str = "\
npm run bench -- [OPTIONS]

  --quick               small settings, one repeat: a minute or two
  --scenario NAME,…     burst, steady, export, relay, idle, kill
  --peer NAME,…         ours, node, mug-awake, mug, echo
  --setting N,…         only these sizes
  --repeats N           default 3
  --write               writes bench/RESULTS.md, which a whole run does anyway
";

/// What was asked for.
pub(crate) enum Command {
    /// Be the peer that echoes.
    Echo,
    Measure(Plan),
}

/// What is to be measured.
pub(crate) struct Plan {
    places: Places,
    scenarios: Vec<Scenario>,
    peers: Vec<Peer>,
    settings: Vec<usize>,
    repeats: usize,
    quick: bool,
    write: bool,
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Command> {
    let bench = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    let target = bench.join("../target");
    let mut plan = Plan {
        places: Places {
            ours: target.join("release/stillhere"),
            scratch: target.join("bench"),
            bench,
        },
        scenarios: Vec::new(),
        peers: Vec::new(),
        settings: Vec::new(),
        repeats: 0,
        quick: false,
        write: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Value(word) if word == "echo" => return Ok(Command::Echo),
            Short('h') | Long("help") => {
                print!("{HELP}");
                std::process::exit(0);
            }
            Long("quick") => plan.quick = true,
            Long("write") => plan.write = true,
            Long("repeats") => plan.repeats = parser.value()?.parse()?,
            Long("scenario") => {
                for name in parser.value()?.string()?.split(',') {
                    plan.scenarios.push(scenario(name)?);
                }
            }
            Long("peer") => {
                for name in parser.value()?.string()?.split(',') {
                    plan.peers.push(Peer::named(name)?);
                }
            }
            Long("setting") => {
                for number in parser.value()?.string()?.split(',') {
                    plan.settings.push(number.parse()?);
                }
            }
            Long("bench") => plan.places.bench = parser.value()?.into(),
            Long("server") => plan.places.ours = parser.value()?.into(),
            Long("scratch") => plan.places.scratch = parser.value()?.into(),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Measure(plan.completed()))
}

fn scenario(name: &str) -> Result<Scenario> {
    let found = Scenario::ALL
        .into_iter()
        .find(|scenario| scenario.name() == name);
    match found {
        Some(scenario) => Ok(scenario),
        None => bail!("there is no scenario `{name}`; --help lists them"),
    }
}

impl Plan {
    fn completed(mut self) -> Self {
        let whole = self.scenarios.is_empty() && self.peers.is_empty() && self.settings.is_empty();
        self.write |= whole && !self.quick;
        if self.scenarios.is_empty() {
            self.scenarios = Scenario::ALL.to_vec();
        }
        if self.peers.is_empty() {
            self.peers = Peer::ALL.to_vec();
        }
        if self.repeats == 0 {
            self.repeats = if self.quick { 1 } else { 3 };
        }
        self
    }

    /// Measures, peers by turns, so that whatever else the machine does disturbs all of them.
    pub(crate) async fn run(&self) -> Result<()> {
        let mut samples = Samples::default();
        for &scenario in &self.scenarios {
            let known = scenario.settings(self.quick);
            let settings = if self.settings.is_empty() {
                known
            } else {
                &self.settings
            };
            for &setting in settings {
                eprintln!("· {} {}", scenario.name(), scenario.title(setting));
                for repeat in 0..self.repeats {
                    for &peer in &self.peers {
                        self.measure(scenario, setting, repeat, peer, &mut samples)
                            .await;
                    }
                }
            }
        }
        let report = report::markdown(&samples, &self.places);
        println!("{report}");
        if self.write {
            report::write(&report, &samples, &self.places)?;
        }
        Ok(())
    }

    async fn measure(
        &self,
        scenario: Scenario,
        setting: usize,
        repeat: usize,
        peer: Peer,
        samples: &mut Samples,
    ) {
        if !scenario.suits(peer, setting) {
            return;
        }
        samples.loads.push(machine::load_average());
        let mut sink = Sink {
            samples,
            scenario: scenario.name(),
            setting: scenario.title(setting),
            peer,
            repeat,
            row: setting * 100,
        };
        let run = scenario.run(&self.places, peer, setting, self.quick, &mut sink);
        if let Err(error) = run.await {
            let note = format!(
                "{} {}, {peer}: {error:#}",
                scenario.name(),
                scenario.title(setting)
            );
            eprintln!("  {note}");
            samples.notes.push(note);
        }
    }
}
