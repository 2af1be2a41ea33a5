//! Pages of other origins (CORS): what they may send and read, and why they are refused.

use actix_cors::{Cors, CorsError};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use crate::context::REQUEST_ID;
use crate::directory_search::TOKEN_HEADER;
use crate::problem::{Problem, ProblemKind};

/// How long a browser may keep the answer to a preflight, in seconds.
const PREFLIGHT_AGE: usize = 600;

/// Headers that a page of another origin may send. The last five are those by which OpenTelemetry and
/// Sentry in a page name the trace of a request: the API reads the first of them.
const ALLOWED: [&str; 11] = [
    "authorization",
    "content-type",
    "if-none-match",
    "idempotency-key",
    "last-event-id",
    REQUEST_ID,
    TOKEN_HEADER,
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
];

/// Headers that a page of another origin may read.
const EXPOSED: [&str; 9] = [
    "content-disposition",
    "location",
    "etag",
    "link",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "idempotent-replayed",
    REQUEST_ID,
];

/// What pages of these origins may do.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers(ALLOWED.map(HeaderName::from_static))
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT_AGE);
    origins
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// The refusal of a preflight with these headers, which names what is not allowed.
pub(crate) fn refusal(error: &CorsError, preflight: &HeaderMap) -> Problem {
    let text = |name: HeaderName| {
        let value = preflight.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let detail = match error {
        CorsError::OriginNotAllowed => format!(
            "Pages of {} may not call this API. An operator of the installation can add the origin to \
             ATLAS_CORS_ORIGINS.",
            text(header::ORIGIN)
        ),
        CorsError::MethodNotAllowed => format!(
            "Pages of other origins may not use the method {}.",
            text(header::ACCESS_CONTROL_REQUEST_METHOD)
        ),
        CorsError::HeadersNotAllowed => {
            let asked = text(header::ACCESS_CONTROL_REQUEST_HEADERS).to_ascii_lowercase();
            let refused: Vec<&str> = asked
                .split(',')
                .map(str::trim)
                .filter(|name| !ALLOWED.contains(name))
                .collect();
            format!(
                "Pages of other origins may not send the header {}. They may send {}.",
                refused.join(", "),
                ALLOWED.join(", ")
            )
        }
        other => format!("{other}."),
    };
    Problem::new(ProblemKind::CrossOriginRefused, detail)
}
