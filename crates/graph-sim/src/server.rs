//! HTTP in and out.

use std::time::{Duration, Instant};

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures::{StreamExt as _, stream};

use crate::answer::{Answer, Delivery, Ids};
use crate::batch;
use crate::control;
use crate::deface::deface;
use crate::exchange::{self, Caller, IncomingRequest};
use crate::faults::Effect;
use crate::graph::errors;
use crate::shared::Shared;
use crate::sign_in::TokenRequest;

/// Headers that a request is answered by. The others are not looked at.
const HEADERS: [&str; 5] = [
    "client-request-id",
    "consistencylevel",
    "content-type",
    "prefer",
    "x-ms-throttle-priority",
];

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.chars().take(8_000).collect())
}

/// Answers every request that is not for a control endpoint.
pub(crate) async fn serve(request: HttpRequest, body: Bytes, shared: Data<Shared>) -> HttpResponse {
    if request.path().starts_with("/_sim/") {
        return control::not_found();
    }
    let headers = request.headers();
    let caller = Caller {
        bearer: shared
            .sign_in
            .bearer(text(headers, "authorization").as_deref()),
        base: format!("http://{}", text(headers, "host").unwrap_or_default()),
        user_agent: text(headers, "user-agent"),
    };
    let asked = IncomingRequest {
        method: request.method().clone(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: HEADERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), text(headers, name)?)))
            .collect(),
        body,
    };
    let ids = asked.ids();
    let directory = token_endpoint(request.path());
    let tenant = directory.as_deref().or(caller.tenant());
    let mut underway = asked.begin(&shared, tenant, caller.user_agent.as_deref(), None);
    let effect = exchange::meet(&shared, &asked.path, tenant).await;
    let (effect, begun) = (effect.as_ref(), Instant::now());
    let batch = batch::version(&asked.path).is_some();
    let published = || shared.sign_in.published(&caller.base, &asked.path);
    let answer = if let Some(directory) = &directory {
        token(&shared, &caller, &asked, directory, effect, &ids)
    } else if let Some(published) = published() {
        published
    } else {
        if let Some(tenant) = tenant {
            shared.tallies.round_trip(tenant, batch);
        }
        if batch {
            batch::answer(&shared, &caller, &asked, effect, &ids).await
        } else {
            exchange::graph(&shared, &caller, &asked, effect, &ids)
        }
    };
    // The requests of a batch took their time already.
    if !batch || answer.status != 200 {
        exchange::take_time(&shared, &asked, answer.rows, begun).await;
    }
    underway.answered(answer.status, answer.header("Retry-After"));
    send(answer, &ids)
}

/// The directory id, in lower case, when the path is a token endpoint.
fn token_endpoint(path: &str) -> Option<String> {
    let directory = path.strip_prefix('/')?.strip_suffix("/oauth2/v2.0/token")?;
    (!directory.contains('/')).then(|| directory.to_ascii_lowercase())
}

fn token(
    shared: &Shared,
    caller: &Caller,
    asked: &IncomingRequest,
    tenant: &str,
    effect: Option<&Effect>,
    ids: &Ids,
) -> Answer {
    if asked.method != Method::POST {
        return errors::method_not_allowed(ids);
    }
    if let Some(Effect::SignIn { refusal }) = effect {
        return refusal.answer();
    }
    if let Some(answer) = effect.and_then(|effect| exchange::at_once(effect, None, ids)) {
        return answer;
    }
    let request = TokenRequest {
        tenant,
        form: &asked.body,
        root: &caller.base,
        graph_root: shared.modes.graph_root(tenant),
    };
    deface(shared.sign_in.token(&request), effect, ids)
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
    match answer.delivery {
        Delivery::Whole => response.body(answer.body),
        Delivery::Reset => reset(&mut response, &answer.body),
        Delivery::Endless => endless(&mut response),
        Delivery::Slow { pieces, pause } => slow(&mut response, &answer.body, pieces, pause),
    }
}

/// The body in pieces, with a pause before each.
fn slow(
    response: &mut HttpResponseBuilder,
    body: &[u8],
    pieces: usize,
    pause: Duration,
) -> HttpResponse {
    let size = body.len().div_ceil(pieces).max(1);
    let pieces: Vec<Bytes> = body.chunks(size).map(Bytes::copy_from_slice).collect();
    response.streaming(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, std::io::Error>(piece)
    }))
}

/// A page of which there is always another row.
fn endless(response: &mut HttpResponseBuilder) -> HttpResponse {
    let rows = Bytes::from("{\"id\":\"endless\"},".repeat(4_096));
    let begin = Bytes::from_static(b"{\"value\":[");
    let rows = stream::repeat_with(move || Ok::<_, std::io::Error>(rows.clone()));
    response.streaming(stream::iter([Ok(begin)]).chain(rows))
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
