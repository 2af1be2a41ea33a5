//! What surrounds every request: its names, its span, its time limit; and what every answer has:
//! the headers that all answers share, and a problem body for every error, whoever noticed it.

mod sealed;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Instant;

use actix_cors::CorsError;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use atlas_domain::ids::UserId;
use atlas_telemetry::metrics::{HTTP_REQUEST, HTTP_REQUESTS};
use futures::FutureExt;
use tracing::Instrument;

use crate::context::{HeadRequest, REQUEST_ID, RequestContext};
use crate::cross_origin;
use crate::extract::actor::{Actor, too_many};
use crate::problem::{Problem, ProblemKind};
use crate::rate::{LightRequest, Remaining};
use crate::state::AppState;
use sealed::Sealed;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
const NO_CONTENT_SOURCES: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const SERVICE_DESCRIPTION: HeaderValue =
    HeaderValue::from_static("</openapi.json>; rel=\"service-desc\"");

/// Routes that are asked every few seconds for as long as the API lives. Only their failures are
/// logged.
const HEALTH_PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The beginnings of routes that anybody may read. They count as requests of somebody unknown.
const PAGES: [&str; 6] = [
    "/openapi.json",
    "/version",
    "/docs",
    "/problems",
    "/view/",
    "/console",
];

/// The longest address that is read, in bytes. Connections end where an address and its headers are
/// longer than 128 KiB: the protocol layer refuses those.
const MAX_ADDRESS: usize = 32 * 1024;

/// A request as metrics and the log label it: never by the address itself.
struct RequestLabels {
    /// The route's template; `none` when there is no such route.
    route: String,
    /// The method; `other` for one that no route has.
    method: &'static str,
    /// Since when it is worked on.
    begun: Instant,
}

impl RequestLabels {
    fn of(request: &ServiceRequest) -> Self {
        let method = match *request.method() {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            _ => "other",
        };
        Self {
            route: request.match_pattern().unwrap_or_else(|| "none".to_owned()),
            method,
            begun: Instant::now(),
        }
    }

    /// Counts the answer, and gives the milliseconds that it took.
    fn answered(&self, status: StatusCode) -> u64 {
        let took = self.begun.elapsed();
        HTTP_REQUESTS.add(&[&self.route, self.method, status.as_str()], 1);
        HTTP_REQUEST.record(&[&self.route, self.method], took);
        u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The outermost middleware.
pub(crate) async fn envelope<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Err(Problem::internal().into());
    };
    let labels = RequestLabels::of(&request);
    let peer = request.peer_addr().map(|peer| peer.ip());
    let address = state.proxies.caller(peer, request.headers());
    let context = RequestContext::read(request.headers(), address, &*state.clock, &*state.entropy);
    let method = request.method().clone();
    if method == Method::HEAD {
        // Answered like GET; the protocol layer knows the original method and sends no body.
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(HeadRequest);
    }
    request.extensions_mut().insert(context.clone());
    let address = request.uri().path_and_query();
    if address.is_some_and(|address| address.as_str().len() > MAX_ADDRESS) {
        return Err(Sealed::new(&too_long(), &state, &context, &labels).into());
    }
    if PAGES.iter().any(|page| labels.route.starts_with(page)) {
        match state.rates.count_stranger(context.address) {
            Ok(remaining) => {
                request.extensions_mut().insert(remaining);
            }
            Err(exceeded) => {
                let problem = too_many(exceeded.retry_after);
                state.refused.count(problem.kind(), &context);
                return Err(Sealed::new(&problem, &state, &context, &labels).into());
            }
        }
    }
    let span = tracing::info_span!(
        "request",
        %method,
        request_id = %context.shown_id,
        trace_id = %context.trace.trace_id(),
    );
    let changes = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
    let answering = next.call(request).instrument(span.clone());
    let answering = async {
        if changes {
            to_its_end(answering).await
        } else {
            answering.await
        }
    };
    let answered = AssertUnwindSafe(tokio::time::timeout(state.request_timeout, answering))
        .catch_unwind()
        .await;
    let _entered = span.enter();
    let problem = match answered {
        Ok(Ok(Ok(response))) => return Ok(finish(response, &state, &context, &labels)),
        Ok(Ok(Err(error))) => match error.as_error::<Problem>() {
            Some(problem) => problem.clone(),
            None => stand_in(error.as_response_error().status_code()),
        },
        Ok(Err(_elapsed)) => Problem::timed_out(),
        // The panic's hook has logged where it happened.
        Err(_panic) => Problem::internal(),
    };
    Err(Sealed::new(&problem, &state, &context, &labels).into())
}

/// What changes something goes on in a task of its own when its caller hangs up or has waited long
/// enough: half of it must not be left undone.
async fn to_its_end<T: 'static>(
    answering: impl Future<Output = Result<T, Error>> + 'static,
) -> Result<T, Error> {
    match actix_web::rt::spawn(answering).await {
        Ok(answer) => answer,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(ended) => Err(Problem::internal().because(ended).into()),
        },
    }
}

/// The address is longer than those that are read.
pub(crate) fn too_long() -> Problem {
    let detail = format!("The address has more than {MAX_ADDRESS} bytes.");
    Problem::new(ProblemKind::UriTooLong, detail)
}

fn stand_in(status: StatusCode) -> Problem {
    let kind = ProblemKind::of_status(status);
    Problem::new(kind, format!("{}.", kind.title()))
}

/// Gives an answer its headers, and an error its body.
fn finish<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    state: &AppState,
    context: &RequestContext,
    labels: &RequestLabels,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let counted = response.request().extensions().get::<Remaining>().copied();
    let is_light = response
        .request()
        .extensions()
        .get::<LightRequest>()
        .is_some();
    let user = response
        .request()
        .extensions()
        .get::<Actor>()
        .map(|actor| actor.user_id());
    let remaining = match user {
        Some(user) if is_light || status == StatusCode::NOT_MODIFIED => {
            Some(state.rates.lighten(user))
        }
        _ => counted,
    };
    let problem = problem_of(&response);
    let mut response = match &problem {
        None => response.map_into_boxed_body(),
        Some(problem) => {
            let body = problem.body(context, &state.links);
            let mut response = response.map_body(|_, _| BoxBody::new(body));
            problem.write_headers(response.headers_mut());
            response
        }
    };
    write_common_headers(response.headers_mut(), state, context, remaining);
    let elapsed_ms = labels.answered(status);
    let route = labels.route.as_str();
    match problem {
        Some(problem) if status.is_server_error() => log_failure(&problem, route, elapsed_ms),
        Some(problem) if user.is_none() || status == StatusCode::TOO_MANY_REQUESTS => {
            state.refused.count(problem.kind(), context);
        }
        None if HEALTH_PROBES.contains(&route) => {}
        None if user.is_none() => state.refused.count_answer(route, status, context),
        _ => log_answer(status, route, user, context, elapsed_ms),
    }
    response
}

fn log_answer(
    status: StatusCode,
    route: &str,
    user: Option<UserId>,
    context: &RequestContext,
    elapsed_ms: u64,
) {
    tracing::info!(
        status = status.as_u16(),
        route,
        user = user.map(tracing::field::display),
        address = context.origin.address,
        user_agent = context.origin.user_agent,
        elapsed_ms,
        "answered"
    );
}

fn log_failure(problem: &Problem, route: &str, elapsed_ms: u64) {
    tracing::error!(
        status = problem.kind().status().as_u16(),
        route,
        code = problem.kind().code(),
        cause = problem.causes(),
        elapsed_ms,
        "request failed"
    );
}

/// The problem behind an error, or one that stands for an error that somebody else answered with.
fn problem_of<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    if let Some(problem) = response
        .response()
        .error()
        .and_then(|error| error.as_error::<Problem>())
    {
        return Some(problem.clone());
    }
    let refused = response.response().error();
    if let Some(error) = refused.and_then(|error| error.as_error::<CorsError>()) {
        let preflight = response.request().headers();
        return Some(cross_origin::refusal(error, preflight));
    }
    let status = response.status();
    (status.is_client_error() || status.is_server_error()).then(|| stand_in(status))
}

fn write_common_headers(
    headers: &mut HeaderMap,
    state: &AppState,
    context: &RequestContext,
    remaining: Option<Remaining>,
) {
    if let Ok(value) = HeaderValue::from_str(&context.shown_id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), value);
    }
    let mut unless_set = |name: HeaderName, value: HeaderValue| {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    };
    unless_set(header::CACHE_CONTROL, PRIVATE);
    unless_set(header::CONTENT_SECURITY_POLICY, NO_CONTENT_SOURCES);
    unless_set(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    unless_set(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    unless_set(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    unless_set(
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    );
    headers.append(
        header::VARY,
        HeaderValue::from_static("Origin, Authorization, Accept-Encoding"),
    );
    headers.append(header::LINK, SERVICE_DESCRIPTION);
    if let Ok(value) = HeaderValue::from_str(&state.rates.policy()) {
        headers.insert(RATE_LIMIT_POLICY, value);
    }
    // What was not counted, such as a preflight, knows of no caller's quota.
    let remaining = remaining.map(|remaining| HeaderValue::from_str(&remaining.to_string()));
    if let Some(Ok(value)) = remaining {
        headers.insert(RATE_LIMIT, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service, try_call_service};
    use actix_web::{App, HttpResponse, body};
    use atlas_domain::clock::{SystemClock, SystemEntropy};
    use atlas_queue::{Doorbell, QueueOptions};
    use atlas_store::{Pooling, Store, StoreOptions};
    use secrecy::SecretString;
    use serde_json::Value;

    use super::*;
    use crate::directory_search::DirectorySearch;
    use crate::options::ApiOptions;

    /// A state over services that nobody asks anything.
    fn state() -> web::Data<AppState> {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let store = StoreOptions {
            database_url: SecretString::from("postgres://nobody@127.0.0.1:1/none"),
            pooling: Pooling::Session,
            pool_size: 1,
            read_pool_size: 1,
            application_name: "test".to_owned(),
            acquire_timeout: std::time::Duration::from_secs(1),
        };
        let queue = QueueOptions::new(SecretString::from("redis://127.0.0.1:1/"), "none");
        web::Data::new(AppState::new(
            &ApiOptions::default(),
            "http://api.test",
            Store::new(&store, clock.clone(), entropy.clone()).unwrap(),
            Doorbell::new(&queue).unwrap(),
            DirectorySearch::new(None, std::time::Duration::from_secs(1)).unwrap(),
            clock,
            entropy,
        ))
    }

    async fn panics() -> HttpResponse {
        panic!("a secret of the inside")
    }

    #[actix_web::test]
    async fn a_panic_is_a_problem_that_says_nothing_of_the_inside() {
        let app = App::new()
            .app_data(state())
            .route("/", web::get().to(panics))
            .wrap(from_fn(envelope));
        let app = init_service(app).await;
        let error = try_call_service(&app, TestRequest::get().to_request())
            .await
            .unwrap_err();
        let response = error.error_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response.headers().get(header::CONTENT_TYPE).unwrap(),
            "application/problem+json"
        );
        assert!(response.headers().contains_key(REQUEST_ID));
        let bytes = body::to_bytes(response.into_body()).await.unwrap();
        let problem: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(problem["code"], "internal_error");
        assert!(!problem.to_string().contains("secret"));
    }
}
