//! Failures in the words of a person who has to act on them.

mod sign_in;

use std::time::Duration;

use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::policy_types::PolicyTypeKey;

use super::{GraphError, GraphErrorKind, Waits};

impl GraphError {
    /// The failure as a caller may see it, for the policy types that were to be read.
    #[must_use]
    pub fn failure(&self, keys: &[PolicyTypeKey]) -> Failure {
        let mut failure = match &self.kind {
            GraphErrorKind::SignIn(error) => error.failure(),
            GraphErrorKind::Unauthenticated => Failure::permanent(
                FailureCode::GRAPH_UNAUTHENTICATED,
                "Microsoft Graph refused the access token, also after it was renewed.",
            )
            .with_hint("Check that the tenant's cloud and directory are the application's."),
            GraphErrorKind::EndpointRefused => Failure::permanent(
                FailureCode::ENDPOINT_REFUSED,
                "This endpoint of Microsoft Graph answered with status 401 to an access token that \
                 other endpoints accept.",
            )
            .with_hint(
                "Check the application's permissions and the tenant's licence for this policy \
                 type; Microsoft's support finds the request by its request-id.",
            ),
            GraphErrorKind::PermissionMissing => permission_missing(keys),
            GraphErrorKind::IntuneNotAvailable => Failure::permanent(
                FailureCode::INTUNE_NOT_AVAILABLE,
                "Microsoft Graph says that Intune is not available in this tenant.",
            )
            .with_hint(
                "Check the tenant's Intune licence and its mobile device management authority.",
            ),
            GraphErrorKind::NotLicensed => Failure::permanent(
                FailureCode::NOT_LICENSED,
                "The tenant is not licensed for this policy type.",
            ),
            GraphErrorKind::CollectionNotFound => Failure::permanent(
                FailureCode::COLLECTION_NOT_FOUND,
                "Microsoft Graph does not know this collection, or no longer.",
            ),
            GraphErrorKind::ObjectNotFound => Failure::transient(
                FailureCode::OBJECT_NOT_FOUND,
                "Microsoft Graph no longer knows an object that it listed.",
            ),
            GraphErrorKind::Throttled { retry_after, waits } => Failure::transient(
                FailureCode::GRAPH_THROTTLED,
                throttled(*retry_after, waits),
            )
            .with_hint(
                "Start another sync later, or let the workers wait longer (ATLAS_GRAPH_MAX_WAIT).",
            ),
            GraphErrorKind::Unavailable { status, waits, .. } => Failure::transient(
                FailureCode::GRAPH_UNAVAILABLE,
                format!(
                    "Microsoft Graph answered with status {status}{}.",
                    in_all(waits)
                ),
            ),
            GraphErrorKind::Unreachable { reason, waits } => Failure::transient(
                FailureCode::GRAPH_UNREACHABLE,
                format!(
                    "Microsoft Graph gave no complete answer{}: {reason}.",
                    in_all(waits)
                ),
            ),
            GraphErrorKind::InvalidResponse { reason } => Failure::transient(
                FailureCode::GRAPH_INVALID_RESPONSE,
                format!("The answer of Microsoft Graph is not what it documents: {reason}."),
            ),
            GraphErrorKind::TooLarge => Failure::permanent(
                FailureCode::GRAPH_INVALID_RESPONSE,
                "The answer of Microsoft Graph is larger than the limit, also where less was asked \
                 for.",
            ),
            // The service would link in the same way again.
            GraphErrorKind::Paging(refusal) => Failure::permanent(
                FailureCode::PAGING_REFUSED,
                format!("The list was not read to its end: {refusal}."),
            ),
            GraphErrorKind::PageExpired => Failure::transient(
                FailureCode::GRAPH_REJECTED,
                "Microsoft Graph no longer accepted its own link to the next page.",
            ),
            GraphErrorKind::Rejected { status } => Failure::permanent(
                FailureCode::GRAPH_REJECTED,
                format!("Microsoft Graph rejected the request with status {status}."),
            ),
        };
        failure.upstream_request_id = self.request_id().map(str::to_owned);
        failure.upstream = self.answer.as_deref().cloned().map(Box::new);
        failure
    }
}

/// What happened, with the numbers: how often Graph refused, and what was waited.
fn throttled(retry_after: Duration, waits: &Waits) -> String {
    let Waits {
        attempts,
        waited,
        limit,
    } = *waits;
    let before = match attempts {
        // Another request of the tenant was asked to slow down, before this one was sent.
        0 => "Microsoft Graph asked to slow down".to_owned(),
        1 => format!(
            "Microsoft Graph asked to slow down once, after {} of waiting",
            shown(waited)
        ),
        _ => format!(
            "Microsoft Graph asked to slow down {attempts} times, with {} of waiting between them",
            shown(waited)
        ),
    };
    format!(
        "{before}; another {} would be longer than the {} that a request may wait in all.",
        shown(retry_after),
        shown(limit)
    )
}

fn in_all(waits: &Waits) -> String {
    if waits.attempts < 2 {
        return String::new();
    }
    format!(
        ", {} times, with {} of waiting between them",
        waits.attempts,
        shown(waits.waited)
    )
}

/// In whole seconds, but for waits that are shorter.
fn shown(wait: Duration) -> String {
    let whole = if wait < Duration::from_secs(1) {
        Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
    } else {
        Duration::from_secs(wait.as_secs())
    };
    humantime::format_duration(whole).to_string()
}

fn permission_missing(keys: &[PolicyTypeKey]) -> Failure {
    let mut permissions: Vec<String> = keys
        .iter()
        .flat_map(|key| key.describe().permissions.iter().cloned())
        .collect();
    permissions.sort_unstable();
    permissions.dedup();
    let mut failure = Failure::permanent(
        FailureCode::PERMISSION_MISSING,
        "Microsoft Graph refused access: the application lacks a permission.",
    )
    .with_hint(format!(
        "Grant the application permission {} in Microsoft Entra and give admin consent.",
        permissions.join(", ")
    ));
    failure.missing_permissions = permissions;
    failure
}

#[cfg(test)]
mod tests {
    use atlas_domain::failure::UpstreamAnswer;
    use atlas_domain::policy_types::registry;
    use chrono::DateTime;

    use super::*;
    use crate::error::{SignInCause, SignInError};

    #[test]
    fn a_missing_permission_names_those_of_the_keys_once_and_sorted() {
        let keys: Vec<_> = [
            "mobileApp",
            "deviceConfiguration",
            "vppToken",
            "iosManagedAppProtection",
        ]
        .iter()
        .map(|word| registry().find(word).unwrap())
        .collect();
        let error = GraphError::answered(
            GraphErrorKind::PermissionMissing,
            UpstreamAnswer {
                status: Some(403),
                error_code: Some("Forbidden".to_owned()),
                request_id: Some("r-1".to_owned()),
                client_request_id: Some("c-1".to_owned()),
                at: DateTime::UNIX_EPOCH,
                path: "/beta/deviceAppManagement/mobileApps".to_owned(),
            },
        );
        let failure = error.failure(&keys);
        assert_eq!(failure.code, FailureCode::PERMISSION_MISSING);
        assert_eq!(
            failure.missing_permissions,
            [
                "DeviceManagementApps.Read.All",
                "DeviceManagementConfiguration.Read.All",
                "DeviceManagementServiceConfig.Read.All"
            ]
        );
        assert!(
            failure
                .hint
                .unwrap()
                .contains("DeviceManagementApps.Read.All")
        );
        assert_eq!(failure.upstream_request_id.as_deref(), Some("r-1"));
        assert_eq!(failure.upstream.as_deref(), error.answer.as_deref());
        assert!(!failure.retryable && !error.is_fatal());
    }

    #[test]
    fn what_stops_every_list_is_fatal_and_what_may_pass_is_not() {
        let sign_in = |cause| {
            GraphError::from(SignInError {
                cause,
                number: Some(7_000_215),
                trace_id: None,
            })
        };
        for cause in [
            SignInCause::SecretInvalid,
            SignInCause::SecretExpired,
            SignInCause::ConsentMissing,
            SignInCause::Blocked,
            SignInCause::DirectoryNotFound,
            SignInCause::Rejected,
            SignInCause::CertificateExpired,
            SignInCause::CredentialUnreadable,
            SignInCause::AssertionRejected,
            SignInCause::AssertionNotInTime,
            SignInCause::FederationMismatch,
            SignInCause::ApplicationDisabled,
            SignInCause::WrongCloud,
            SignInCause::BlockedBySecurityDefaults,
            SignInCause::GrantRevoked,
            SignInCause::GrantExpired,
            SignInCause::DirectoryUnavailable,
        ] {
            assert!(sign_in(cause).is_fatal(), "{cause:?}");
            assert!(!sign_in(cause).failure(&[]).retryable, "{cause:?}");
            assert!(
                sign_in(cause)
                    .failure(&[])
                    .detail
                    .ends_with("(AADSTS7000215).")
            );
        }
        let wait = Some(Duration::from_secs(9));
        let busy = sign_in(SignInCause::Unavailable { retry_after: wait });
        assert!(!busy.is_fatal() && busy.failure(&[]).retryable);
        assert_eq!(busy.retry_after(), wait);
        assert!(!GraphError::from(GraphErrorKind::IntuneNotAvailable).is_fatal());
        assert!(!GraphError::from(GraphErrorKind::EndpointRefused).is_fatal());
        assert!(GraphError::from(GraphErrorKind::Unauthenticated).is_fatal());
    }

    #[test]
    fn what_was_waited_and_what_would_have_been_is_said_in_numbers() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let throttled = |attempts, waited| {
            let waits = Waits {
                attempts,
                waited,
                limit: minutes(15),
            };
            let error = GraphError::from(GraphErrorKind::Throttled {
                retry_after: Duration::from_secs(315),
                waits,
            });
            error.failure(&[]).detail
        };
        assert_eq!(
            throttled(0, Duration::ZERO),
            "Microsoft Graph asked to slow down; another 5m 15s would be longer than the 15m that \
             a request may wait in all."
        );
        assert_eq!(
            throttled(1, Duration::ZERO),
            "Microsoft Graph asked to slow down once, after 0s of waiting; another 5m 15s would be \
             longer than the 15m that a request may wait in all."
        );
        assert_eq!(
            throttled(7, minutes(11)),
            "Microsoft Graph asked to slow down 7 times, with 11m of waiting between them; another \
             5m 15s would be longer than the 15m that a request may wait in all."
        );
    }

    #[test]
    fn refusals_that_are_seen_in_the_field_are_explained() {
        for (cause, number, code, detail, hint) in [
            (
                SignInCause::GrantRevoked,
                50_173,
                FailureCode::CREDENTIALS_EXPIRED,
                "The grant of the user was revoked, by a new password or by an administrator \
                 (AADSTS50173).",
                "Sign in again",
            ),
            (
                SignInCause::GrantExpired,
                700_082,
                FailureCode::CREDENTIALS_EXPIRED,
                "The grant of the user has expired, because it was not used for too long \
                 (AADSTS700082).",
                "Sign in again",
            ),
            (
                SignInCause::DirectoryNotFound,
                900_023,
                FailureCode::DIRECTORY_NOT_FOUND,
                "The directory does not exist in the configured cloud (AADSTS900023).",
                "directory id",
            ),
            (
                SignInCause::WrongCloud,
                900_382,
                FailureCode::WRONG_CLOUD,
                "The directory, or the application, belongs to another national cloud \
                 (AADSTS900382).",
                "registered in that cloud",
            ),
            (
                SignInCause::DirectoryUnavailable,
                5_000_224,
                FailureCode::DIRECTORY_NOT_FOUND,
                "The directory is not available: it was deleted, taken out of service or blocked \
                 (AADSTS5000224).",
                "still exists",
            ),
            (
                SignInCause::BlockedBySecurityDefaults,
                530_035,
                FailureCode::ACCESS_BLOCKED,
                "The tenant's security defaults block the sign-in (AADSTS530035).",
                "sign-in logs",
            ),
        ] {
            let error = SignInError {
                cause,
                number: Some(number),
                trace_id: None,
            };
            let failure = error.failure();
            assert_eq!((failure.code, failure.detail.as_str()), (code, detail));
            let given = failure.hint.unwrap();
            assert!(given.contains(hint), "{given}");
        }
    }
}
