//! JSON answers, with an entity tag for everything that is read.

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// A body with its status and the headers that belong to it.
pub(crate) struct Answer<T> {
    status: StatusCode,
    body: T,
    headers: HeaderMap,
}

impl<T: Serialize> Answer<T> {
    /// 200.
    pub(crate) fn ok(body: T) -> Self {
        Self::with_status(StatusCode::OK, body)
    }

    /// 202.
    pub(crate) fn accepted(body: T) -> Self {
        Self::with_status(StatusCode::ACCEPTED, body)
    }

    fn with_status(status: StatusCode, body: T) -> Self {
        Self {
            status,
            body,
            headers: HeaderMap::new(),
        }
    }

    /// The same answer with a header. A value that is not one is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// The same answer with the seconds after which to ask again, when that makes sense.
    pub(crate) fn ask_again(self, seconds: Option<u64>) -> Self {
        match seconds {
            Some(seconds) => self.header(header::RETRY_AFTER, &seconds.to_string()),
            None => self,
        }
    }
}

impl<T: Serialize> Responder for Answer<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let body = match serde_json::to_vec(&self.body) {
            Ok(body) => body,
            Err(error) => {
                let problem = Problem::internal().because(error);
                return HttpResponse::from_error(problem);
            }
        };
        let is_read = request.method() == Method::GET && self.status == StatusCode::OK;
        let tag = is_read.then(|| entity_tag(&body));
        respond(
            self.status,
            self.headers,
            body.into(),
            tag.as_deref(),
            request,
        )
    }
}

/// A body that is the same for every caller for as long as the process lives: written once.
pub(crate) struct FixedBody {
    body: Bytes,
    tag: String,
}

impl FixedBody {
    pub(crate) fn new(body: Vec<u8>) -> Self {
        let tag = entity_tag(&body);
        Self {
            body: body.into(),
            tag,
        }
    }

    /// 200 to a GET, or 304.
    pub(crate) fn answer(&self, headers: HeaderMap, request: &HttpRequest) -> HttpResponse {
        let (body, tag) = (self.body.clone(), Some(self.tag.as_str()));
        respond(StatusCode::OK, headers, body, tag, request)
    }
}

fn respond(
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    tag: Option<&str>,
    request: &HttpRequest,
) -> HttpResponse {
    let mut response = HttpResponse::new(status);
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    if let Some(tag) = tag {
        if let Ok(value) = HeaderValue::from_str(tag) {
            response.headers_mut().insert(header::ETAG, value);
        }
        if is_among(tag, request.headers()) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
    }
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response.set_body(BoxBody::new(body))
}

/// A strong tag: the same bytes, the same tag.
fn entity_tag(body: &[u8]) -> String {
    format!(
        "\"{}\"",
        URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..15])
    )
}

/// Whether `If-None-Match` names the tag. Compared weakly, as RFC 9110 section 13.1.2 asks.
fn is_among(tag: &str, headers: &HeaderMap) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}
