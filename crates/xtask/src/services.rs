//! What other people's programs the server's tests start for themselves: named by the environment, on the machine, or
//! freshly installed. What cannot be had is told with the reason, so that its tests are skipped by name.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Result;

use crate::browser::{apt_get, is_debian, is_root};
use crate::project::Project;
use crate::shell::Shell;

/// Names the folder of PostgreSQL's programs.
const POSTGRES_BIN: &str = "POSTGRES_BIN";

const POSTGRES_PLACES: &[&str] = &[
    "/usr/lib/postgresql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/usr/pgsql",
];

/// PostgreSQL's programs, which are installed first where that is possible; or why there are none.
pub(crate) fn postgres(project: &Project, shell: &mut Shell) -> Result<Result<PathBuf, String>> {
    if let Some(folder) = find_postgres() {
        return Ok(Ok(folder));
    }
    if is_debian() && is_root(project) {
        // The programs alone would do, but nothing smaller brings them, nor the user to run them as.
        if let Err(error) = apt_get(project, shell, &["postgresql"]) {
            shell.say(&format!("  {error:#}: going on without"));
        }
    }
    Ok(find_postgres().ok_or_else(|| {
        format!("PostgreSQL was not found: install it (Debian: postgresql) or name the folder of initdb in {POSTGRES_BIN}")
    }))
}

fn find_postgres() -> Option<PathBuf> {
    let named = env::var_os(POSTGRES_BIN).map(PathBuf::from);
    let places = POSTGRES_PLACES.iter().flat_map(fs::read_dir).flatten();
    let places = places.flatten().map(|version| version.path().join("bin"));
    let on_path = env::var_os("PATH").unwrap_or_default();
    named
        .into_iter()
        .chain(places)
        .chain(env::split_paths(&on_path))
        .find(|folder| has_postgres(folder))
}

fn has_postgres(folder: &Path) -> bool {
    let program = |name: &str| folder.join(name).with_extension(env::consts::EXE_EXTENSION);
    program("initdb").is_file() && program("postgres").is_file()
}
