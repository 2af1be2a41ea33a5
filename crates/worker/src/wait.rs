//! Waiting for what a worker needs before it claims a run.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::health::HealthReporter;
use crate::last_reason::LastReason;

/// How often a worker that lacks something looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Waits until nothing is lacking any more, and reports meanwhile what is; each reason is logged once.
/// False when asked to stop before.
pub(crate) async fn until_none<F>(
    lacking: impl Fn() -> F,
    health: &HealthReporter,
    shutdown: &CancellationToken,
) -> bool
where
    F: Future<Output = Result<Option<String>, StoreError>>,
{
    let mut last = LastReason::default();
    loop {
        let (reported, reason) = match lacking().await {
            Ok(None) => return true,
            Ok(Some(reason)) => (reason.clone(), reason),
            Err(error) => {
                let reported = match error.unfit_pooler() {
                    Some(kind) => kind.advice(),
                    None => "the database does not answer",
                };
                (reported.to_owned(), Causes(&error).to_string())
            }
        };
        health.not_ready(&reported);
        last.log("not ready", reason);
        tokio::select! {
            () = shutdown.cancelled() => {
                health.withdraw();
                return false;
            }
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}
