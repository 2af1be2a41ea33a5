//! JSON answers, with an entity tag for everything that is read, and compressed for those who like.

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, Responder};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::compression::{compressed, compressed_well, is_accepted};
use crate::problem::Problem;
use crate::rate::LightRequest;

/// A body with its status and the headers that belong to it.
pub(crate) struct Answer<T> {
    status: StatusCode,
    body: T,
    headers: HeaderMap,
    /// What the entity tag is made of, where that is not the whole body.
    steady: Option<Vec<u8>>,
    is_light: bool,
}

impl<T: Serialize> Answer<T> {
    /// 200.
    pub(crate) fn ok(body: T) -> Self {
        Self::with_status(StatusCode::OK, body)
    }

    /// 201.
    pub(crate) fn created(body: T) -> Self {
        Self::with_status(StatusCode::CREATED, body)
    }

    /// 202.
    pub(crate) fn accepted(body: T) -> Self {
        Self::with_status(StatusCode::ACCEPTED, body)
    }

    /// 201, with the address of what was created.
    pub(crate) fn created_at(body: T, place: &str) -> Self {
        Self::with_status(StatusCode::CREATED, body).header(header::LOCATION, place)
    }

    fn with_status(status: StatusCode, body: T) -> Self {
        Self {
            status,
            body,
            headers: HeaderMap::new(),
            steady: None,
            is_light: false,
        }
    }

    /// The same answer with an entity tag of this part of it: the rest moves without news.
    pub(crate) fn tagged_by<S: Serialize>(mut self, steady: impl FnOnce(&T) -> S) -> Self {
        self.steady = serde_json::to_vec(&steady(&self.body)).ok();
        self
    }

    /// The same answer to a request that was little work, which counts less.
    pub(crate) fn light(mut self) -> Self {
        self.is_light = true;
        self
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
        let tag = is_read.then(|| match &self.steady {
            // The same tag, and not the same bytes.
            Some(steady) => format!("W/{}", entity_tag(steady)),
            None => entity_tag(&body),
        });
        if self.is_light {
            request.extensions_mut().insert(LightRequest);
        }
        let body = Body {
            gzip: is_read
                .then(|| compressed(&body, request.headers()))
                .flatten()
                .map(Bytes::from),
            plain: body.into(),
        };
        respond(self.status, self.headers, body, tag.as_deref(), request)
    }
}

/// A body that is the same for every caller for as long as the process lives: written once.
pub(crate) struct FixedBody {
    plain: Bytes,
    gzip: Option<Bytes>,
    tag: String,
}

/// A body as it is sent: compressed where that is there.
struct Body {
    plain: Bytes,
    gzip: Option<Bytes>,
}

impl FixedBody {
    pub(crate) fn new(body: Vec<u8>) -> Self {
        Self {
            tag: entity_tag(&body),
            gzip: compressed_well(&body).map(Bytes::from),
            plain: body.into(),
        }
    }

    /// 200 to a GET, or 304.
    pub(crate) fn answer(&self, headers: HeaderMap, request: &HttpRequest) -> HttpResponse {
        let gzip = self.gzip.clone().filter(|_| is_accepted(request.headers()));
        let body = Body {
            plain: self.plain.clone(),
            gzip,
        };
        let tag = Some(self.tag.as_str());
        respond(StatusCode::OK, headers, body, tag, request)
    }
}

fn respond(
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
    tag: Option<&str>,
    request: &HttpRequest,
) -> HttpResponse {
    let mut response = HttpResponse::new(status);
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
    if let Some(tag) = tag {
        // Compressed bytes are others, so that their tag is a weak one.
        let tag = match body.gzip {
            Some(_) if !tag.starts_with("W/") => &format!("W/{tag}"),
            _ => tag,
        };
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
    match body.gzip {
        Some(gzip) => {
            let coding = HeaderValue::from_static("gzip");
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_ENCODING, coding);
            response.set_body(BoxBody::new(gzip))
        }
        None => response.set_body(BoxBody::new(body.plain)),
    }
}

/// A strong tag: the same bytes, the same tag.
pub(crate) fn entity_tag(body: &[u8]) -> String {
    format!(
        "\"{}\"",
        URL_SAFE_NO_PAD.encode(&Sha256::digest(body)[..15])
    )
}

/// Whether `If-None-Match` names the tag. Compared weakly, as RFC 9110 section 13.1.2 asks.
pub(crate) fn is_among(tag: &str, headers: &HeaderMap) -> bool {
    let tag = tag.trim_start_matches("W/");
    headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}
