//! Why something failed, in a form that a program can branch on and a person can act on.

mod row_problem;
mod upstream;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::row_problem::{MOST_NAMED, RowDefect, RowProblem, RowProblems};
pub use self::upstream::UpstreamAnswer;

/// A stable, documented word for a cause. An open list: clients must accept words they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FailureCode(Cow<'static, str>);

macro_rules! failure_codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        impl FailureCode {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($word));)+

            /// Every code that this version can produce.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

failure_codes! {
    /// The job could not be put into Redis when the run was started.
    DISPATCH_FAILED = "dispatch_failed";
    /// The worker that held the run stopped renewing its lease, too often.
    WORKER_LOST = "worker_lost";
    /// The run waited in the queue longer than its limit.
    QUEUE_TIMEOUT = "queue_timeout";
    /// Somebody asked for the run to be cancelled.
    CANCELLED = "cancelled";
    /// A defect in TenantAtlas; the log has the cause.
    INTERNAL = "internal";
    /// The tenant has no credentials for Microsoft Graph.
    CREDENTIALS_MISSING = "credentials_missing";
    /// The stored credentials cannot be decrypted with the keys of this worker, or the file that
    /// holds them cannot be read.
    CREDENTIALS_UNREADABLE = "credentials_unreadable";
    /// Microsoft Entra refused the client secret or certificate.
    CREDENTIALS_INVALID = "credentials_invalid";
    /// The client secret or certificate has expired, or a user's grant has or was revoked.
    CREDENTIALS_EXPIRED = "credentials_expired";
    /// A signed assertion was not valid at Microsoft Entra's time: a clock is wrong, or a federated
    /// token was not exchanged in time.
    CLOCK_SKEW = "clock_skew";
    /// The application has no federated credential for the token's issuer and subject.
    FEDERATION_MISMATCH = "federation_mismatch";
    APPLICATION_DISABLED = "application_disabled";
    /// A Conditional Access policy or the security defaults of the tenant block the application.
    ACCESS_BLOCKED = "access_blocked";
    /// The directory belongs to another national cloud than the one configured.
    WRONG_CLOUD = "wrong_cloud";
    /// The application is not known or not consented to in the tenant.
    CONSENT_MISSING = "consent_missing";
    /// The directory does not exist in the configured cloud, or no longer.
    DIRECTORY_NOT_FOUND = "directory_not_found";
    /// Microsoft Graph or the sign-in service cannot be reached.
    GRAPH_UNREACHABLE = "graph_unreachable";
    /// Microsoft Graph asked to slow down for longer than the sync was ready to wait.
    GRAPH_THROTTLED = "graph_throttled";
    /// Microsoft Graph answered with a server error, repeatedly.
    GRAPH_UNAVAILABLE = "graph_unavailable";
    /// Microsoft Graph answered with something that is not what it documents.
    GRAPH_INVALID_RESPONSE = "graph_invalid_response";
    /// Microsoft Graph refused the token, also after it was renewed.
    GRAPH_UNAUTHENTICATED = "graph_unauthenticated";
    /// The application lacks a permission for this policy type.
    PERMISSION_MISSING = "permission_missing";
    /// The tenant has no Intune licence or no MDM authority.
    INTUNE_NOT_AVAILABLE = "intune_not_available";
    /// The tenant is not licensed for this policy type.
    NOT_LICENSED = "not_licensed";
    /// Microsoft Graph does not know this collection (any more).
    COLLECTION_NOT_FOUND = "collection_not_found";
    /// An object was deleted between its list and the read of its details.
    OBJECT_NOT_FOUND = "object_not_found";
    /// Microsoft Graph offers this policy type to signed-in users only.
    DELEGATED_ONLY = "delegated_only";
    /// The list changed while it was read, so that objects may have been passed over.
    LIST_CHANGED = "list_changed";
    /// A full page without a link to a next one: the list may go on behind it.
    LIST_MAY_BE_CUT = "list_may_be_cut";
    /// Rows of the list could not be read as they were sent.
    ROWS_UNREADABLE = "rows_unreadable";
    /// Rows of the list were read, and the database refused to store them.
    ROWS_NOT_STORED = "rows_not_stored";
    /// One endpoint of Microsoft Graph refused a token that others accept.
    ENDPOINT_REFUSED = "endpoint_refused";
    /// The list of pages was longer than the limit, repeated itself or led elsewhere.
    PAGING_REFUSED = "paging_refused";
    /// Microsoft Graph rejected the request for another reason.
    GRAPH_REJECTED = "graph_rejected";
}

impl FailureCode {
    /// Takes a code as read from a row.
    #[must_use]
    pub const fn from_stored(word: String) -> Self {
        Self(Cow::Owned(word))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A failure as the caller may see it: no SQL, no token, no upstream body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: FailureCode,
    /// One sentence on what happened.
    pub detail: String,
    /// Whether the same request may succeed later without anybody changing anything.
    pub retryable: bool,
    /// What to do about it, and where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// The permissions that are missing, when that is the cause.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing_permissions: Vec<String>,
    /// The `request-id` of Microsoft Graph's answer, for its support.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_request_id: Option<String>,
    /// The answer that caused it, when Microsoft Graph's answer was not as expected.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream: Option<Box<UpstreamAnswer>>,
    /// The rows that it is about, when it is about rows of a list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<RowProblems>,
}

impl Failure {
    /// A failure that a retry cannot mend.
    #[must_use]
    pub fn permanent(code: FailureCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            retryable: false,
            hint: None,
            missing_permissions: Vec::new(),
            upstream_request_id: None,
            upstream: None,
            rows: None,
        }
    }

    /// A failure that may pass by itself.
    #[must_use]
    pub fn transient(code: FailureCode, detail: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::permanent(code, detail)
        }
    }

    /// Rows that could not be read as they were sent. A retry cannot mend it.
    #[must_use]
    pub fn rows_unreadable(rows: RowProblems) -> Self {
        let what = if rows.count == 1 { "row" } else { "rows" };
        let detail = format!(
            "{} {what} of the list could not be read as sent: {rows}.",
            rows.count
        );
        Self::permanent(FailureCode::ROWS_UNREADABLE, detail).with_rows(rows)
    }

    /// The same failure, about these rows.
    #[must_use]
    pub fn with_rows(mut self, rows: RowProblems) -> Self {
        self.rows = Some(rows);
        self
    }

    /// The same failure with the answer that caused it.
    #[must_use]
    pub fn with_upstream(mut self, answer: UpstreamAnswer) -> Self {
        self.upstream_request_id.clone_from(&answer.request_id);
        self.upstream = Some(Box::new(answer));
        self
    }

    /// The same failure with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
