//! Many jobs in one transaction.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use stillhere_core::time::Millis;

use super::super::{Done, Job, StoreError, Study};
use super::connection::InTransaction;
use super::jobs::Work;

/// Does jobs in their order on a connection that is in a transaction, each in a savepoint of its own.
///
/// # Errors
/// If nothing that was done can be committed.
pub(in crate::store) async fn all<C: InTransaction>(
    connection: &mut C,
    study: &Study,
    now: Millis,
    jobs: &[Job],
) -> Result<Vec<Result<Done, StoreError>>, StoreError> {
    let mut results = Vec::with_capacity(jobs.len());
    for job in jobs {
        connection.execute("SAVEPOINT job", &[]).await?;
        let work = Work {
            connection: &mut *connection,
            study,
            now,
        };
        let result = AssertUnwindSafe(work.run(job)).catch_unwind().await;
        let result =
            result.unwrap_or_else(|_| Err(StoreError::Unavailable("a game panicked".to_owned())));
        if let Err(reason) = &result {
            if connection.is_spoilt() {
                return Err(reason.clone());
            }
            let undone = connection.execute("ROLLBACK TO SAVEPOINT job", &[]).await;
            // Without a savepoint to go back to, there is no transaction any more.
            undone.map_err(|_| reason.clone())?;
        }
        connection.execute("RELEASE SAVEPOINT job", &[]).await?;
        results.push(result);
    }
    Ok(results)
}
