//! Distinguishing refusals of Graph.
//!
//! Status and `code` decide wherever they can. A few refusals of Intune differ in their text alone;
//! that text is compared and dropped.

mod challenge;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{AsHeaderName, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::GraphErrorKind;
use crate::request::backoff;
use crate::request::parse::{LARGEST_REPAIR, RawRow};

/// Intune wraps errors as JSON text inside the message, up to twice.
const WRAPPINGS: usize = 3;

/// What to make of one answer that is no success.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// Slow down.
    Throttled {
        after: Option<Duration>,
        /// Whether the limit is the application's over all tenants.
        application: bool,
    },
    /// The same request may succeed soon.
    Server {
        status: u16,
        after: Option<Duration>,
    },
    /// The token is not accepted.
    Unauthenticated {
        /// What a new token has to be asked for with (continuous access evaluation).
        claims: Option<String>,
    },
    /// What was asked for is not there; what that means depends on who asked.
    Gone {
        /// Whether Graph itself says that the object is missing, rather than anybody on the way.
        object: bool,
    },
    /// Asking again is of no use.
    Final(GraphErrorKind),
}

/// What the body of a refusal, or its headers, say for a support case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Refusal {
    /// Whether only a service that has accepted the token can have answered like this.
    pub(crate) const fn shows_an_accepted_token(&self) -> bool {
        match self {
            Self::Gone { object } => *object,
            Self::Final(kind) => !matches!(kind, GraphErrorKind::InvalidResponse { .. }),
            Self::Throttled { .. } | Self::Server { .. } | Self::Unauthenticated { .. } => false,
        }
    }
}

/// Judges an answer. `body` may be cut off or anything at all.
pub(crate) fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> (Refusal, Described) {
    let said = ErrorBody::read(body);
    let described = Described {
        code: error_code(&said.code),
        request_id: request_id(headers).or_else(|| said.request_id.clone()),
    };
    let after = header(headers, RETRY_AFTER)
        .and_then(|text| backoff::retry_after(text, now))
        .or(said.retry_after);
    let status = status.as_u16();
    let refusal = match status {
        429 => Refusal::Throttled {
            after,
            application: header(headers, "x-ms-throttle-scope")
                .is_some_and(|scope| scope.starts_with("Application/")),
        },
        408 | 500..=599 => Refusal::Server { status, after },
        401 => Refusal::Unauthenticated {
            claims: challenge::claims(headers),
        },
        402 => Refusal::Final(GraphErrorKind::NotLicensed),
        403 if said.is_about_licences() => Refusal::Final(GraphErrorKind::NotLicensed),
        403 => Refusal::Final(GraphErrorKind::PermissionMissing),
        400 if said.says("not applicable to target tenant") => {
            Refusal::Final(GraphErrorKind::IntuneNotAvailable)
        }
        400 | 404 if said.is_unknown_route() => Refusal::Final(GraphErrorKind::CollectionNotFound),
        404 | 410 => Refusal::Gone {
            object: said.is_missing_object(),
        },
        _ => Refusal::Final(GraphErrorKind::Rejected { status }),
    };
    (refusal, described)
}

/// The `request-id` of an answer, when it looks like one.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    header(headers, "request-id").and_then(identifier)
}

fn header(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What an answer reports about the limit that it was counted against.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// The resource units that the request used up.
    pub(crate) units: Option<u32>,
    /// How much of the limit is used up, as a share. Graph reports it from 0.8 on.
    pub(crate) limit_percentage: Option<f64>,
}

impl Usage {
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        // More than any request costs is no cost.
        let units = header(headers, "x-ms-resource-unit")
            .and_then(|text| text.parse().ok())
            .filter(|units| *units <= 100);
        let limit_percentage = header(headers, "x-ms-throttle-limit-percentage")
            .and_then(|text| text.parse().ok())
            .filter(|percentage: &f64| *percentage >= 0.8);
        Self {
            units,
            limit_percentage,
        }
    }
}

/// Text from outside as an identifier that may be shown, or nothing.
pub(crate) fn identifier(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Text from outside as a code of an error that may be shown, or nothing.
fn error_code(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(&byte);
    let fits = !text.trim().is_empty() && text.len() <= 128 && text.bytes().all(plain);
    fits.then(|| text.to_owned())
}

/// The code of the error that a body carries although its status is a success, such as an error in
/// the middle of a stream (OData version 4.01, part 1, section 8.2.9); `Some(None)` for an error
/// without a usable code. An object may have a member `error` of its own: that is an error only
/// where it looks like one.
pub(crate) fn error_in(body: &[u8]) -> Option<Option<String>> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow, default)]
        error: Option<&'a RawValue>,
        #[serde(default)]
        value: Option<IgnoredAny>,
    }

    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        code: Value,
        #[serde(default)]
        message: Value,
    }

    memchr::memmem::find(body, b"\"error\"")?;
    let text = match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        // It could become three times as large. Such rows are repaired, or left out, later.
        Err(_) if body.len() > LARGEST_REPAIR => return None,
        Err(_) => String::from_utf8_lossy(body),
    };
    let answer: Answer<'_> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let error = answer.error?.get();
    match serde_json::from_str(error) {
        Ok(Error { code, message }) if code.is_string() || message.is_string() => {
            Some(code.as_str().and_then(error_code))
        }
        _ => (answer.value.is_some() && error != "null").then_some(None),
    }
}

/// The parts of an error body that are used to decide.
#[derive(Debug, Default)]
struct ErrorBody {
    code: String,
    /// All messages, unwrapped, in lower case.
    text: String,
    retry_after: Option<Duration>,
    request_id: Option<String>,
}

impl ErrorBody {
    fn read(body: &[u8]) -> Self {
        let mut said = Self::default();
        let Ok(body) = RawRow::of(body).read() else {
            return said;
        };
        let Some(error) = body.value.get("error") else {
            return said;
        };
        said.code = error["code"].as_str().unwrap_or_default().to_owned();
        said.request_id = ["innerError", "innererror"]
            .iter()
            .find_map(|name| error[*name]["request-id"].as_str())
            .and_then(identifier);
        let mut message = error["message"].as_str().map(str::to_owned);
        for _ in 0..WRAPPINGS {
            let Some(text) = message.take() else { break };
            if let Ok(inner @ Value::Object(_)) = serde_json::from_str::<Value>(&text) {
                said.retry_after = said
                    .retry_after
                    .or_else(|| inner_wait(&inner["RetryAfter"]));
                message = inner["Message"].as_str().map(str::to_owned);
            }
            said.text.push_str(&text.to_lowercase());
        }
        said
    }

    fn says(&self, words: &str) -> bool {
        self.text.contains(words)
    }

    fn is_about_licences(&self) -> bool {
        self.code == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
            || [
                "not licensed",
                "unlicensed",
                "not have a license",
                "required license",
            ]
            .iter()
            .any(|words| self.says(words))
    }

    fn is_missing_object(&self) -> bool {
        [
            "ResourceNotFound",
            "itemNotFound",
            "Request_ResourceNotFound",
            "NotFound",
        ]
        .contains(&self.code.as_str())
    }

    fn is_unknown_route(&self) -> bool {
        self.says("resource not found for the segment")
            || self.says("no method match route template")
            || self.code == "No method match route template"
    }
}

fn inner_wait(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(number) => backoff::seconds(&number.to_string()),
        Value::String(text) => backoff::seconds(text),
        _ => None,
    }
}
