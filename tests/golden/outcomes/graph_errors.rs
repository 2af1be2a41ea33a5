//! The failure that each error of the Graph client becomes.

use std::time::Duration;

use atlas_domain::policy_types::registry;
use atlas_graph::{GraphError, GraphErrorKind, PagingRefusal, SignInCause, SignInError, Waits};
use serde_json::{Value, json};

const WAITS: Waits = Waits {
    attempts: 3,
    waited: Duration::from_secs(90),
    limit: Duration::from_secs(900),
};
const SOON: Option<Duration> = Some(Duration::from_secs(7));

const CAUSES: [SignInCause; 21] = [
    SignInCause::SecretInvalid,
    SignInCause::SecretExpired,
    SignInCause::CertificateExpired,
    SignInCause::CredentialUnreadable,
    SignInCause::AssertionRejected,
    SignInCause::AssertionNotInTime,
    SignInCause::FederationMismatch,
    SignInCause::ConsentMissing,
    SignInCause::ApplicationDisabled,
    SignInCause::Blocked,
    SignInCause::BlockedBySecurityDefaults,
    SignInCause::GrantRevoked,
    SignInCause::GrantExpired,
    SignInCause::DirectoryNotFound,
    SignInCause::DirectoryUnavailable,
    SignInCause::WrongCloud,
    SignInCause::Unavailable { retry_after: None },
    SignInCause::Unavailable { retry_after: SOON },
    SignInCause::Unreachable,
    SignInCause::InvalidResponse,
    SignInCause::Rejected,
];

const REFUSALS: [PagingRefusal; 5] = [
    PagingRefusal::Foreign,
    PagingRefusal::Repeated,
    PagingRefusal::NoProgress,
    PagingRefusal::TooManyPages,
    PagingRefusal::TooManyObjects,
];

fn kinds() -> Vec<GraphErrorKind> {
    let mut kinds = vec![
        GraphErrorKind::Unauthenticated,
        GraphErrorKind::EndpointRefused,
        GraphErrorKind::PermissionMissing,
        GraphErrorKind::IntuneNotAvailable,
        GraphErrorKind::NotLicensed,
        GraphErrorKind::CollectionNotFound,
        GraphErrorKind::ObjectNotFound,
        GraphErrorKind::Throttled {
            retry_after: Duration::from_secs(7_200),
            waits: WAITS,
        },
        GraphErrorKind::Unavailable {
            status: 503,
            retry_after: SOON,
            waits: WAITS,
        },
        GraphErrorKind::Unavailable {
            status: 504,
            retry_after: None,
            waits: Waits::default(),
        },
        GraphErrorKind::Unreachable {
            reason: "the connection was closed",
            waits: WAITS,
        },
        GraphErrorKind::InvalidResponse {
            reason: "it is no JSON",
        },
        GraphErrorKind::TooLarge,
        GraphErrorKind::PageExpired,
        GraphErrorKind::Rejected { status: 418 },
    ];
    kinds.extend(REFUSALS.map(GraphErrorKind::Paging));
    kinds.extend(CAUSES.map(|cause| {
        GraphErrorKind::SignIn(SignInError {
            cause,
            number: Some(7_000_215),
            trace_id: Some("trace".to_owned()),
        })
    }));
    kinds
}

/// Without a wildcard, so that a new member does not compile until it is listed above.
fn word(kind: &GraphErrorKind) -> String {
    let word = match kind {
        GraphErrorKind::SignIn(error) => {
            return format!("sign_in: {}", word_of_cause(error.cause));
        }
        GraphErrorKind::Paging(refusal) => match refusal {
            PagingRefusal::Foreign => "paging: foreign",
            PagingRefusal::Repeated => "paging: repeated",
            PagingRefusal::NoProgress => "paging: no_progress",
            PagingRefusal::TooManyPages => "paging: too_many_pages",
            PagingRefusal::TooManyObjects => "paging: too_many_objects",
        },
        GraphErrorKind::Unauthenticated => "unauthenticated",
        GraphErrorKind::EndpointRefused => "endpoint_refused",
        GraphErrorKind::PermissionMissing => "permission_missing",
        GraphErrorKind::IntuneNotAvailable => "intune_not_available",
        GraphErrorKind::NotLicensed => "not_licensed",
        GraphErrorKind::CollectionNotFound => "collection_not_found",
        GraphErrorKind::ObjectNotFound => "object_not_found",
        GraphErrorKind::Throttled { .. } => "throttled",
        GraphErrorKind::Unavailable { .. } => "unavailable",
        GraphErrorKind::Unreachable { .. } => "unreachable",
        GraphErrorKind::InvalidResponse { .. } => "invalid_response",
        GraphErrorKind::TooLarge => "too_large",
        GraphErrorKind::PageExpired => "page_expired",
        GraphErrorKind::Rejected { .. } => "rejected",
    };
    word.to_owned()
}

const fn word_of_cause(cause: SignInCause) -> &'static str {
    match cause {
        SignInCause::SecretInvalid => "secret_invalid",
        SignInCause::SecretExpired => "secret_expired",
        SignInCause::CertificateExpired => "certificate_expired",
        SignInCause::CredentialUnreadable => "credential_unreadable",
        SignInCause::AssertionRejected => "assertion_rejected",
        SignInCause::AssertionNotInTime => "assertion_not_in_time",
        SignInCause::FederationMismatch => "federation_mismatch",
        SignInCause::ConsentMissing => "consent_missing",
        SignInCause::ApplicationDisabled => "application_disabled",
        SignInCause::Blocked => "blocked",
        SignInCause::BlockedBySecurityDefaults => "blocked_by_security_defaults",
        SignInCause::GrantRevoked => "grant_revoked",
        SignInCause::GrantExpired => "grant_expired",
        SignInCause::DirectoryNotFound => "directory_not_found",
        SignInCause::DirectoryUnavailable => "directory_unavailable",
        SignInCause::WrongCloud => "wrong_cloud",
        SignInCause::Unavailable { .. } => "unavailable",
        SignInCause::Unreachable => "unreachable",
        SignInCause::InvalidResponse => "invalid_response",
        SignInCause::Rejected => "rejected",
    }
}

/// By error: the failure of two policy types, whether every other list would fail too, and how long
/// the service asked to be left alone.
pub(super) fn failures() -> Vec<Value> {
    let keys = ["mobileApp", "deviceConfiguration"].map(|key| registry().find(key).unwrap());
    let failures = kinds().into_iter().map(|kind| {
        let error = GraphError::from(kind);
        json!({
            "error": word(&error.kind),
            "failure": error.failure(&keys),
            "fatal": error.is_fatal(),
            "retry_after": error.retry_after().map(|wait| wait.as_secs()),
        })
    });
    failures.collect()
}
