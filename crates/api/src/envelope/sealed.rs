//! The answer of a request that ended before a response was made.

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpResponse, ResponseError};

use super::{RequestLabels, log_failure, write_common_headers};
use crate::context::RequestContext;
use crate::problem::{Problem, ProblemKind};
use crate::rate::Exceeded;
use crate::state::AppState;

/// A problem with its whole answer, for when no response exists that could be completed.
pub(super) struct Sealed {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sealed {
    pub(super) fn new(
        problem: &Problem,
        state: &AppState,
        context: &RequestContext,
        labels: &RequestLabels,
    ) -> Self {
        let mut headers = HeaderMap::new();
        problem.write_headers(&mut headers);
        let exceeded = (problem.kind() == ProblemKind::QuotaExceeded).then(|| Exceeded {
            retry_after: problem.wait().unwrap_or(1),
        });
        let remaining = exceeded.map(Exceeded::remaining);
        write_common_headers(&mut headers, state, context, remaining);
        let elapsed_ms = labels.answered(problem.kind().status());
        if problem.kind().status().is_server_error() {
            log_failure(problem, &labels.route, elapsed_ms);
        }
        Self {
            status: problem.kind().status(),
            headers,
            body: problem.body(context, &state.links),
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status.fmt(f)
    }
}

impl ResponseError for Sealed {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::with_body(self.status, BoxBody::new(self.body.clone()));
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response
    }
}
