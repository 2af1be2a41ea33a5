//! Why the work on a run does not go on, and writing while the database may be away for a moment.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::run::Completion;
use atlas_graph::GraphError;
use atlas_store::{StoreError, WriteError};

use crate::execution::End;
use crate::execution::progress::ProgressBoard;

/// Why a sync does not go on.
#[derive(Debug)]
pub(crate) enum Interrupt {
    /// A write was refused.
    Lost,
    /// For good.
    Failed(Failure),
    /// It may work later.
    Later {
        /// Why not now.
        failure: Failure,
        /// How long Graph asked to wait.
        after: Option<Duration>,
    },
}

impl Interrupt {
    /// How the work on the run ends by it.
    pub(crate) fn end(self, progress: &ProgressBoard) -> End {
        match self {
            Self::Lost => End::Lost,
            Self::Later { failure, after } => End::Later { failure, after },
            Self::Failed(failure) => End::Completed(Completion::failed(failure, progress.counts())),
        }
    }

    /// Ends a run that cannot go on, now or for good.
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

/// Repeats a step while the database is away. It gives up with the lease: whoever keeps that drops
/// this future when it is lost.
pub(crate) async fn insist<T, E, F>(mut step: impl FnMut() -> F) -> Result<T, Interrupt>
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
            WriteError::Lost => return Err(Interrupt::Lost),
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
