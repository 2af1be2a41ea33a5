//! How a run ended, and how far it is.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::inventory::{TypeResult, TypeStatus};

/// How a completed run ended. Closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was asked for was done.
    Succeeded,
    /// Something was done and something failed; the results say which.
    PartiallySucceeded,
    /// Nothing was done, or the run could not go on.
    Failed,
    /// Somebody asked for it to stop.
    Cancelled,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [
        Self::Succeeded,
        Self::PartiallySucceeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word used in rows and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::PartiallySucceeded => "partially_succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a run did, in numbers. All final values, written in the transaction that ends the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounts {
    /// Types that were read to their end.
    pub types_succeeded: u32,
    /// Types that failed.
    pub types_failed: u32,
    /// Types that cannot be read here and were left out with a reason.
    pub types_skipped: u32,
    /// Types that were read to their end, but not all of their assignments or links.
    #[serde(default)]
    pub types_incomplete: u32,
    /// Objects seen.
    pub items_seen: u64,
    /// Objects seen for the first time.
    pub items_created: u64,
    /// Objects whose content differs from the last time.
    pub items_changed: u64,
    /// Objects whose assignments differ from the last time.
    #[serde(default)]
    pub items_reassigned: u64,
    /// Objects that were there before and are no longer.
    pub items_missing: u64,
    /// Objects that had been missing and are there again.
    #[serde(default)]
    pub items_back: u64,
}

impl RunCounts {
    /// Adds what was done for one type. A type that was not read to its end counts as failed.
    pub const fn add(&mut self, result: &TypeResult) {
        match result.status {
            TypeStatus::Succeeded => self.types_succeeded += 1,
            TypeStatus::Skipped => self.types_skipped += 1,
            TypeStatus::Incomplete => self.types_incomplete += 1,
            TypeStatus::Failed | TypeStatus::Pending => self.types_failed += 1,
        }
        self.items_seen += result.seen;
        self.items_created += result.created;
        self.items_changed += result.changed;
        self.items_reassigned += result.reassigned;
        self.items_missing += result.missing;
        self.items_back += result.back;
    }
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// How it ended.
    pub outcome: Outcome,
    /// What it did.
    pub counts: RunCounts,
    /// Why it failed; the first cause when several types failed.
    pub error: Option<Failure>,
}

impl Completion {
    /// Sums up the results per type: all read or skipped is a success, some failed or incomplete is
    /// a partial success, none read while some failed is a failure. The cause is the first failed
    /// type's, and that of the first incomplete one when none failed.
    #[must_use]
    pub fn of_results(results: &[TypeResult]) -> Self {
        let mut counts = RunCounts::default();
        for result in results {
            counts.add(result);
        }
        let outcome = match counts {
            RunCounts {
                types_failed: 0,
                types_incomplete: 0,
                ..
            } => Outcome::Succeeded,
            RunCounts {
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
            counts,
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

    /// The run stopped because somebody asked for it.
    #[must_use]
    pub const fn cancelled(counts: RunCounts) -> Self {
        Self {
            outcome: Outcome::Cancelled,
            counts,
            error: None,
        }
    }
}

/// What a running run is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressPhase {
    /// Signing in and planning which lists to read.
    Planning,
    /// Reading lists and storing what they hold.
    Collecting,
    /// Marking what is gone, and adding up.
    Finishing,
}

impl ProgressPhase {
    /// Every phase, in order.
    pub const ALL: [Self; 3] = [Self::Planning, Self::Collecting, Self::Finishing];

    /// Position among [`ProgressPhase::ALL`], from 1.
    #[must_use]
    pub const fn index(self) -> u32 {
        match self {
            Self::Planning => 1,
            Self::Collecting => 2,
            Self::Finishing => 3,
        }
    }
}

/// How far a run is. Counts are of policy types and never go back within an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What it is at.
    pub phase: ProgressPhase,
    /// Types read to their end.
    pub completed: u32,
    /// Types that failed.
    pub failed: u32,
    /// Types left out with a reason.
    pub skipped: u32,
    /// Types asked for.
    pub total: u32,
    /// Objects seen so far.
    pub items_seen: u64,
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
