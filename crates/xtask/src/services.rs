//! What other people's programs the server's tests start for themselves: named by the environment, on the machine, or
//! freshly installed. What cannot be had is told with the reason, so that its tests are skipped by name.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Result;

use crate::browser::{apt_get, is_debian, is_root, named, on_path};
use crate::project::Project;
use crate::shell::Shell;

/// Names the folder of PostgreSQL's programs.
pub(crate) const POSTGRES_BIN: &str = "POSTGRES_BIN";

/// Programs with the variables that name them and Debian's packages of them.
const OTHERS: &[(&str, &str, &str)] = &[
    ("redis-server", "REDIS_SERVER", "redis-server"),
    ("haproxy", "HAPROXY", "haproxy"),
    ("psql", "PSQL", "postgresql-client"),
];

const POSTGRES_PLACES: &[&str] = &[
    "/usr/lib/postgresql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/usr/pgsql",
];

/// PostgreSQL's programs, which are installed first where that is possible; or why there are none.
pub(crate) fn postgres(project: &Project, shell: &mut Shell) -> Result<Result<PathBuf, String>> {
    if find_postgres().is_none() {
        // The programs alone would do, but nothing smaller brings them, nor the user to run them as.
        install(project, shell, &["postgresql"]);
    }
    Ok(find_postgres().ok_or_else(|| {
        format!("PostgreSQL was not found: install it (Debian: postgresql) or name the folder of initdb in {POSTGRES_BIN}")
    }))
}

/// All that several servers need around them, with the variables that tests read; or what there is not.
pub(crate) fn of_a_cluster(
    project: &Project,
    shell: &mut Shell,
) -> Result<Result<Vec<(&'static str, PathBuf)>, String>> {
    let mut programs = match postgres(project, shell)? {
        Ok(folder) => vec![(POSTGRES_BIN, folder)],
        Err(why) => return Ok(Err(why)),
    };
    let mut packages = Vec::new();
    for (name, variable, package) in OTHERS.iter().copied() {
        if find(name, variable)?.is_none() {
            packages.push(package);
        }
    }
    if !packages.is_empty() {
        install(project, shell, &packages);
    }
    for (name, variable, package) in OTHERS.iter().copied() {
        match find(name, variable)? {
            Some(path) => programs.push((variable, path)),
            None => {
                return Ok(Err(format!(
                    "{name} was not found: install it (Debian: {package}) or name it in {variable}"
                )));
            }
        }
    }
    Ok(Ok(programs))
}

fn install(project: &Project, shell: &mut Shell, packages: &[&str]) {
    if is_debian()
        && is_root(project)
        && let Err(error) = apt_get(project, shell, packages)
    {
        shell.say(&format!("  {error:#}: going on without"));
    }
}

fn find(name: &'static str, variable: &str) -> Result<Option<PathBuf>> {
    let beside = Path::new("/usr/sbin").join(name);
    Ok(named(variable)?
        .or_else(|| on_path(&[name]))
        .or_else(|| beside.is_file().then_some(beside)))
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
