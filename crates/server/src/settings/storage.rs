//! Where games and data are kept.

use serde_json::Value;
use stillhere_core::source::{FieldError, Fields};

use super::read::only_known;
use crate::cluster::RedisUrl;
use crate::store::PostgresUrl;

/// Where games and data are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In a file of the data directory.
    #[default]
    DataDir,
    /// In a PostgreSQL database, which several servers may share.
    Postgres(PostgresUrl),
}

pub(super) fn storage(fields: &mut Fields<&Value>, faults: &mut Vec<FieldError>) -> Storage {
    let mut storage = Storage::DataDir;
    fields.record("storage", |fields| {
        only_known(fields, &["url"]);
        let Some(url) = fields.text("url") else {
            return;
        };
        match PostgresUrl::parse(&url) {
            Some(url) => storage = Storage::Postgres(url),
            None => faults.push(FieldError {
                key: "storage.url".to_owned(),
                value: Some(format!("\"{}\"", without_secrets(&url))),
                allowed: PostgresUrl::ALLOWED.to_owned(),
            }),
        }
    });
    storage
}

/// What carries actions between partners on different servers.
pub(super) fn redis(
    fields: &mut Fields<&Value>,
    storage: &Storage,
    faults: &mut Vec<FieldError>,
) -> Option<RedisUrl> {
    let mut redis = None;
    fields.record("cluster", |fields| {
        only_known(fields, &["redis"]);
        let Some(url) = fields.text("redis") else {
            return;
        };
        redis = RedisUrl::parse(&url);
        let mut refuse = |allowed: &str| {
            faults.push(FieldError {
                key: "cluster.redis".to_owned(),
                value: Some(format!("\"{}\"", without_secrets(&url))),
                allowed: allowed.to_owned(),
            });
        };
        if redis.is_none() {
            refuse(RedisUrl::ALLOWED);
        } else if *storage == Storage::DataDir {
            refuse("an address only where storage.url names the database that the servers share");
        }
    });
    redis
}

/// An address as messages may repeat it: who may come in, and with what, is left out.
pub(super) fn without_secrets(url: &str) -> String {
    let shown = match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        (None, Some((_, place))) => format!("…@{place}"),
        _ => url.to_owned(),
    };
    // What follows may be a password too.
    match shown.split_once('?') {
        Some((place, _)) => format!("{place}?…"),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_repeated() {
        for (url, shown) in [
            ("mysql://ada:secret@db/x", "mysql://…@db/x"),
            ("mysql://ada:s@cret@db/x", "mysql://…@db/x"),
            ("ada:secret@db", "…@db"),
            ("mysql://db/x?password=secret", "mysql://db/x?…"),
            ("data.sqlite3", "data.sqlite3"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
