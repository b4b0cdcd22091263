//! `stillhere backup`: a copy of all that a server keeps, taken while it runs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::state::{DATABASE_FILE, TOKEN_KEY_FILE};

/// Why no backup was made. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no database {}: name the server's data directory with --data-dir", .0.display())]
    NoDatabase(PathBuf),
    /// An older backup would be written over.
    #[error("{} is there already: name another directory with --to", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("{} cannot be written ({}): make room, or name another directory with --to", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The database cannot be copied.
    #[error("the database cannot be copied: {0}")]
    Database(#[from] sqlx::Error),
    /// The copy was made and is not sound.
    #[error("the copy is not sound ({0}): the database itself may be damaged")]
    Unsound(String),
}

/// Copies database and token key into a directory, which is then a data directory that a server can start with. The
/// copy holds everything that was committed when it began; the running server goes on writing meanwhile.
///
/// # Errors
/// [`BackupError`].
pub async fn backup(data_dir: &Path, to: &Path) -> Result<(), BackupError> {
    let database = data_dir.join(DATABASE_FILE);
    if !database.exists() {
        return Err(BackupError::NoDatabase(database));
    }
    let copy = to.join(DATABASE_FILE);
    let key = to.join(TOKEN_KEY_FILE);
    if let Some(there) = [&copy, &key].into_iter().find(|file| file.exists()) {
        return Err(BackupError::Exists(there.clone()));
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| BackupError::File(path, error)
    };
    fs::create_dir_all(to).map_err(failed(to))?;
    let copied = copy_database(&database, &copy).await;
    let copied = match copied {
        Ok(()) => copy_key(&data_dir.join(TOKEN_KEY_FILE), &key).map_err(failed(&key)),
        Err(error) => Err(error),
    };
    if copied.is_err() {
        // Half a backup is none. What cannot be removed is named by the next try.
        let _ = fs::remove_file(&copy);
        let _ = fs::remove_file(&key);
    }
    copied
}

async fn copy_database(from: &Path, to: &Path) -> Result<(), BackupError> {
    let options = SqliteConnectOptions::new().filename(from).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::query("VACUUM INTO $1")
        .bind(to.to_string_lossy())
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(|error| BackupError::File(to.to_owned(), error))?;
    let mut copy =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(to).read_only(true))
            .await?;
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&mut copy)
        .await?;
    copy.close().await?;
    if found == "ok" {
        Ok(())
    } else {
        Err(BackupError::Unsound(found))
    }
}

/// Without the key a restored server would take nobody's token. A copy has the permissions of the original.
fn copy_key(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}
