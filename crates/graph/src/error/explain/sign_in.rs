//! Refusals of the sign-in service in the words of a person who has to act on them.

use atlas_domain::failure::{Failure, FailureCode};

use crate::error::{SignInCause, SignInError};

impl SignInError {
    pub(super) fn failure(&self) -> Failure {
        let number = self
            .number
            .map(|number| format!(" (AADSTS{number})"))
            .unwrap_or_default();
        let (code, detail, hint) = match self.cause {
            SignInCause::SecretInvalid => (
                FailureCode::CREDENTIALS_INVALID,
                "Microsoft Entra refused the application's credentials",
                Some("Store the value of a valid client secret, not its id."),
            ),
            SignInCause::SecretExpired => (
                FailureCode::CREDENTIALS_EXPIRED,
                "The application's client secret has expired",
                Some("Create a new client secret in Microsoft Entra and store it for the tenant."),
            ),
            SignInCause::CertificateExpired => (
                FailureCode::CREDENTIALS_EXPIRED,
                "The application's certificate has expired",
                Some(
                    "Upload a new certificate to the application in Microsoft Entra and put it, \
                     with its private key, in the place of the old one.",
                ),
            ),
            SignInCause::CredentialUnreadable => (
                FailureCode::CREDENTIALS_UNREADABLE,
                "The application's credential cannot be read",
                Some(
                    "Check that the file named for the tenant holds it and that the worker may \
                     read the file.",
                ),
            ),
            SignInCause::AssertionRejected => (
                FailureCode::CREDENTIALS_INVALID,
                "Microsoft Entra did not accept the signed assertion",
                Some(
                    "Check that the certificate is one of those uploaded to the application in \
                     Microsoft Entra.",
                ),
            ),
            SignInCause::AssertionNotInTime => (
                FailureCode::CLOCK_SKEW,
                "The assertion was not valid at Microsoft Entra's time",
                Some(
                    "Set the worker's clock; for a federated token, check that the file is \
                     exchanged before the token ends.",
                ),
            ),
            SignInCause::FederationMismatch => (
                FailureCode::FEDERATION_MISMATCH,
                "The application trusts no federated identity like that of the token",
                Some(
                    "Compare issuer, subject and audience of the application's federated \
                     credential in Microsoft Entra with the token's, to the letter.",
                ),
            ),
            SignInCause::ConsentMissing => (
                FailureCode::CONSENT_MISSING,
                "The application is not known or not consented to in the tenant",
                Some("Let an administrator of the tenant consent to the application."),
            ),
            SignInCause::ApplicationDisabled => (
                FailureCode::APPLICATION_DISABLED,
                "The application is disabled",
                Some(
                    "Enable sign-in for the enterprise application in the tenant's Microsoft Entra.",
                ),
            ),
            SignInCause::Blocked => (
                FailureCode::ACCESS_BLOCKED,
                "A Conditional Access policy of the tenant blocks the application",
                Some("Exclude the application in the tenant's policy for workload identities."),
            ),
            SignInCause::BlockedBySecurityDefaults => (
                FailureCode::ACCESS_BLOCKED,
                "The tenant's security defaults block the sign-in",
                Some(
                    "Find the sign-in in the sign-in logs of the tenant's Microsoft Entra; replace \
                     security defaults by Conditional Access policies that let the application in, \
                     or sign in with an application credential.",
                ),
            ),
            SignInCause::GrantRevoked => (
                FailureCode::CREDENTIALS_EXPIRED,
                "The grant of the user was revoked, by a new password or by an administrator",
                Some("Sign in again with that account, or use the application's own credential."),
            ),
            SignInCause::GrantExpired => (
                FailureCode::CREDENTIALS_EXPIRED,
                "The grant of the user has expired, because it was not used for too long",
                Some("Sign in again with that account, or use the application's own credential."),
            ),
            SignInCause::DirectoryUnavailable => (
                FailureCode::DIRECTORY_NOT_FOUND,
                "The directory is not available: it was deleted, taken out of service or blocked",
                Some(
                    "Check with an administrator of the tenant, or with Microsoft's support, whether \
                     the directory still exists.",
                ),
            ),
            SignInCause::DirectoryNotFound => (
                FailureCode::DIRECTORY_NOT_FOUND,
                "The directory does not exist in the configured cloud",
                Some("Check the tenant's directory id and its cloud."),
            ),
            SignInCause::WrongCloud => (
                FailureCode::WRONG_CLOUD,
                "The directory, or the application, belongs to another national cloud",
                Some(
                    "Set the tenant's cloud to the one that its directory lives in, and use an \
                     application that is registered in that cloud.",
                ),
            ),
            SignInCause::Unavailable { .. } => (
                FailureCode::GRAPH_UNAVAILABLE,
                "The sign-in service is busy or answers with server errors",
                None,
            ),
            SignInCause::Unreachable => (
                FailureCode::GRAPH_UNREACHABLE,
                "The sign-in service cannot be reached",
                None,
            ),
            SignInCause::InvalidResponse => (
                FailureCode::GRAPH_INVALID_RESPONSE,
                "The sign-in service answered with something that is not a token",
                None,
            ),
            SignInCause::Rejected => (
                FailureCode::GRAPH_REJECTED,
                "Microsoft Entra refused to issue a token",
                None,
            ),
        };
        let detail = format!("{detail}{number}.");
        let failure = if self.is_transient() {
            Failure::transient(code, detail)
        } else {
            Failure::permanent(code, detail)
        };
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}
