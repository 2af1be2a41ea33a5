//! Errors as callers see them: RFC 9457 `application/problem+json`, whoever noticed them.
//!
//! A handler returns a [`Problem`]; the envelope around all requests ([`crate::envelope`]) writes
//! its body, because only there the request's id and the public address are known. The cause is for
//! the log and is never shown.

mod catalog;

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use atlas_domain::causes::Causes;
use atlas_domain::selection::FieldError;
use atlas_store::StoreError;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) use catalog::ProblemKind;

use crate::context::RequestContext;
use crate::links::Links;

/// The media type of every error.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// The extension member with the run because of which an operation refuses.
pub(crate) const RUN: &str = "run";
/// Name of the schema of problems that have this member.
pub(crate) const RUN_PROBLEM_SCHEMA: &str = "RunProblem";
/// Name of the schema of all others.
pub(crate) const PROBLEM_SCHEMA: &str = "Problem";

/// Every code of a field or parameter that is not valid.
pub(crate) const FIELD_CODES: &[&str] = &[
    "bad_cron",
    "bad_time",
    "conflict",
    "duplicate_member",
    "foundation",
    "incomplete",
    "invalid_length",
    "invalid_value",
    "missing",
    "never_fires",
    "no_such_version",
    "not_an_object",
    "not_with_cursor",
    "null",
    "out_of_range",
    "refused_address",
    "selects_nothing",
    "time_and_cron",
    "too_long",
    "too_many",
    "too_often",
    "unknown_category",
    "unknown_member",
    "unknown_notification",
    "unknown_parameter",
    "unknown_policy_type",
    "unknown_zone",
];

/// A refusal or failure.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    // Most problems have nothing of it, and a result should be small.
    more: Box<More>,
}

#[derive(Debug, Clone, Default)]
struct More {
    errors: Vec<FieldProblem>,
    members: Map<String, Value>,
    retry_after: Option<u64>,
    allow: Option<String>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A bad field of the body or a bad parameter of the query.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FieldProblem {
    #[serde(flatten)]
    place: Place,
    code: &'static str,
    detail: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Pointer(String),
    Parameter(String),
}

impl FieldProblem {
    /// A bad member of the body, by JSON pointer.
    pub(crate) fn at_pointer(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        debug_assert!(FIELD_CODES.contains(&code), "{code} is not among the codes");
        Self {
            place: Place::Pointer(pointer.into()),
            code,
            detail: detail.into(),
        }
    }

    /// A bad query parameter, by name.
    pub(crate) fn in_parameter(
        name: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        debug_assert!(FIELD_CODES.contains(&code), "{code} is not among the codes");
        Self {
            place: Place::Parameter(name.into()),
            code,
            detail: detail.into(),
        }
    }
}

impl FieldProblem {
    fn without_nul(&self) -> Self {
        Self {
            place: match &self.place {
                Place::Pointer(pointer) => Place::Pointer(without_nul(pointer)),
                Place::Parameter(name) => Place::Parameter(without_nul(name)),
            },
            code: self.code,
            detail: without_nul(&self.detail),
        }
    }
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        Self::at_pointer(error.pointer, error.code, error.detail)
    }
}

impl Problem {
    /// A problem with a sentence about this occurrence.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            more: Box::default(),
        }
    }

    /// Bad fields or parameters.
    pub(crate) fn invalid(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            several => format!("{} parts of the request are not valid.", several.len()),
        };
        let mut problem = Self::new(ProblemKind::ValidationFailed, detail);
        problem.more.errors = errors;
        problem
    }

    /// What is answered for everything that the caller cannot see.
    pub(crate) fn not_found() -> Self {
        Self::new(
            ProblemKind::NotFound,
            "There is nothing at this address that you can see.",
        )
    }

    /// A defect; the cause goes to the log.
    pub(crate) fn internal() -> Self {
        Self::new(
            ProblemKind::InternalError,
            "The request failed because of a defect in the API.",
        )
    }

    /// The database cannot be reached, or takes no writes.
    pub(crate) fn database_unavailable() -> Self {
        Self::new(
            ProblemKind::DependencyUnavailable,
            "The database does not answer at the moment.",
        )
        .retry_after(2)
    }

    /// The request was given up.
    pub(crate) fn timed_out() -> Self {
        Self::new(
            ProblemKind::TimedOut,
            "The request took longer than the API is ready to wait.",
        )
        .retry_after(2)
    }

    /// The same problem with an extension member.
    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.more.members.insert(member.to_owned(), value.into());
        self
    }

    /// Name of the schema that describes it.
    pub(crate) fn schema(&self) -> &'static str {
        if self.more.members.contains_key(RUN) {
            RUN_PROBLEM_SCHEMA
        } else {
            PROBLEM_SCHEMA
        }
    }

    /// The same problem with the seconds after which to try again.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.more.retry_after = Some(seconds);
        self
    }

    /// After how many seconds to try again.
    pub(crate) fn wait(&self) -> Option<u64> {
        self.more.retry_after
    }

    /// The same problem with the methods that the address knows.
    pub(crate) fn allowing(mut self, methods: String) -> Self {
        self.more.allow = Some(methods);
        self
    }

    /// The same problem with its cause, for the log.
    pub(crate) fn because(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.more.cause = Some(Arc::new(cause));
        self
    }

    /// What kind it is.
    pub(crate) const fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// The cause and the causes of the cause, in one line for the log.
    pub(crate) fn causes(&self) -> Option<String> {
        let cause = self.more.cause.as_ref()?;
        Some(Causes(cause.as_ref()).to_string())
    }

    /// The body for one request.
    pub(crate) fn body(&self, context: &RequestContext, links: &Links) -> Vec<u8> {
        let errors: Vec<_> = self
            .more
            .errors
            .iter()
            .map(FieldProblem::without_nul)
            .collect();
        let mut body = json!({
            "type": links.problem(self.kind.slug()),
            "title": self.kind.title(),
            "status": self.kind.status().as_u16(),
            "code": self.kind.code(),
            "detail": without_nul(&self.detail),
            "instance": format!("urn:uuid:{}", context.id),
            "request_id": context.shown_id,
        });
        if let Value::Object(members) = &mut body {
            if !errors.is_empty() {
                members.insert("errors".to_owned(), json!(errors));
            }
            members.extend(self.more.members.clone());
        }
        body.to_string().into_bytes()
    }

    /// The headers that belong to this problem alone.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.more.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = &self.more.allow
            && let Ok(value) = HeaderValue::from_str(methods)
        {
            headers.insert(header::ALLOW, value);
        }
        if self.kind == ProblemKind::RequestTimeout {
            // The rest of the body is not waited for.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let challenge = match self.kind {
            ProblemKind::Unauthenticated => r#"Bearer realm="tenantatlas""#,
            ProblemKind::TokenExpired | ProblemKind::TokenRevoked => {
                r#"Bearer realm="tenantatlas", error="invalid_token""#
            }
            _ => return,
        };
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        );
    }
}

/// The character NUL, which a caller may have sent, is in no text that is answered.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind.status()
    }

    /// Without a body: the envelope writes it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.kind.status())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = if error.is_transient() {
            Self::database_unavailable()
        } else {
            Self::internal()
        };
        problem.because(error)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    /// As the errors of pools do, it says in its text what its source says.
    #[derive(Debug)]
    struct NoConnection(std::io::Error);

    impl fmt::Display for NoConnection {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "no connection: {}", self.0)
        }
    }

    impl Error for NoConnection {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_log_has_each_cause_once() {
        let cause = NoConnection(std::io::Error::other("reset by peer"));
        let problem = Problem::from(StoreError::Unavailable(Box::new(cause)));
        assert_eq!(
            problem.causes().unwrap(),
            "the database is not available: no connection: reset by peer"
        );
    }
}
