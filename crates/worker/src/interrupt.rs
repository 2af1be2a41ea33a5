//! Why the work on a run stops before its end, and repeating a step while the database is away.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_graph::GraphError;
use atlas_store::{StoreError, WriteError};

/// Why the work on a run stops.
#[derive(Debug)]
pub enum Interrupt {
    /// The fence refused a write: another worker has the run, or it has ended.
    WriteRefused,
    /// The lease is lost.
    LeaseLost,
    /// The lease could not be renewed in time, because the database was away.
    NotRenewed,
    /// Somebody asked for the run to stop.
    CancelRequested,
    /// The process ends and hands the run back.
    ShuttingDown,
    /// The run fails, and another attempt would fail as well.
    Failed(Failure),
    /// The run may succeed later, not before `after` if Graph named a time.
    Later {
        /// Why not now.
        failure: Failure,
        /// How long Graph asked to wait.
        after: Option<Duration>,
    },
}

impl Interrupt {
    /// A failure of the whole run: retried later when another attempt may succeed.
    pub(crate) fn of(failure: Failure, after: Option<Duration>) -> Self {
        if failure.retryable {
            Self::Later { failure, after }
        } else {
            Self::Failed(failure)
        }
    }
}

/// An error that concerns the whole run.
pub(crate) fn interrupt(error: &GraphError) -> Interrupt {
    Interrupt::of(error.failure(&[]), error.retry_after())
}

/// The first pause after the database did not answer; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Repeats a step while the database is away. It has no limit of its own: the executor drops this
/// future when the lease is lost.
pub(crate) async fn with_retries<T, E, F>(mut step: impl FnMut() -> F) -> Result<T, Interrupt>
where
    E: Into<WriteError>,
    F: Future<Output = Result<T, E>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match step().await {
            Ok(done) => return Ok(done),
            Err(error) => error.into(),
        };
        match error {
            WriteError::Lost => return Err(Interrupt::WriteRefused),
            WriteError::Store(error) if error.is_transient() => {
                let cause = Causes(&error);
                tracing::warn!(error = %cause, ?pause, "the database is away; trying again");
            }
            WriteError::Store(error) => return Err(defect(&error)),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn defect(error: &StoreError) -> Interrupt {
    tracing::error!(error = %Causes(error), "what was read could not be stored");
    Interrupt::Later {
        failure: Failure::transient(
            FailureCode::INTERNAL,
            "What was read could not be stored; the worker's log has the cause.",
        ),
        after: None,
    }
}
