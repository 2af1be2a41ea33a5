//! Distinguishing refusals of the sign-in service.
//!
//! Source: Microsoft identity platform, "Authentication and authorization error codes". Numbers
//! decide before the `error` word, which covers several causes; the description is never read.

use chrono::{DateTime, Utc};
use reqwest::header::RETRY_AFTER;
use serde::Deserialize;

use crate::error::{SignInCause, SignInError};
use crate::request::backoff;
use crate::request::http::Reply;
use crate::request::refusal::identifier;

#[derive(Deserialize, Default)]
struct Answer {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    trace_id: String,
}

/// Judges an answer of the token endpoint that is no success.
pub(super) fn read(reply: &Reply, now: DateTime<Utc>) -> SignInError {
    let answer: Answer = serde_json::from_slice(&reply.body).unwrap_or_default();
    let retry_after = reply
        .headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| backoff::retry_after(text, now));
    let busy = SignInCause::Unavailable { retry_after };
    let by_number = answer
        .error_codes
        .iter()
        .find_map(|&number| Some((by_number(number, busy)?, number)));
    let status = reply.status;
    let cause = match by_number {
        Some((cause, _)) => cause,
        None if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => busy,
        None => by_word(&answer.error, busy),
    };
    SignInError {
        cause,
        number: by_number
            .map(|(_, number)| number)
            .or_else(|| answer.error_codes.first().copied()),
        trace_id: identifier(&answer.trace_id),
    }
}

fn by_number(number: u32, busy: SignInCause) -> Option<SignInCause> {
    Some(match number {
        7_000_222 => SignInCause::SecretExpired,
        7_000_215 | 7_000_216 => SignInCause::SecretInvalid,
        700_024 => SignInCause::AssertionNotInTime,
        700_027 | 700_030 | 50_012 | 50_027 => SignInCause::AssertionRejected,
        // No federated credential for the issuer, audience and subject, or none at all.
        70_021 | 70_025 | 700_211 | 700_212 | 700_213 => SignInCause::FederationMismatch,
        // Application unknown or without consent; Graph not subscribed to.
        700_016 | 700_011 | 65_001 | 500_011 | 650_052 => SignInCause::ConsentMissing,
        70_001 | 7_000_112 => SignInCause::ApplicationDisabled,
        53_003 => SignInCause::Blocked,
        // BlockedBySecurityDefaults.
        530_035 => SignInCause::BlockedBySecurityDefaults,
        // FreshTokenNeeded.
        50_173 => SignInCause::GrantRevoked,
        // ExpiredOrRevokedGrantInactiveToken.
        700_082 => SignInCause::GrantExpired,
        // Unknown; neither a valid id nor a valid domain name.
        90_002 | 900_023 => SignInCause::DirectoryNotFound,
        // "This resource is not available": directories that were decommissioned or are blocked
        // (AzureAD/microsoft-authentication-library-for-dotnet#5251; not in the list of codes).
        5_000_224 => SignInCause::DirectoryUnavailable,
        // Redirected to a national cloud; an application of one cloud at a directory of another.
        90_038 | 900_432 | 900_382 => SignInCause::WrongCloud,
        90_006 | 90_024 | 90_033 | 90_055 | 90_090 | 50_196 => busy,
        _ => return None,
    })
}

fn by_word(error: &str, busy: SignInCause) -> SignInCause {
    match error {
        "invalid_client" => SignInCause::SecretInvalid,
        "unauthorized_client" | "invalid_grant" | "invalid_resource" => SignInCause::ConsentMissing,
        "temporarily_unavailable" | "server_error" => busy,
        "" => SignInCause::InvalidResponse,
        _ => SignInCause::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::*;

    fn judged(status: u16, error: &str, numbers: &[u32]) -> SignInError {
        let body = json!({"error": error, "error_description": "AADSTS: secret text",
            "error_codes": numbers, "trace_id": "0000-aa"});
        read(
            &Reply {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: body.to_string().into_bytes(),
            },
            DateTime::UNIX_EPOCH,
        )
    }

    #[test]
    fn documented_refusals_are_distinguished() {
        let busy = SignInCause::Unavailable { retry_after: None };
        for (status, error, number, cause) in [
            (401, "invalid_client", 7_000_215, SignInCause::SecretInvalid),
            (401, "invalid_client", 7_000_222, SignInCause::SecretExpired),
            (401, "invalid_client", 99, SignInCause::SecretInvalid),
            (
                400,
                "unauthorized_client",
                700_016,
                SignInCause::ConsentMissing,
            ),
            (400, "invalid_grant", 65_001, SignInCause::ConsentMissing),
            (400, "invalid_grant", 53_003, SignInCause::Blocked),
            (
                400,
                "invalid_request",
                90_002,
                SignInCause::DirectoryNotFound,
            ),
            (
                401,
                "invalid_client",
                700_027,
                SignInCause::AssertionRejected,
            ),
            (
                401,
                "invalid_client",
                700_024,
                SignInCause::AssertionNotInTime,
            ),
            (
                401,
                "invalid_client",
                700_211,
                SignInCause::FederationMismatch,
            ),
            (
                401,
                "invalid_client",
                700_212,
                SignInCause::FederationMismatch,
            ),
            (
                400,
                "invalid_request",
                70_025,
                SignInCause::FederationMismatch,
            ),
            (
                400,
                "unauthorized_client",
                7_000_112,
                SignInCause::ApplicationDisabled,
            ),
            (
                400,
                "invalid_grant",
                530_035,
                SignInCause::BlockedBySecurityDefaults,
            ),
            (400, "invalid_grant", 50_173, SignInCause::GrantRevoked),
            (400, "invalid_grant", 700_082, SignInCause::GrantExpired),
            (
                400,
                "invalid_request",
                900_023,
                SignInCause::DirectoryNotFound,
            ),
            (
                400,
                "invalid_request",
                5_000_224,
                SignInCause::DirectoryUnavailable,
            ),
            (400, "invalid_request", 900_382, SignInCause::WrongCloud),
            (400, "invalid_request", 900_432, SignInCause::WrongCloud),
            (400, "invalid_request", 90_038, SignInCause::WrongCloud),
            (400, "invalid_request", 900_144, SignInCause::Rejected),
            (400, "invalid_scope", 70_011, SignInCause::Rejected),
            (400, "temporarily_unavailable", 90_033, busy),
            (400, "invalid_grant", 50_196, busy),
            (503, "", 0, busy),
            (429, "whatever", 0, busy),
        ] {
            let read = judged(status, error, &[number]);
            assert_eq!(read.cause, cause, "{error} {number}");
            assert_eq!(read.number, Some(number));
            assert_eq!(read.trace_id.as_deref(), Some("0000-aa"));
            assert!(!format!("{read:?} {read}").contains("secret text"));
        }
    }

    #[test]
    fn an_answer_that_is_no_json_is_judged_by_status_and_its_wait_is_kept() {
        let mut reply = Reply {
            status: StatusCode::BAD_GATEWAY,
            headers: HeaderMap::new(),
            body: b"<html>".to_vec(),
        };
        reply
            .headers
            .insert(RETRY_AFTER, HeaderValue::from_static("3"));
        assert_eq!(
            read(&reply, DateTime::UNIX_EPOCH).cause,
            SignInCause::Unavailable {
                retry_after: Some(Duration::from_secs(3))
            }
        );
        reply.status = StatusCode::NOT_FOUND;
        assert_eq!(
            read(&reply, DateTime::UNIX_EPOCH).cause,
            SignInCause::InvalidResponse
        );
    }
}
