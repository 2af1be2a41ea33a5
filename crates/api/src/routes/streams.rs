//! Streams of events: of a tenant, of the caller, and of one run.

use actix_web::http::header;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, get, web};
use atlas_domain::run::Status;
use atlas_store::{EventCursor, EventsError};
use futures::stream;
use utoipa::IntoResponses;

use crate::context::HeadRequest;
use crate::extract::actor::Actor;
use crate::extract::query::{QueryReader, text};
use crate::extract::run_scope::RunScope;
use crate::extract::tenant_scope::TenantScope;
use crate::extract::ticket::TICKET;
use crate::problem::Problem;
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::stream::{Feed, Topic, stopping, too_many};
use crate::wire::stream::example;

/// Server-sent events.
const EVENT_STREAM: &str = "text/event-stream";
/// The header in which a browser repeats the last identifier that it was sent.
const LAST_EVENT_ID: &str = "last-event-id";
/// The longest ticket that is read.
const MAX_TICKET: usize = 64;

/// The refusal of a stream beside others.
struct StreamRefusals;

impl IntoResponses for StreamRefusals {
    fn responses() -> Responses {
        let many = "Too many streams are open, or the quota is exhausted.";
        let stops = "The process stops, the database is not available, or the request timed out.";
        refusals([
            Refusal::new("TooManyStreams", many).with(too_many()),
            Refusal::new("StreamUnavailable", stops).with(stopping()),
        ])
    }
}

/// Where a stream goes on: after the last identifier that the client was sent, which is later than the
/// cursor of its address.
fn continued(
    request: &HttpRequest,
    mut query: QueryReader,
) -> Result<Option<EventCursor>, Problem> {
    let cursor = query.one("cursor", EventCursor::parse);
    let _: Option<String> = query.one(TICKET, text(MAX_TICKET));
    let last = request.headers().get(LAST_EVENT_ID);
    let last = last.filter(|value| !value.is_empty()).map(|value| {
        let text = value.to_str().unwrap_or_default();
        EventCursor::parse(text)
    });
    match last {
        Some(Err(detail)) => {
            query.refuse("Last-Event-ID", "invalid_value", detail);
            query.finish()?;
            Ok(None)
        }
        Some(Ok(last)) => query.finish().map(|()| Some(last)),
        None => query.finish().map(|()| cursor),
    }
}

async fn answer(
    topic: Topic,
    request: HttpRequest,
    state: web::Data<AppState>,
    cursor: Option<EventCursor>,
) -> Result<HttpResponse, Problem> {
    let actor = Actor::known(&request)?;
    let feed = Feed::open(state, topic, &actor, cursor).await?;
    let mut response = HttpResponse::Ok();
    response
        .content_type(EVENT_STREAM)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // A proxy that collects answers before it passes them on would keep events back.
        .insert_header(("x-accel-buffering", "no"));
    if request.extensions().contains::<HeadRequest>() {
        return Ok(response.finish());
    }
    Ok(response.streaming(stream::unfold(feed, Feed::next)))
}

/// Follow a tenant
///
/// Streams what happens in the tenant as server-sent events. The message `snapshot` comes first: the active
/// runs, without `selection`. Events of the log follow, with the same JSON as `GET …/events` and no `event`
/// line; `id` is the cursor. `progress` has the members of the progress of a run that have changed, and
/// `operation_run_id`. `end` is the last message; its `reason` is `shutdown`, `access_ended`, `run_ended`,
/// `unavailable` or one that is added later. Lines that begin with a colon keep the connection open.
///
/// After a lost connection, send the last `id` as `Last-Event-ID`: the stream begins with a new snapshot and
/// continues after that event, in whichever process. If the log does not continue from there, the message
/// `resync` comes before the snapshot: read again what you follow. A stream ends within five seconds after
/// your access does.
#[utoipa::path(
    tag = "events",
    responses(
        (
            status = 200,
            description = "The stream.",
            body = String,
            content_type = "text/event-stream",
            example = example,
        ),
        StreamRefusals,
    ),
)]
#[get("/tenants/{tenant_id}/stream")]
pub(crate) async fn stream_tenant(
    scope: TenantScope,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let cursor = continued(&request, query)?;
    answer(Topic::Tenant(scope.tenant_id()), request, state, cursor).await
}

/// Follow what concerns you
///
/// Streams events of your notifications and of the runs that you started, in the tenants that you are a
/// member of, as `GET /tenants/{tenant_id}/stream` does. The snapshot has your active runs and
/// `unread_notifications`, counted up to 100.
#[utoipa::path(
    tag = "events",
    responses(
        (
            status = 200,
            description = "The stream.",
            body = String,
            content_type = "text/event-stream",
            example = example,
        ),
        StreamRefusals,
    ),
)]
#[get("/me/stream")]
pub(crate) async fn stream_me(
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let cursor = continued(&request, query)?;
    answer(Topic::User(actor.user_id()), request, state, cursor).await
}

/// Follow an operation run
///
/// Streams what happens to the run, as `GET /tenants/{tenant_id}/stream` does for its tenant: the snapshot is
/// the run, and `progress` has no `operation_run_id`. The stream ends after the run has. The response is 204
/// if the run has ended and nothing happened after the place to continue from, so that browsers do not
/// connect again.
#[utoipa::path(
    tag = "operation-runs",
    responses(
        (
            status = 200,
            description = "The stream.",
            body = String,
            content_type = "text/event-stream",
            example = example,
        ),
        (status = 204, description = "The run has ended, and nothing was missed."),
        StreamRefusals,
    ),
)]
#[get("/operation-runs/{run_id}/stream")]
pub(crate) async fn stream_operation_run(
    scope: RunScope,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let cursor = continued(&request, query)?;
    let run = &scope.view().run;
    let (tenant, id) = (run.tenant_id, run.id);
    if let Some(cursor) = cursor
        && run.state.status() == Status::Completed
    {
        let after = Some(cursor.run_place());
        match state.store.run_events(tenant, id, after, 1).await {
            Ok(page) if page.events.is_empty() => return Ok(HttpResponse::NoContent().finish()),
            Ok(_) | Err(EventsError::Gone) => {}
            Err(error) => return Err(error.into()),
        }
    }
    answer(Topic::Run(tenant, id), request, state, cursor).await
}
