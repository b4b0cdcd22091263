//! Making a folder hold exactly the wanted files, touching only what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Destination below the folder, and the file that belongs there.
pub(crate) type Plan = BTreeMap<PathBuf, PathBuf>;

/// Adds every file below `from` to the plan, under `to`; hidden files and those that `keep` refuses stay out.
pub(crate) fn plan_tree(
    plan: &mut Plan,
    from: &Path,
    to: &Path,
    keep: &dyn Fn(&Path) -> bool,
) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            plan_tree(plan, &path, &to.join(name), keep)?;
        } else if keep(&path) {
            plan.insert(to.join(name), path);
        }
    }
    Ok(())
}

/// Copies what differs and removes what is not in the plan (hidden files excepted); tells how many files changed.
pub(crate) fn apply(plan: &Plan, folder: &Path) -> Result<usize> {
    apply_sparing(plan, folder, None)
}

/// The same for a folder in which another one, that is somebody else's, stays as it is.
pub(crate) fn apply_beside(plan: &Plan, folder: &Path, other: &Path) -> Result<usize> {
    apply_sparing(plan, folder, Some(other))
}

fn apply_sparing(plan: &Plan, folder: &Path, spared: Option<&Path>) -> Result<usize> {
    fs::create_dir_all(folder)?;
    let mut changed = 0;
    for (to, from) in plan {
        let to = folder.join(to);
        let wanted =
            fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
        if fs::read(&to).ok().as_ref() == Some(&wanted) {
            continue;
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        write_whole(&to, &wanted)?;
        changed += 1;
    }
    let wanted = plan.keys().map(|to| folder.join(to)).collect();
    Ok(changed + remove_others(folder, &wanted, spared)?)
}

/// Written beside and renamed: a server that reads at this moment sees the old file or the new one, never half of it.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.new"));
    fs::write(&beside, bytes).with_context(|| format!("{} cannot be written", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("{} cannot be replaced", path.display()))
}

fn remove_others(
    folder: &Path,
    wanted: &BTreeSet<PathBuf>,
    spared: Option<&Path>,
) -> Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if spared == Some(path.as_path()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            removed += remove_others(&path, wanted, spared)?;
            match fs::remove_dir(&path) {
                Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => {
                    return Err(error.into());
                }
                _ => {}
            }
        } else if !wanted.contains(&path) && !entry.file_name().to_string_lossy().starts_with('.') {
            fs::remove_file(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("xtask-sync-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn copies_once_updates_and_removes() {
        let folder = Folder::new("all");
        let (from, to) = (folder.0.join("from"), folder.0.join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("a.js"), "a").unwrap();
        fs::write(from.join("deep/b.js"), "b").unwrap();
        fs::write(from.join(".hidden"), "h").unwrap();
        fs::write(from.join("a.d.ts"), "t").unwrap();
        let copy = || {
            let mut plan = Plan::new();
            plan_tree(&mut plan, &from, Path::new("x"), &|path| {
                !path.to_string_lossy().ends_with(".d.ts")
            })
            .unwrap();
            apply(&plan, &to).unwrap()
        };

        assert_eq!(copy(), 2);
        assert_eq!(copy(), 0);
        fs::write(from.join("a.js"), "changed").unwrap();
        assert_eq!(copy(), 1);
        assert_eq!(fs::read_to_string(to.join("x/a.js")).unwrap(), "changed");
        fs::remove_dir_all(from.join("deep")).unwrap();
        assert_eq!(copy(), 1);
        assert!(!to.join("x/deep").exists());
        assert!(!to.join("x/.hidden").exists() && !to.join("x/a.d.ts").exists());
    }

    #[test]
    fn a_folder_of_somebody_else_stays() {
        let folder = Folder::new("beside");
        let (to, other) = (folder.0.join("to"), folder.0.join("to/site"));
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("page.html"), "p").unwrap();
        fs::write(to.join("old.js"), "o").unwrap();
        assert_eq!(apply_beside(&Plan::new(), &to, &other).unwrap(), 1);
        assert!(other.join("page.html").exists() && !to.join("old.js").exists());
    }
}
