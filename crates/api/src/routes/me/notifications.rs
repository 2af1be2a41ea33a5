//! Notifications of the caller.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use atlas_domain::ids::NotificationId;
use atlas_store::NotificationFilter;
use chrono::{DateTime, Utc};

use crate::answer::Answer;
use crate::example::{self, Example};
use crate::extract::actor::Actor;
use crate::extract::body::JsonBody;
use crate::extract::path::path_id;
use crate::extract::query::{QueryReader, flag, id};
use crate::paging::{Page, Paging};
use crate::problem::{FieldProblem, Problem};
use crate::state::AppState;
use crate::wire::notification::{MarkRead, Marked, Notification, UnreadCount};

/// Tenants that may be named at most.
const MAX_TENANTS: usize = 100;
/// Unread notifications are counted up to here.
const CAP: i64 = 100;
/// After how many seconds to ask for the count again.
const ASK_AGAIN: u64 = 15;

/// List notifications
///
/// Lists notifications about runs that you started and about tenants that you own, newest first. A run
/// has one notification when it is created and one when it ends.
#[utoipa::path(
    tag = "notifications",
    params(
        (
            "unread" = Option<bool>, Query,
            description = "Only unread notifications.",
            example = true,
        ),
        (
            "tenant_id" = Option<Vec<Uuid>>, Query,
            description = "Only notifications about these tenants and their runs.",
            max_items = 100, example = json!([example::TENANT]),
        ),
    ),
    responses((
        status = 200,
        description = "A page of notifications.",
        body = Page<Notification>,
        example = Page::<Notification>::example,
    )),
)]
#[get("/me/notifications")]
pub(crate) async fn list_notifications(
    actor: Actor,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<Notification>>, Problem> {
    let filter = NotificationFilter {
        unread: query.one("unread", flag).unwrap_or(false),
        tenants: query.many("tenant_id", MAX_TENANTS, id),
    };
    let paging = Paging::<DateTime<Utc>, NotificationId>::read(&mut query);
    query.finish()?;
    let user = actor.user_id();
    let notifications = state
        .store
        .notifications(user, &filter, paging.request())
        .await?;
    Ok(paging.page(
        &state.links,
        notifications,
        |notification| (notification.created_at, notification.id),
        |notification| Notification::new(notification, &state.links),
    ))
}

/// Count unread notifications
///
/// Counts up to 100 unread notifications; `capped` reports that there may be more.
#[utoipa::path(
    tag = "notifications",
    responses((
        status = 200,
        description = "The count.",
        body = UnreadCount,
        headers(("Retry-After")),
        example = UnreadCount::example,
    )),
)]
#[get("/me/notifications/unread-count")]
pub(crate) async fn get_unread_count(
    actor: Actor,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<UnreadCount>, Problem> {
    query.finish()?;
    let count = state.store.unread_count(actor.user_id(), CAP).await?;
    let capped = count >= CAP;
    Ok(Answer::ok(UnreadCount { count, capped }).ask_again(Some(ASK_AGAIN)))
}

/// Mark notifications as read up to one
///
/// Marks the given notification and all older ones as read. Newer notifications stay unread.
#[utoipa::path(
    tag = "notifications",
    request_body(
        content = MarkRead,
        description = "The newest notification to mark.",
        example = MarkRead::example,
    ),
    responses((
        status = 200,
        description = "The number of notifications that were marked.",
        body = Marked,
        example = Marked::example,
    )),
)]
#[post("/me/notifications/mark-read")]
pub(crate) async fn mark_notifications_read(
    actor: Actor,
    body: JsonBody,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Marked>, Problem> {
    query.finish()?;
    let MarkRead { up_to } = body.read_with(&["up_to"], &["up_to"]).await?;
    let up_to = NotificationId::from_uuid(up_to);
    let marked = state.store.mark_read_up_to(actor.user_id(), up_to).await?;
    let unknown = || {
        let detail = "You have no such notification.";
        let problem = FieldProblem::at_pointer("/up_to", "unknown_notification", detail);
        Problem::invalid(vec![problem])
    };
    let marked = marked.ok_or_else(unknown)?;
    Ok(Answer::ok(Marked { marked }))
}

/// Mark a notification as read
///
/// The request is idempotent.
#[utoipa::path(
    tag = "notifications",
    responses((status = 204, description = "The notification is read.")),
)]
#[post("/me/notifications/{notification_id}/read")]
pub(crate) async fn mark_notification_read(
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let notification_id = path_id(&request, "notification_id")?;
    query.finish()?;
    let user = actor.user_id();
    if state.store.mark_read(user, notification_id).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::not_found())
    }
}
