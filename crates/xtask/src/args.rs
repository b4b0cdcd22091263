//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt;

use crate::project::Project;
use crate::shell::Shell;
use crate::suite::Selection;
use crate::{
    bench, bench_client, instructions, lint, package, server, site, steps, suite, tools, wasm,
    wasm_tests,
};

const HELP: &str = "\
cargo xtask <command>

  start [SERVE OPTIONS]   build what is needed and serve it (npm start)
  test [--only STEP,…] [--keep-going]
                          everything that must hold (npm test); --list shows the steps
  build                   release bundle and release server (npm run build)
  bench [OPTIONS]         measures the server beside its peers (npm run bench); --help lists the options
  package                 what is published, in dist/, with its sizes (npm run package, npm pack)
  site                    what the server serves, in dist/site/
  bench-client            the benches of the client, into bench/RESULTS-CLIENT.md (npm run bench:client)
  instructions            count the instructions of core's hot paths anew, into bench/instructions.json
  lint                    formatting, lints and types, without tests
  format                  rewrite the sources in the project's format
  test-runner FILE.wasm   run one wasm test file (cargo test --target wasm32-unknown-unknown calls it)
";

/// What was asked for.
pub(crate) enum Command {
    Help,
    Start(Vec<OsString>),
    Test(Selection),
    ListSteps,
    Build,
    Bench(Vec<OsString>),
    Package,
    Site,
    BenchClient,
    Instructions,
    Lint,
    Format,
    TestRunner(Vec<OsString>),
}

/// Reads the arguments, the program's name first.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut parser = lexopt::Parser::from_iter(args);
    let command = match parser.next()? {
        None | Some(Short('h') | Long("help")) => return Ok(Command::Help),
        Some(Value(command)) => command.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    let command = match command.as_str() {
        "help" => Command::Help,
        "start" => return Ok(Command::Start(parser.raw_args()?.collect())),
        "bench" => return Ok(Command::Bench(parser.raw_args()?.collect())),
        "test-runner" => return Ok(Command::TestRunner(parser.raw_args()?.collect())),
        "test" => return parse_test(&mut parser),
        "build" => Command::Build,
        "package" => Command::Package,
        "site" => Command::Site,
        "bench-client" => Command::BenchClient,
        "instructions" => Command::Instructions,
        "lint" => Command::Lint,
        "format" => Command::Format,
        unknown => bail!("there is no command `{unknown}`; `cargo xtask help` lists them"),
    };
    match parser.next()? {
        None => Ok(command),
        Some(extra) => Err(extra.unexpected().into()),
    }
}

fn parse_test(parser: &mut lexopt::Parser) -> Result<Command> {
    let mut selection = Selection::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") => return Ok(Command::Help),
            Long("list") => return Ok(Command::ListSteps),
            Long("keep-going") => selection.keep_going = true,
            Long("only") => {
                let names = parser
                    .value()
                    .context("--only needs the name of a step")?
                    .string()?;
                selection
                    .only
                    .extend(names.split(',').map(|name| name.trim().to_owned()));
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Test(selection))
}

impl Command {
    /// Does it; the exit code is the process's.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let project = Project::find()?;
        let shell = &mut Shell::stream();
        match self {
            Self::Help => print!("{HELP}"),
            Self::ListSteps => {
                for step in steps::ALL {
                    println!("{:<12} {}", step.name, step.about);
                }
            }
            Self::Start(options) => return server::start(&project, &options),
            Self::Bench(options) => return bench::run(&project, &options),
            Self::Test(selection) => return suite::run(project, &selection),
            Self::TestRunner(args) => return wasm_tests::run_file(&project, &args),
            Self::Build => {
                tools::ensure_for_build(&project, shell)?;
                let package = package::build(&project, shell)?;
                site::assemble(&project)?;
                let server = server::build(&project, shell, server::Profile::Release)?;
                println!("{package}\nserver: {}", server.display());
                package.sizes.check_budget()?;
            }
            Self::Package => {
                tools::ensure_for_build(&project, shell)?;
                let package = package::build(&project, shell)?;
                // Whoever packs it reads npm's own answer on the other channel.
                eprintln!("{package}");
                package.sizes.check_budget()?;
            }
            Self::Site => {
                tools::ensure_for_build(&project, shell)?;
                wasm::build(&project, shell)?;
                let changed = site::assemble(&project)?;
                println!("{}: {changed} files changed", project.site().display());
            }
            Self::BenchClient => bench_client::run(&project, shell)?,
            Self::Instructions => print!("{}", instructions::renew(&project, shell)?),
            Self::Lint => {
                tools::ensure_for_build(&project, shell)?;
                tools::ensure_components(&project, shell)?;
                lint::all(&project, shell)?;
            }
            Self::Format => {
                tools::ensure_npm_packages(&project, shell)?;
                tools::ensure_components(&project, shell)?;
                lint::format(&project, shell)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command> {
        parse(
            std::iter::once("xtask")
                .chain(args.iter().copied())
                .map(OsString::from),
        )
    }

    #[test]
    fn what_follows_start_belongs_to_the_server() {
        let Command::Start(options) =
            parsed(&["start", "--listen", "127.0.0.1:0", "--help"]).unwrap()
        else {
            panic!("not a start command");
        };
        assert_eq!(options, ["--listen", "127.0.0.1:0", "--help"]);
    }

    #[test]
    fn steps_may_be_given_together_or_apart() {
        let Command::Test(selection) = parsed(&[
            "test",
            "--only",
            "format,core",
            "--only=e2e",
            "--keep-going",
        ])
        .unwrap() else {
            panic!("not a test command");
        };
        assert_eq!(selection.only, ["format", "core", "e2e"]);
        assert!(selection.keep_going);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(parsed(&["tset"]).is_err());
        assert!(parsed(&["test", "--onyl", "core"]).is_err());
        assert!(parsed(&["site", "extra"]).is_err());
    }
}
