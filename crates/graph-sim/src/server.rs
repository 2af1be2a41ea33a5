//! One request from arrival to answer.

use std::time::{Duration, Instant, SystemTime};

use actix_web::http::header::{self, HeaderMap, HttpDate};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::control;
use crate::faults::{Effect, RetryAfter};
use crate::graph::{self, GraphRequest, PageFault, errors};
use crate::request_log::{LogEntry, Underway};
use crate::sign_in::Bearer;
use crate::simulator::Shared;

/// What Graph calls its JSON.
const GRAPH_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                          IEEE754Compatible=false;charset=utf-8";

/// Bits that nothing follows from.
#[allow(
    clippy::disallowed_methods,
    reason = "tokens and request ids are the service's own; no content follows from them"
)]
pub(crate) fn random_bits() -> u128 {
    rand::random()
}

/// A GUID that nothing follows from.
pub(crate) fn random_guid() -> String {
    uuid::Builder::from_random_bytes(random_bits().to_be_bytes())
        .into_uuid()
        .to_string()
}

/// An answer before it is put on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// How many rows were read for it; latency grows with them.
    pub(crate) rows: usize,
    /// The connection ends in the middle of the body.
    pub(crate) reset: bool,
}

impl Answer {
    fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            content_type,
            headers: Vec::new(),
            rows: 0,
            reset: false,
        }
    }

    /// JSON as Graph sends it.
    pub(crate) fn graph_json(status: u16, body: &Value) -> Self {
        Self::new(status, GRAPH_JSON, body.to_string().into_bytes())
    }

    /// JSON as others send it.
    pub(crate) fn plain_json(status: u16, body: &Value) -> Self {
        Self::new(
            status,
            "application/json; charset=utf-8",
            body.to_string().into_bytes(),
        )
    }

    fn retry_after(mut self, wait: RetryAfter) -> Self {
        let value = match wait {
            RetryAfter::Absent => return self,
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::Decimal(seconds) => format!("{seconds:.3}"),
            RetryAfter::HttpDate(seconds) => {
                let date = SystemTime::now() + Duration::from_secs(u64::from(seconds));
                HttpDate::from(date).to_string()
            }
        };
        self.headers.push(("Retry-After", value));
        self
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(one, _)| *one == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The ids that tie a request to its answer.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    pub(crate) request: String,
    pub(crate) client_request: Option<String>,
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.chars().take(1_000).collect())
}

/// Answers every request that is not for a control endpoint.
pub(crate) async fn serve(request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    if request.path().starts_with("/_sim/") {
        return control::not_found();
    }
    let bearer = shared
        .sign_in
        .bearer(text(request.headers(), "authorization").as_deref());
    let ids = Ids {
        request: random_guid(),
        client_request: text(request.headers(), "client-request-id"),
    };
    let tenant = match (token_endpoint(request.path()), &bearer) {
        (Some(tenant), _) => Some(tenant),
        (None, Bearer::Good(tenant) | Bearer::Expired(tenant)) => Some(tenant.clone()),
        (None, Bearer::Unknown) => None,
    };
    let mut underway = begin(&shared, &request, &ids, tenant.clone());
    shared.gates.pass(request.path(), tenant.as_deref()).await;
    let effect = shared.faults.strike(request.path(), tenant.as_deref());
    if let Some(Effect::Delayed { milliseconds }) = effect {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
    let answer = if token_endpoint(request.path()).is_some() {
        let tenant = tenant.as_deref().unwrap_or_default();
        token(&shared, &request, &body, tenant, effect.as_ref(), &ids)
    } else {
        graph(&shared, &request, &bearer, effect.as_ref(), &ids)
    };
    let latency = shared.latency().of(answer.rows);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    underway.answered(answer.status, answer.header("Retry-After"));
    send(answer, &ids)
}

/// The directory id, in lower case, when the path is a token endpoint.
fn token_endpoint(path: &str) -> Option<String> {
    let directory = path.strip_prefix('/')?.strip_suffix("/oauth2/v2.0/token")?;
    (!directory.contains('/')).then(|| directory.to_ascii_lowercase())
}

fn begin(shared: &Shared, request: &HttpRequest, ids: &Ids, tenant: Option<String>) -> Underway {
    shared.log.begin(LogEntry {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        tenant,
        status: None,
        retry_after: None,
        client_request_id: ids.client_request.clone(),
        user_agent: text(request.headers(), "user-agent"),
        started_us: 0,
        ended_us: 0,
    })
}

fn token(
    shared: &Shared,
    request: &HttpRequest,
    body: &[u8],
    tenant: &str,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Answer {
    if request.method() != Method::POST {
        return errors::method_not_allowed(ids);
    }
    if let Some(Effect::SignIn { refusal }) = effect {
        return refusal.answer();
    }
    if let Some(answer) = effect.and_then(|effect| at_once(effect, None, ids)) {
        return answer;
    }
    deface(shared.sign_in.token(tenant, body), effect)
}

fn graph(
    shared: &Shared,
    request: &HttpRequest,
    bearer: &Bearer,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Answer {
    let tenant = match bearer {
        Bearer::Good(tenant) => tenant,
        Bearer::Expired(_) => {
            return errors::unauthorized("Lifetime validation failed, the token is expired.", ids);
        }
        Bearer::Unknown => {
            return errors::unauthorized("Access token is empty or cannot be read.", ids);
        }
    };
    if let Some(wait) = shared
        .throttles
        .refuse(request.path(), tenant, Instant::now())
    {
        let wait = wait.map_or(RetryAfter::Absent, |wait| {
            RetryAfter::Decimal((wait.as_secs_f64() * 1_000.0).ceil() / 1_000.0)
        });
        return errors::throttled(ids).retry_after(wait);
    }
    let permission = graph::permission(request.path());
    if let Some(answer) = effect.and_then(|effect| at_once(effect, permission, ids)) {
        return answer;
    }
    if request.method() != Method::GET {
        return errors::method_not_allowed(ids);
    }
    let host = text(request.headers(), "host").unwrap_or_default();
    let prefer = text(request.headers(), "prefer").unwrap_or_default();
    let consistency = text(request.headers(), "consistencylevel").unwrap_or_default();
    let fault = PageFault::from(effect);
    let answer = graph::answer(&GraphRequest {
        directory: shared.directory(tenant),
        tenant,
        seed: shared.seed,
        max_page_size: shared.max_page_size,
        path: request.path(),
        query: request.query_string(),
        base: format!("http://{host}"),
        unknown_members: prefer.contains("include-unknown-enum-members"),
        eventual: consistency.eq_ignore_ascii_case("eventual"),
        fault,
        ids,
    });
    deface(answer, effect)
}

/// The answer of an effect that needs no page.
fn at_once(effect: &Effect, own_permission: Option<&str>, ids: &Ids) -> Option<Answer> {
    Some(match effect {
        Effect::Forbidden { permission } => {
            errors::forbidden(permission.as_deref().or(own_permission), ids)
        }
        Effect::Unlicensed => errors::unlicensed(ids),
        Effect::Throttled { retry_after } => errors::throttled(ids).retry_after(*retry_after),
        Effect::ServerError {
            status,
            body,
            retry_after,
        } => errors::server_error(*status, *body, ids).retry_after(*retry_after),
        Effect::NotApplicable => errors::not_applicable(ids),
        Effect::Unauthorized => {
            errors::unauthorized("Lifetime validation failed, the token is expired.", ids)
        }
        Effect::HtmlPage => Answer::new(
            200,
            "text/html; charset=utf-8",
            b"<!doctype html><html><title>Maintenance</title><p>Come back later.</html>".to_vec(),
        ),
        Effect::Answer { status, body } => {
            Answer::new(*status, "application/json", body.clone().into_bytes())
        }
        _ => return None,
    })
}

/// Spoils a finished answer.
fn deface(mut answer: Answer, effect: Option<&Effect>) -> Answer {
    match effect {
        Some(Effect::TruncatedJson) => answer.body.truncate(answer.body.len() / 2),
        Some(Effect::ConnectionReset) => answer.reset = true,
        _ => {}
    }
    answer
}

fn send(answer: Answer, ids: &Ids) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CONTENT_TYPE, answer.content_type))
        .insert_header(("request-id", ids.request.as_str()))
        .insert_header(("OData-Version", "4.0"))
        .insert_header((
            "x-ms-ags-diagnostic",
            r#"{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"5"}}"#,
        ));
    if let Some(client_request) = &ids.client_request {
        response.insert_header(("client-request-id", client_request.as_str()));
    }
    for (name, value) in &answer.headers {
        response.insert_header((*name, value.as_str()));
    }
    if answer.reset {
        return reset(&mut response, &answer.body);
    }
    response.body(answer.body)
}

/// Half of the body, and then an error where more is due, which ends the connection.
fn reset(response: &mut HttpResponseBuilder, body: &[u8]) -> HttpResponse {
    let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
    let end = async {
        // Gives the server the turn that it needs to put the first half on the wire.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    response.streaming(stream::iter([Ok(half)]).chain(stream::once(end)))
}

/// The page that an effect asks for.
impl<'a> From<Option<&'a Effect>> for PageFault<'a> {
    fn from(effect: Option<&'a Effect>) -> Self {
        match effect {
            Some(Effect::EmptyPage) => Self::Empty,
            Some(Effect::RepeatedNextLink) => Self::LinkToItself,
            Some(Effect::ForeignNextLink { origin }) => Self::LinkElsewhere(origin),
            Some(Effect::RepeatedRow) => Self::RepeatedRow,
            Some(Effect::Padded { bytes }) => Self::Padded(*bytes),
            _ => Self::None,
        }
    }
}
