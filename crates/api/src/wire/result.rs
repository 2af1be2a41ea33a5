//! Results of a run per policy type.

use atlas_domain::failure::Failure;
use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::inventory::{TypeResult, TypeStatus};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::run_error::RunError;

/// The result of a run for one policy type.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationRunResult {
    /// Key of the policy type, or name of an audit log.
    #[schema(max_length = 128)]
    policy_type: &'static str,
    /// Name of the policy type for people. Absent for an audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    label: Option<&'static str>,
    /// The category of the policy type. Absent for an audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    category: Option<&'static str>,
    /// The status.
    pub(crate) status: ResultStatus,
    /// Number of pages that were read.
    pages: u32,
    /// Objects seen.
    seen: u64,
    /// Objects seen for the first time.
    created: u64,
    /// Objects whose content differs from the last time.
    changed: u64,
    /// Objects whose assignments differ from the last time.
    reassigned: u64,
    /// Objects that are no longer there.
    missing: u64,
    /// Objects that had been missing and are there again.
    back: u64,
    /// Objects whose values were read because they are new or moved, or because nothing shows whether
    /// they moved.
    values_read: u64,
    /// Objects whose values were read although nothing moved.
    values_verified: u64,
    /// Why it failed, was skipped or is incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
    /// When reading began.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    /// When reading ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
}

/// The status of a policy type in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultStatus {
    /// Not read completely yet.
    Pending,
    /// Read completely.
    Succeeded,
    /// Not read completely.
    Failed,
    /// Skipped for a reason in `error`.
    Skipped,
    /// Read completely, except for some assignments, links or values, of which what was stored is kept.
    Incomplete,
}

impl From<TypeStatus> for ResultStatus {
    fn from(status: TypeStatus) -> Self {
        match status {
            TypeStatus::Pending => Self::Pending,
            TypeStatus::Succeeded => Self::Succeeded,
            TypeStatus::Failed => Self::Failed,
            TypeStatus::Skipped => Self::Skipped,
            TypeStatus::Incomplete => Self::Incomplete,
        }
    }
}

impl OperationRunResult {
    /// What its result is about.
    pub(crate) const fn name(&self) -> &'static str {
        self.policy_type
    }

    /// An audit log that was not read, or not to its end.
    pub(crate) fn unread((log, failure): (ActivityLog, Failure)) -> Self {
        Self {
            policy_type: log.as_str(),
            label: None,
            category: None,
            status: ResultStatus::Incomplete,
            pages: 0,
            seen: 0,
            created: 0,
            changed: 0,
            reassigned: 0,
            missing: 0,
            back: 0,
            values_read: 0,
            values_verified: 0,
            error: Some(failure.into()),
            started_at: None,
            completed_at: None,
        }
    }

    /// One policy type's result.
    pub(crate) fn new(result: TypeResult) -> Self {
        let described = result.policy_type.describe();
        Self {
            policy_type: result.policy_type.as_str(),
            label: Some(&described.label),
            category: Some(&described.category),
            status: result.status.into(),
            pages: result.pages,
            seen: result.seen,
            created: result.created,
            changed: result.changed,
            reassigned: result.reassigned,
            missing: result.missing,
            back: result.back,
            values_read: result.values_read,
            values_verified: result.values_verified,
            error: result.error.map(RunError::from),
            started_at: result.started_at,
            completed_at: result.completed_at,
        }
    }
}
