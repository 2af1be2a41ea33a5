//! Why something failed.

use atlas_domain::failure::{Failure, RowDefect, RowProblem, RowProblems, UpstreamAnswer};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// An error of a run or of a policy type.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RunError {
    /// Error code. New codes may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    code: String,
    /// Explanation of the error.
    #[schema(max_length = 2000)]
    detail: String,
    /// Whether another attempt may succeed.
    retryable: bool,
    /// How to resolve the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    hint: Option<String>,
    /// The missing Microsoft Graph permissions, if they are the cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100, required = false)]
    missing_permissions: Vec<String>,
    /// Request identifier of Microsoft Graph, for support cases with Microsoft.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    upstream_request_id: Option<String>,
    /// The response of Microsoft Graph that caused the error, for support cases with Microsoft.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<UpstreamError>,
    /// The affected rows of the list, if the error is about rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<AffectedRows>,
}

/// An answer of Microsoft Graph that was not as expected, or a request that got none.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UpstreamError {
    /// The HTTP status; that of the part, for a part of a batch. Absent when no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 999)]
    status: Option<u16>,
    /// The code of Microsoft Graph's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    error_code: Option<String>,
    /// The id that the service gave its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    request_id: Option<String>,
    /// The id that the request was sent with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    client_request_id: Option<String>,
    /// When the answer came, or was given up.
    at: DateTime<Utc>,
    /// The path that was asked for, without host and query.
    #[schema(max_length = 500)]
    path: String,
}

/// Rows of a list that were not stored as Microsoft Graph sent them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AffectedRows {
    /// How many.
    count: u64,
    /// The first 20 of them.
    #[schema(max_items = 20)]
    first: Vec<AffectedRow>,
}

/// One row of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AffectedRow {
    /// Its position in the list, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    /// Its id, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    id: Option<String>,
    /// What was wrong with it, as a stable word. Clients must accept words that they do not know:
    /// `not_an_object`, `no_id`, `unreadable` and `not_stored` (the row is not stored),
    /// `text_replaced`, `number_as_text` and `nesting_cut` (it is stored with the damaged value
    /// replaced).
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    defect: &'static str,
}

impl From<Failure> for RunError {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code.as_str().to_owned(),
            detail: failure.detail,
            retryable: failure.retryable,
            hint: failure.hint,
            missing_permissions: failure.missing_permissions,
            upstream_request_id: failure.upstream_request_id,
            upstream: failure.upstream.map(|answer| UpstreamError::from(*answer)),
            rows: failure.rows.map(AffectedRows::from),
        }
    }
}

impl From<UpstreamAnswer> for UpstreamError {
    fn from(answer: UpstreamAnswer) -> Self {
        Self {
            status: answer.status,
            error_code: answer.error_code,
            request_id: answer.request_id,
            client_request_id: answer.client_request_id,
            at: answer.at,
            path: answer.path,
        }
    }
}

impl From<RowProblems> for AffectedRows {
    fn from(rows: RowProblems) -> Self {
        Self {
            count: rows.count,
            first: rows.first.into_iter().map(AffectedRow::from).collect(),
        }
    }
}

impl From<RowProblem> for AffectedRow {
    fn from(row: RowProblem) -> Self {
        let RowProblem {
            position,
            id,
            defect,
        } = row;
        Self {
            position,
            id,
            defect: RowDefect::as_str(defect),
        }
    }
}
