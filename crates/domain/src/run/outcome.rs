//! How a run ends.

use super::inventory_sync::InventoryCounts;
use super::kind::RunCounts;
use crate::failure::Failure;
use crate::inventory::{TypeResult, TypeStatus};
use crate::words::words;

words! {
    /// How a completed run ended. Closed.
    pub enum Outcome: "outcome" {
        /// Everything that was asked for was done.
        Succeeded = "succeeded",
        /// Something was done and something failed; the results say which.
        PartiallySucceeded = "partially_succeeded",
        /// Nothing was done, or the run could not go on.
        Failed = "failed",
        /// Somebody asked for it to stop.
        Cancelled = "cancelled",
    }
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// How it ended.
    pub outcome: Outcome,
    pub counts: RunCounts,
    /// Why it failed; the first cause when several types failed.
    pub error: Option<Failure>,
}

impl Completion {
    /// Sums up the results of an inventory sync per type: all read or skipped is a success, some failed
    /// or incomplete is a partial success, none read while some failed is a failure. The cause is the
    /// first failed type's, and that of the first incomplete one when none failed.
    #[must_use]
    pub fn of_results(results: &[TypeResult]) -> Self {
        let mut counts = InventoryCounts::default();
        for result in results {
            counts.add(result);
        }
        let outcome = match counts {
            InventoryCounts {
                types_failed: 0,
                types_incomplete: 0,
                ..
            } => Outcome::Succeeded,
            InventoryCounts {
                types_succeeded: 0,
                types_incomplete: 0,
                ..
            } => Outcome::Failed,
            _ => Outcome::PartiallySucceeded,
        };
        let first_error = |status| {
            let mut such = results.iter().filter(|result| result.status == status);
            such.find_map(|result| result.error.clone())
        };
        let error = first_error(TypeStatus::Failed).or_else(|| first_error(TypeStatus::Incomplete));
        Self {
            outcome,
            counts: counts.into(),
            error: error.filter(|_| outcome != Outcome::Succeeded),
        }
    }

    /// The run could not go on.
    #[must_use]
    pub const fn failed(error: Failure, counts: RunCounts) -> Self {
        Self {
            outcome: Outcome::Failed,
            counts,
            error: Some(error),
        }
    }

    /// The run stopped after a request to cancel.
    #[must_use]
    pub const fn cancelled(counts: RunCounts) -> Self {
        Self {
            outcome: Outcome::Cancelled,
            counts,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureCode;
    use crate::policy_types::registry;

    fn result(key: &str, status: TypeStatus) -> TypeResult {
        let mut result = TypeResult::pending(registry().find(key).unwrap());
        result.status = status;
        if matches!(status, TypeStatus::Failed | TypeStatus::Incomplete) {
            result.error = Some(Failure::permanent(FailureCode::PERMISSION_MISSING, "no"));
        }
        result.seen = 2;
        result
    }

    #[test]
    fn the_outcome_follows_from_the_results_per_type() {
        use TypeStatus::{Failed, Incomplete, Skipped, Succeeded};
        let outcome = |statuses: &[TypeStatus]| {
            let results: Vec<_> = statuses.iter().map(|&s| result("mobileApp", s)).collect();
            let completion = Completion::of_results(&results);
            assert_eq!(
                completion.error.is_some(),
                completion.outcome != Outcome::Succeeded
            );
            completion.outcome
        };
        assert_eq!(outcome(&[Succeeded, Skipped]), Outcome::Succeeded);
        assert_eq!(outcome(&[Skipped]), Outcome::Succeeded);
        assert_eq!(outcome(&[Succeeded, Failed]), Outcome::PartiallySucceeded);
        assert_eq!(outcome(&[Failed, Skipped]), Outcome::Failed);
        assert_eq!(outcome(&[Incomplete]), Outcome::PartiallySucceeded);
        assert_eq!(outcome(&[Failed, Incomplete]), Outcome::PartiallySucceeded);
    }
}
