//! What can go wrong, and how a person is told.
//!
//! Nothing here carries text of the upstream: its messages hold addresses and identifiers that are
//! nobody's business. What is kept of an answer is its status, an error number and the request id
//! that Microsoft's support asks for.

mod explain;

use std::time::Duration;

use crate::http::TIMED_OUT;

/// Why a list could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// No token could be had.
    #[error("signing in failed: {0}")]
    SignIn(#[from] SignInError),
    /// Graph refused the token, and the renewed one too.
    #[error("the access token was refused, also after it was renewed")]
    Unauthenticated {
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// The application lacks a permission.
    #[error("a permission is missing")]
    PermissionMissing {
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// The tenant has no Intune licence, or no authority is set for mobile device management.
    #[error("Intune is not available in this tenant")]
    IntuneNotAvailable {
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// The tenant lacks the licence for this collection.
    #[error("the tenant is not licensed for this collection")]
    NotLicensed {
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// Graph does not know the collection.
    #[error("the collection does not exist")]
    CollectionNotFound {
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// Graph does not know the object; it was deleted since it was listed.
    #[error("the object does not exist")]
    ObjectNotFound {
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// Graph asked to slow down, for longer or more often than the request was ready to wait.
    #[error("throttled; may go on in {retry_after:?}")]
    Throttled {
        /// When it may be tried again.
        retry_after: Duration,
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// Graph answered with server errors until the attempts or the time were used up.
    #[error("answered with status {status}, repeatedly")]
    Unavailable {
        /// The last status.
        status: u16,
        /// When the service said that it may be tried again.
        retry_after: Option<Duration>,
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// No answer came, or none to its end.
    #[error("no complete answer: {reason}")]
    Unreachable {
        /// What happened, in a few fixed words.
        reason: &'static str,
    },
    /// A success whose body is not what Graph documents.
    #[error("the answer is invalid: {reason}")]
    InvalidResponse {
        /// What is wrong, in a few fixed words.
        reason: &'static str,
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// The next page must not be asked for.
    #[error("paging was ended: {0}")]
    Paging(PagingRefusal),
    /// The link to the next page is no longer valid; a new walk begins at the first page.
    #[error("the link to the next page has expired")]
    PageExpired {
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
    /// Graph rejected the request for another reason.
    #[error("rejected with status {status}")]
    Rejected {
        /// The status.
        status: u16,
        /// `request-id` of the answer.
        request_id: Option<String>,
    },
}

/// Why a next link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PagingRefusal {
    /// It leads out of the Graph, or the version, that the list was asked of.
    #[error("the next link leads elsewhere")]
    Foreign,
    /// It was followed before.
    #[error("the next link repeats itself")]
    Repeated,
    /// The list has more pages than are read.
    #[error("there are too many pages")]
    TooManyPages,
}

/// Why no token could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause:?}, error number {number:?}")]
pub struct SignInError {
    /// What kind of refusal.
    pub cause: SignInCause,
    /// Microsoft Entra's error number, as in `AADSTS7000215`.
    pub number: Option<u32>,
    /// The `trace_id` of the answer, for Microsoft's support.
    pub trace_id: Option<String>,
}

/// Why the sign-in service, or the credential itself, gives no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInCause {
    /// The secret is not the application's.
    SecretInvalid,
    /// The secret's lifetime has ended.
    SecretExpired,
    /// The certificate's lifetime has ended.
    CertificateExpired,
    /// The credential cannot be read, so that nothing was sent.
    CredentialUnreadable,
    /// The signed assertion is not accepted, such as for a certificate that is not the
    /// application's.
    AssertionRejected,
    /// The assertion was not valid at the time of the sign-in service's clock.
    AssertionNotInTime,
    /// The application trusts no issuer and subject as those of the federated token.
    FederationMismatch,
    /// The application is unknown in the tenant or not consented to.
    ConsentMissing,
    /// The application is disabled.
    ApplicationDisabled,
    /// A Conditional Access policy of the tenant blocks the application.
    Blocked,
    /// The directory does not exist in this cloud.
    DirectoryNotFound,
    /// The directory, or the application, belongs to another national cloud.
    WrongCloud,
    /// The service is busy or broken; may pass.
    Unavailable {
        /// When the service said that it may be tried again.
        retry_after: Option<Duration>,
    },
    /// No answer came.
    Unreachable,
    /// The answer cannot be understood.
    InvalidResponse,
    /// Another refusal.
    Rejected,
}

impl GraphError {
    /// Whether every other list of the tenant would fail in the same way, so that going on is of no
    /// use until somebody changes something. A tenant without Intune still has its Entra policies.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        match self {
            Self::SignIn(error) => !error.is_transient(),
            Self::Unauthenticated { .. } => true,
            _ => false,
        }
    }

    /// Whether what was asked for took longer than Graph, or this client, waits.
    pub(crate) fn is_timeout(&self) -> bool {
        match self {
            Self::Unavailable { status, .. } => *status == 504,
            Self::Unreachable { reason } => *reason == TIMED_OUT,
            _ => false,
        }
    }

    /// How long the service asked to be left alone, when it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } => Some(*retry_after),
            Self::Unavailable { retry_after, .. }
            | Self::SignIn(SignInError {
                cause: SignInCause::Unavailable { retry_after },
                ..
            }) => *retry_after,
            _ => None,
        }
    }

    /// The `request-id` of the answer, or the `trace_id` of a refused sign-in, for Microsoft's
    /// support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::SignIn(error) => error.trace_id.as_deref(),
            Self::Unauthenticated { request_id }
            | Self::PermissionMissing { request_id }
            | Self::IntuneNotAvailable { request_id }
            | Self::NotLicensed { request_id }
            | Self::CollectionNotFound { request_id }
            | Self::ObjectNotFound { request_id }
            | Self::Throttled { request_id, .. }
            | Self::Unavailable { request_id, .. }
            | Self::InvalidResponse { request_id, .. }
            | Self::PageExpired { request_id }
            | Self::Rejected { request_id, .. } => request_id.as_deref(),
            Self::Unreachable { .. } | Self::Paging(_) => None,
        }
    }
}

impl SignInError {
    const fn is_transient(&self) -> bool {
        self.cause.is_transient()
    }
}

impl SignInCause {
    /// Whether it may pass without anybody changing anything.
    pub(crate) const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Unreachable | Self::InvalidResponse
        )
    }
}
