//! Graph's errors, with the codes and messages that its documentation and public reports show.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::answer::{Answer, Ids, random_guid};
use crate::faults::ErrorBody;
use crate::retry_after::RetryAfter;

fn error(status: u16, code: &str, message: &str, ids: &Ids) -> Answer {
    let date = DateTime::<Utc>::from(SystemTime::now()).format("%Y-%m-%dT%H:%M:%S");
    Answer::graph_json(
        status,
        &json!({"error": {
            "code": code,
            "message": message,
            "innerError": {
                "date": date.to_string(),
                "request-id": ids.request,
                "client-request-id": ids.client_request.as_ref().unwrap_or(&ids.request),
            },
        }}),
    )
}

/// What a service says that failed after it had begun to answer. The status is a caller's to set.
pub(crate) fn failed_in_stream(ids: &Ids) -> Answer {
    error(
        500,
        "UnknownError",
        "An error occurred while the answer was sent.",
        ids,
    )
}

/// 401 of the service behind Graph, which does not know the token that Graph let in. The challenge
/// stands in the message only.
pub(crate) fn refused_by_service(ids: &Ids) -> Answer {
    let activity = random_guid();
    let challenge = json!({
        "WWW-Authenticate":
            "Bearer realm=\"urn:intune:service,00000000-0000-0000-0000-000000000000\"",
    })
    .to_string();
    let message = json!({
        "_version": 3,
        "Message": format!(
            "An error has occurred - Operation ID (for customer support): \
             00000000-0000-0000-0000-000000000000 - Activity ID: {activity} - Url: \
             https://fef.amsua0101.manage.microsoft.com/StatelessService?api-version=5025-01-01"
        ),
        "CustomApiErrorPhrase": "",
        "RetryAfter": null,
        "ErrorSourceService": "",
        "HttpHeaders": challenge,
    });
    let message = format!("{message:#}").replace('\n', "\r\n");
    error(401, "Forbidden", &message, ids)
}

/// A page whose link was followed too late.
pub(crate) fn page_token_expired(ids: &Ids) -> Answer {
    error(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
        ids,
    )
}

/// Intune's habit: the message is JSON once more.
fn nested(message: &str) -> String {
    nested_with(message, None)
}

fn nested_with(message: &str, retry_after: Option<u32>) -> String {
    let activity = random_guid();
    json!({
        "_version": 3,
        "Message": format!(
            "{message} - Operation ID (for customer support): \
             00000000-0000-0000-0000-000000000000 - Activity ID: {activity} - Url: \
             https://fef.amsua0101.manage.microsoft.com/StatelessService?api-version=5025-01-01"
        ),
        "CustomApiErrorPhrase": "",
        "RetryAfter": retry_after,
        "ErrorSourceService": "",
        "HttpHeaders": "{}",
    })
    .to_string()
}

pub(crate) fn bad_request(message: &str, ids: &Ids) -> Answer {
    error(400, "BadRequest", message, ids)
}

/// The directory's refusal of what a body says.
pub(crate) fn request_refused(message: &str, ids: &Ids) -> Answer {
    error(400, "Request_BadRequest", message, ids)
}

pub(crate) fn unknown_segment(segment: &str, ids: &Ids) -> Answer {
    bad_request(
        &format!("Resource not found for the segment '{segment}'."),
        ids,
    )
}

pub(crate) fn not_applicable(ids: &Ids) -> Answer {
    bad_request("Request not applicable to target tenant.", ids)
}

pub(crate) fn unsupported_query(ids: &Ids) -> Answer {
    error(
        400,
        "Request_UnsupportedQuery",
        "Request with $search query parameter only works through MSGraph with a special request \
         header: 'ConsistencyLevel: eventual'",
        ids,
    )
}

pub(crate) fn no_route(ids: &Ids) -> Answer {
    error(
        400,
        "No method match route template",
        "No OData route exists that match template ~/singleton/navigation/key/navigation",
        ids,
    )
}

pub(crate) fn not_found(ids: &Ids) -> Answer {
    error(404, "ResourceNotFound", "Resource not found.", ids)
}

pub(crate) fn method_not_allowed(ids: &Ids) -> Answer {
    error(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed.",
        ids,
    )
}

pub(crate) fn unauthorized(message: &str, ids: &Ids) -> Answer {
    let mut answer = error(401, "InvalidAuthenticationToken", message, ids);
    answer.headers.push((
        "WWW-Authenticate",
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/\
         authorize\", client_id=\"00000003-0000-0000-c000-000000000000\""
            .to_owned(),
    ));
    answer
}

/// 403. Without a permission there is none that an application could have.
pub(crate) fn forbidden(permission: Option<&str>, ids: &Ids) -> Answer {
    let Some(permission) = permission else {
        return error(
            403,
            "accessDenied",
            "This API is not supported in app-only context.",
            ids,
        );
    };
    let write = permission.replace(".Read.", ".ReadWrite.");
    let message = format!(
        "Application is not authorized to perform this operation. Application must have one of \
         the following scopes: {permission}, {write}"
    );
    if permission.starts_with("AuditLog.") {
        let message = format!(
            "The principal does not have required Microsoft Graph permission(s): {permission} to \
             call this API."
        );
        return error(
            403,
            "Authentication_MSGraphPermissionMissing",
            &message,
            ids,
        );
    }
    if permission.starts_with("DeviceManagement") {
        error(403, "Forbidden", &nested(&message), ids)
    } else {
        error(403, "Authorization_RequestDenied", &message, ids)
    }
}

pub(crate) fn unlicensed(ids: &Ids) -> Answer {
    error(
        403,
        "Forbidden",
        "Access denied: the tenant is not licensed for this feature.",
        ids,
    )
}

/// What conditional access answers in tenants that pay for no premium directory.
pub(crate) fn not_premium(ids: &Ids) -> Answer {
    error(
        403,
        "AccessDenied",
        "Your tenant is not licensed for this feature. A premium licence of Microsoft Entra ID is \
         required.",
        ids,
    )
}

/// 401 that asks for a new token: one that carries these claims.
pub(crate) fn claims_challenge(claims: &str, ids: &Ids) -> Answer {
    let mut answer = error(
        401,
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and \
         code: TokenIssuedBeforeRevocationTimestamp",
        ids,
    );
    let claims = STANDARD.encode(claims);
    answer.headers.push((
        "WWW-Authenticate",
        format!(
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/\
             oauth2/authorize\", error=\"insufficient_claims\", claims=\"{claims}\""
        ),
    ));
    answer
}

/// A page that is no more.
pub(crate) fn page_gone(status: u16, ids: &Ids) -> Answer {
    if status == 410 {
        error(
            410,
            "syncStateNotFound",
            "The state of the walk is gone.",
            ids,
        )
    } else {
        error(status, "BadRequest", "Skip token is expired.", ids)
    }
}

/// 429 that says when to come back.
pub(crate) fn throttled_with(wait: RetryAfter, ids: &Ids) -> Answer {
    let answer = match wait {
        RetryAfter::InMessage(seconds) => {
            let message = nested_with("Too many requests", Some(seconds));
            error(429, "TooManyRequests", &message, ids)
        }
        _ => throttled(ids),
    };
    answer.retry_after(wait)
}

/// A server error that says when to come back.
pub(crate) fn server_error_with(
    status: u16,
    body: ErrorBody,
    wait: RetryAfter,
    ids: &Ids,
) -> Answer {
    let answer = match (body, wait) {
        (ErrorBody::NestedJson, RetryAfter::InMessage(seconds)) => {
            let message = nested_with("An internal server error has occurred", Some(seconds));
            error(status, "InternalError", &message, ids)
        }
        _ => server_error(status, body, ids),
    };
    answer.retry_after(wait)
}

pub(crate) fn throttled(ids: &Ids) -> Answer {
    error(
        429,
        "TooManyRequests",
        "Too many requests. Please wait before you try again.",
        ids,
    )
}

/// What a request of a batch is answered whose forerunner failed.
pub(crate) fn failed_dependency(ids: &Ids) -> Answer {
    error(
        424,
        "FailedDependency",
        "The request was not tried because the one that it depends on failed.",
        ids,
    )
}

pub(crate) fn server_error(status: u16, body: ErrorBody, ids: &Ids) -> Answer {
    match body {
        ErrorBody::Empty => {
            let mut answer = error(status, "", "", ids);
            answer.body.clear();
            answer
        }
        ErrorBody::NestedJson => error(
            status,
            "InternalError",
            &nested("An internal server error has occurred"),
            ids,
        ),
    }
}
