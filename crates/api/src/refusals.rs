//! What an operation can refuse with, as the document declares it beside the handler:
//!
//! ```text
//! responses((status = 202, …), StartRefusals)
//! ```
//!
//! The problems are made by the functions that the handler itself calls, so that the document shows
//! every extension member and sentence that is sent. What every operation can refuse with is added by
//! [`crate::openapi`].

use std::collections::BTreeMap;

use actix_web::http::header::{self, HeaderMap};
use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::Header;
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};

use crate::example;
use crate::problem::{PROBLEM_JSON, PROBLEM_SCHEMA, Problem};

/// The member by which a response names the component that it becomes.
pub(crate) const COMPONENT: &str = "x-component";

/// What `utoipa::IntoResponses` asks for.
pub(crate) type Responses = BTreeMap<String, RefOr<Response>>;

/// The problems with which an operation answers with one status.
pub(crate) struct Refusal {
    component: &'static str,
    description: &'static str,
    problems: Vec<Problem>,
}

impl Refusal {
    /// Operations that refuse alike share a component of the document.
    pub(crate) fn new(component: &'static str, description: &'static str) -> Self {
        Self {
            component,
            description,
            problems: Vec::new(),
        }
    }

    /// With a problem, which has the status of those before it.
    pub(crate) fn with(mut self, problem: Problem) -> Self {
        self.problems.push(problem);
        self
    }

    /// The status of its problems.
    pub(crate) fn status(&self) -> String {
        let statuses = self.problems.iter().map(|one| one.kind().status());
        let status = statuses.max().map(|status| status.as_u16().to_string());
        status.unwrap_or_else(|| "default".to_owned())
    }

    /// Each problem is an example, named by its type; a second one of a type has a number.
    pub(crate) fn into_response(self) -> Response {
        let of_a_run = self
            .problems
            .iter()
            .find(|one| one.schema() != PROBLEM_SCHEMA);
        let schema = of_a_run.map_or(PROBLEM_SCHEMA, Problem::schema);
        let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
        for (at, problem) in self.problems.iter().enumerate() {
            let kind = problem.kind();
            let earlier = self.problems[..at].iter();
            let name = match earlier.filter(|other| other.kind() == kind).count() {
                0 => kind.slug().to_owned(),
                count => format!("{}-{}", kind.slug(), count + 1),
            };
            let shown = ExampleBuilder::new()
                .summary(kind.title())
                .value(Some(example::problem(problem)));
            content = content.examples_from_iter([(name, shown.build())]);
        }
        let mut response = ResponseBuilder::new()
            .description(self.description)
            .content(PROBLEM_JSON, content.build())
            .extensions(Some(
                Extensions::builder()
                    .add(COMPONENT, json!(self.component))
                    .build(),
            ));
        for name in headers(&self.problems) {
            response = response.header(name, Header::default());
        }
        response.build()
    }
}

/// Declares them.
pub(crate) fn refusals(all: impl IntoIterator<Item = Refusal>) -> Responses {
    all.into_iter()
        .map(|refusal| (refusal.status(), refusal.into_response().into()))
        .collect()
}

/// The headers that belong to any of the problems alone.
fn headers(problems: &[Problem]) -> Vec<&'static str> {
    let mut sent = HeaderMap::new();
    for problem in problems {
        problem.write_headers(&mut sent);
    }
    [
        (header::RETRY_AFTER, "Retry-After"),
        (header::WWW_AUTHENTICATE, "WWW-Authenticate"),
    ]
    .into_iter()
    .filter_map(|(name, written)| sent.contains_key(name).then_some(written))
    .collect()
}
