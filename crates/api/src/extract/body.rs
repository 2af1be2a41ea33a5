//! JSON bodies, read within limits, with a pointer to each bad member.

mod json;
mod sentence;

use std::future::{Ready, ready};

use actix_web::dev;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::problem::{FieldProblem, Problem, ProblemKind};
use crate::state::AppState;

/// The longest body that is read, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// So many bad members of one body are reported.
const MAX_ERRORS: usize = 100;

/// A body that nobody has read yet.
pub(crate) struct JsonBody {
    request: HttpRequest,
    payload: web::Payload,
}

impl FromRequest for JsonBody {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let payload = web::Payload::from_request(request, payload).into_inner();
        ready(
            payload
                .map(|payload| Self {
                    request: request.clone(),
                    payload,
                })
                .map_err(|_| Problem::internal()),
        )
    }
}

impl JsonBody {
    /// Reads an object; `None` when there is no body. Members other than those in `known` are
    /// refused, and so is null: a member that is not given is left out.
    pub(crate) async fn read<T: DeserializeOwned>(
        self,
        known: &[&str],
    ) -> Result<Option<T>, Problem> {
        let body = self.bytes().await?;
        body.map(|body| parse(&body, known)).transpose()
    }

    /// The same of a body that must be there with at least these members.
    pub(crate) async fn read_with<T: DeserializeOwned>(
        self,
        needed: &[&str],
        known: &[&str],
    ) -> Result<T, Problem> {
        let body = self.bytes().await?;
        let value = body.map_or_else(|| Ok(Value::Object(Map::new())), |body| object(&body))?;
        check_members(&value, needed, known)?;
        typed(value)
    }

    /// The bytes; `None` when there are none.
    async fn bytes(self) -> Result<Option<Bytes>, Problem> {
        let length = self
            .request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if length.is_some_and(|length| length > MAX_BODY) {
            return Err(too_large());
        }
        let patience = AppState::of(&self.request)?.body_timeout;
        let arriving = self.payload.to_bytes_limited(MAX_BODY);
        let bytes = match tokio::time::timeout(patience, arriving).await {
            Ok(Ok(Ok(bytes))) => bytes,
            Ok(Ok(Err(_))) => {
                return Err(Problem::new(
                    ProblemKind::MalformedRequest,
                    "The body ended early.",
                ));
            }
            Ok(Err(_limit)) => return Err(too_large()),
            Err(_elapsed) => return Err(too_slow()),
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        check_media_type(&self.request)?;
        Ok(Some(bytes))
    }
}

pub(crate) fn too_large() -> Problem {
    Problem::new(
        ProblemKind::PayloadTooLarge,
        format!("The body has more than {MAX_BODY} bytes."),
    )
}

/// The body did not come in time.
pub(crate) fn too_slow() -> Problem {
    Problem::new(
        ProblemKind::RequestTimeout,
        "The body did not arrive in time.",
    )
}

pub(crate) fn not_supported() -> Problem {
    Problem::new(
        ProblemKind::UnsupportedMediaType,
        "The body must be application/json, not compressed.",
    )
    .with("supported", vec!["application/json"])
}

/// Where reading the body as JSON stopped, both from 1.
pub(crate) fn not_json(line: usize, column: usize) -> Problem {
    Problem::new(
        ProblemKind::MalformedRequest,
        format!("The body is not JSON: line {line}, column {column}."),
    )
}

fn check_media_type(request: &HttpRequest) -> Result<(), Problem> {
    let text = |name| {
        let value = request.headers().get(name)?;
        value.to_str().ok().map(str::trim)
    };
    let is_json = text(header::CONTENT_TYPE).is_some_and(|given| {
        let essence = given.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    let is_plain =
        text(header::CONTENT_ENCODING).is_none_or(|given| given.eq_ignore_ascii_case("identity"));
    if is_json && is_plain {
        return Ok(());
    }
    Err(not_supported())
}

fn parse<T: DeserializeOwned>(bytes: &[u8], known: &[&str]) -> Result<T, Problem> {
    let value = object(bytes)?;
    check_members(&value, &[], known)?;
    typed(value)
}

/// The object that the bytes hold, each of its members once.
fn object(bytes: &[u8]) -> Result<Value, Problem> {
    let read = json::read(bytes).map_err(|error| not_json(error.line(), error.column()))?;
    if !read.value.is_object() {
        let detail = "The body must be a JSON object.";
        return Err(invalid_at("", "not_an_object", detail));
    }
    if !read.repeated.is_empty() {
        let detail = "This member is given more than once.";
        let repeated = read.repeated.iter().take(MAX_ERRORS).map(|pointer| {
            FieldProblem::at_pointer(shortened(pointer), "duplicate_member", detail)
        });
        return Err(Problem::invalid(repeated.collect()));
    }
    Ok(read.value)
}

fn check_members(value: &Value, needed: &[&str], known: &[&str]) -> Result<(), Problem> {
    let members = value.as_object().into_iter().flatten();
    let wrong = members.filter_map(|(name, value)| {
        let pointer = format!("/{}", escaped(name));
        if !known.contains(&name.as_str()) {
            let detail = "This member is not known.";
            Some(FieldProblem::at_pointer(pointer, "unknown_member", detail))
        } else if value.is_null() {
            let detail = "Null is no value; leave the member out.";
            Some(FieldProblem::at_pointer(pointer, "null", detail))
        } else {
            None
        }
    });
    let missing = needed.iter().filter(|name| value.get(name).is_none());
    let missing = missing.map(|name| {
        FieldProblem::at_pointer(format!("/{name}"), "missing", "This member is required.")
    });
    let mut errors: Vec<_> = wrong.take(MAX_ERRORS).collect();
    if errors.is_empty() {
        errors.extend(missing);
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer_of(error.path());
        let detail = sentence::of(&error.inner().to_string());
        invalid_at(&pointer, "invalid_value", &shortened(&detail))
    })
}

fn invalid_at(pointer: &str, code: &'static str, detail: &str) -> Problem {
    Problem::invalid(vec![FieldProblem::at_pointer(pointer, code, detail)])
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escaped(key)),
            Segment::Enum { variant } => format!("/{}", escaped(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn escaped(member: &str) -> String {
    shortened(&json::escaped(member))
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use atlas_domain::selection::SelectionRequest;

    use super::*;

    const KNOWN: [&str; 2] = ["policy_types", "include_foundations"];

    fn refusal(body: &str) -> String {
        let problem = parse::<SelectionRequest>(body.as_bytes(), &KNOWN).unwrap_err();
        format!("{problem:?}")
    }

    #[test]
    fn each_bad_member_is_named_by_its_pointer() {
        assert!(refusal(r#"{"a/b":1}"#).contains(r#"Pointer("/a~1b")"#));
        assert!(refusal(r#"{"policy_types":null}"#).contains(r#"Pointer("/policy_types")"#));
        assert!(
            refusal(r#"{"policy_types":["a",7]}"#).contains(r#"Pointer("/policy_types/1")"#),
            "{}",
            refusal(r#"{"policy_types":["a",7]}"#)
        );
        assert!(refusal(r#"{"policy_types":["a",7]}"#).contains("Must be a string."));
        let twice = refusal(r#"{"policy_types":["a"],"policy_types":["b"]}"#);
        assert!(twice.contains("duplicate_member") && twice.contains("/policy_types"));
        assert!(refusal("[]").contains("not_an_object"));
        assert!(refusal("{").contains("MalformedRequest"));
    }

    #[test]
    fn an_object_of_known_members_is_read() {
        let read: SelectionRequest = parse(br#"{"include_foundations":false}"#, &KNOWN).unwrap();
        assert_eq!(read.include_foundations, Some(false));
    }
}
