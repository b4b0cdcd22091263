//! Benches, which say how fast something is and never whether it is right.

use anyhow::Result;

use crate::browser;
use crate::package;
use crate::project::Project;
use crate::shell::Shell;
use crate::tools;

/// The client beside its peers; writes `bench/RESULTS-CLIENT.md`.
pub(crate) fn run(project: &Project, shell: &mut Shell) -> Result<()> {
    tools::ensure_for_build(project, shell)?;
    let browser = browser::ensure(project, shell)?;
    package::build(project, shell)?;
    let mut node = project.node("bench/client/main.js");
    node.envs(browser.variables()).env("SE_OFFLINE", "true");
    shell.run(&mut node, "node bench/client/main.js")
}
