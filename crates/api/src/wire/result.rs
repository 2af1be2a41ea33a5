//! What a run did for each policy type.

use atlas_domain::inventory::{TypeResult, TypeStatus};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::run_error::RunError;

/// What a run did for one policy type.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationRunResult {
    /// Key of the policy type.
    #[schema(max_length = 128)]
    policy_type: &'static str,
    /// How it went.
    status: ResultStatus,
    /// Pages of the list that were read.
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
    /// Why it failed, was left out or is incomplete.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
    /// When reading began.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
}

/// How reading one policy type went.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultStatus {
    /// Not read to its end yet.
    Pending,
    /// Read to its end.
    Succeeded,
    /// Not read to its end.
    Failed,
    /// Left out with a reason.
    Skipped,
    /// Read to its end, but not all of its assignments or links; what was known of those stands.
    Incomplete,
}

impl OperationRunResult {
    /// One policy type's result.
    pub(crate) fn new(result: TypeResult) -> Self {
        Self {
            policy_type: result.policy_type.as_str(),
            status: match result.status {
                TypeStatus::Pending => ResultStatus::Pending,
                TypeStatus::Succeeded => ResultStatus::Succeeded,
                TypeStatus::Failed => ResultStatus::Failed,
                TypeStatus::Skipped => ResultStatus::Skipped,
                TypeStatus::Incomplete => ResultStatus::Incomplete,
            },
            pages: result.pages,
            seen: result.seen,
            created: result.created,
            changed: result.changed,
            reassigned: result.reassigned,
            missing: result.missing,
            back: result.back,
            error: result.error.map(RunError::from),
            started_at: result.started_at,
            completed_at: result.completed_at,
        }
    }
}
