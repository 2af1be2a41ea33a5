//! What is kept of an answer for a support case.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An answer of Microsoft Graph, or a request that got none, as Microsoft's support asks for it.
/// Holds no host, no query and no text of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamAnswer {
    /// The HTTP status; that of the part, for a part of a batch. Absent when no answer came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// `error.code` of the body.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_code: Option<String>,
    /// The `request-id` that the service gave its answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// The `client-request-id` that was sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_request_id: Option<String>,
    /// When the answer came, or was given up.
    pub at: DateTime<Utc>,
    /// The path that was asked for, with the version and without the query.
    pub path: String,
}
