//! What can go wrong, and what an operator can do about it.
//!
//! Errors carry no message of Microsoft Graph: messages hold addresses and identifiers that do not
//! belong in logs. Kept of an answer are its status, an error number and the request id that
//! Microsoft's support asks for.

mod explain;

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::failure::UpstreamAnswer;

/// The defect of a success whose body is an error.
pub(crate) const ERROR_IN_SUCCESS: &str = "it carries an error although its status is a success";

/// The defect of a body whose compression is damaged.
pub(crate) const UNDECODABLE: &str = "it could not be decompressed";

/// What [`Lost::Unreachable`] says when no answer came in time.
pub(crate) const TIMED_OUT: &str = "the time ran out";

/// Why something could not be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct GraphError {
    /// What went wrong.
    pub kind: GraphErrorKind,
    /// The answer that reported it, or the request that got none. Absent where no request was sent.
    pub answer: Option<Arc<UpstreamAnswer>>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphErrorKind {
    /// No access token was issued.
    #[error("signing in failed: {0}")]
    SignIn(#[from] SignInError),
    /// No endpoint accepts the token, nor the renewed one.
    #[error("the access token was refused, also after it was renewed")]
    Unauthenticated,
    /// This endpoint does not accept the token. Whether others do decides whether the token or the
    /// endpoint is at fault:
    /// [`TenantGraph::whose_fault`](crate::TenantGraph::whose_fault).
    #[error("the endpoint refused the access token")]
    EndpointRefused,
    /// The application lacks a permission.
    #[error("a permission is missing")]
    PermissionMissing,
    /// The tenant has no Intune licence, or no authority is set for mobile device management.
    #[error("Intune is not available in this tenant")]
    IntuneNotAvailable,
    /// The tenant lacks the licence for this collection.
    #[error("the tenant is not licensed for this collection")]
    NotLicensed,
    /// Graph does not know the collection.
    #[error("the collection does not exist")]
    CollectionNotFound,
    /// Graph does not know the object; it was deleted since it was listed.
    #[error("the object does not exist")]
    ObjectNotFound,
    /// Graph asked to slow down, for longer than the request may wait.
    #[error("throttled; may go on in {retry_after:?}")]
    Throttled {
        /// When it may be tried again.
        retry_after: Duration,
        /// The attempts and waits before.
        waits: Waits,
    },
    /// Graph answered with server errors until the attempts or the time were used up.
    #[error("answered with status {status}, {} times", waits.attempts)]
    Unavailable {
        /// The last status.
        status: u16,
        /// When the service said that it may be tried again.
        retry_after: Option<Duration>,
        /// The attempts and waits before.
        waits: Waits,
    },
    /// No answer came, or none to its end.
    #[error("no complete answer, {} times: {reason}", waits.attempts)]
    Unreachable {
        /// What happened at last, in a few fixed words.
        reason: &'static str,
        /// The attempts and waits before.
        waits: Waits,
    },
    /// A success whose body is not what Graph documents.
    #[error("the answer is invalid: {reason}")]
    InvalidResponse {
        /// What is wrong, in a few fixed words.
        reason: &'static str,
    },
    /// A success whose body is larger than the limit.
    #[error("the answer is larger than the limit")]
    TooLarge,
    /// The next page must not be asked for.
    #[error("paging was ended: {0}")]
    Paging(PagingRefusal),
    /// The link to the next page is no longer valid; a new walk begins at the first page.
    #[error("the link to the next page has expired")]
    PageExpired,
    /// Graph rejected the request for another reason.
    #[error("rejected with status {status}")]
    Rejected { status: u16 },
}

/// How long and how often a request was tried before it was given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// How often it was sent.
    pub attempts: u32,
    /// How long it waited in all.
    pub waited: Duration,
    /// How long it may wait in all.
    pub limit: Duration,
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
    /// Page follows page, and what is on them was on earlier ones.
    #[error("the pages bring nothing new")]
    NoProgress,
    /// The list has more objects than there is memory to remember
    /// ([`GraphOptions::bytes_in_memory`](crate::GraphOptions::bytes_in_memory)).
    #[error("there are more objects than the worker has memory for (ATLAS_MAX_BYTES_IN_FLIGHT)")]
    TooManyObjects,
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
    ApplicationDisabled,
    /// A Conditional Access policy of the tenant blocks the application.
    Blocked,
    /// The tenant's security defaults block the sign-in.
    BlockedBySecurityDefaults,
    /// A user's grant was revoked, such as by a change of the password.
    GrantRevoked,
    /// A user's grant was not used for too long.
    GrantExpired,
    /// The directory does not exist in this cloud.
    DirectoryNotFound,
    /// The directory was taken out of service.
    DirectoryUnavailable,
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
    /// The error with the answer that said so.
    pub(crate) fn answered(kind: GraphErrorKind, answer: UpstreamAnswer) -> Self {
        Self {
            kind,
            answer: Some(Arc::new(answer)),
        }
    }

    /// Whether every other list of the tenant would fail in the same way, so that going on
    /// is of no use until a setting changes. A tenant without Intune still has its Entra policies.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        match &self.kind {
            GraphErrorKind::SignIn(error) => !error.is_transient(),
            GraphErrorKind::Unauthenticated => true,
            _ => false,
        }
    }

    /// Whether the answer took too long for Graph, or for this client, or was too large: a smaller page
    /// may succeed.
    pub(crate) fn is_too_much(&self) -> bool {
        matches!(self.kind, GraphErrorKind::TooLarge) || self.is_timeout()
    }

    /// Whether Graph is not ready for requests of this kind, so that the next one would fail, too.
    pub(crate) const fn is_outage(&self) -> bool {
        matches!(
            self.kind,
            GraphErrorKind::Throttled { .. } | GraphErrorKind::Unreachable { .. }
        )
    }

    /// Whether what was asked for took longer than Graph, or this client, waits.
    pub(crate) fn is_timeout(&self) -> bool {
        match &self.kind {
            GraphErrorKind::Unavailable { status, .. } => *status == 504,
            GraphErrorKind::Unreachable { reason, .. } => *reason == TIMED_OUT,
            _ => false,
        }
    }

    /// How long the service asked to be left alone, when it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            GraphErrorKind::Throttled { retry_after, .. } => Some(*retry_after),
            GraphErrorKind::Unavailable { retry_after, .. }
            | GraphErrorKind::SignIn(SignInError {
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
        match &self.kind {
            GraphErrorKind::SignIn(error) => error.trace_id.as_deref(),
            _ => self.answer.as_ref()?.request_id.as_deref(),
        }
    }
}

impl From<GraphErrorKind> for GraphError {
    fn from(kind: GraphErrorKind) -> Self {
        Self { kind, answer: None }
    }
}

impl From<SignInError> for GraphError {
    fn from(error: SignInError) -> Self {
        GraphErrorKind::SignIn(error).into()
    }
}

impl GraphErrorKind {
    /// A success whose body is not what Graph documents.
    pub(crate) const fn invalid(reason: &'static str) -> Self {
        Self::InvalidResponse { reason }
    }
}

impl SignInError {
    pub(crate) const fn is_transient(&self) -> bool {
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
