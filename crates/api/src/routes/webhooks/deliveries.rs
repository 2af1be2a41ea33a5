//! The delivery log of a webhook, and what is sent on request.

use actix_web::{HttpRequest, get, post, web};
use atlas_domain::ids::{DeliveryId, WebhookId};
use atlas_store::WebhookRequestError;
use chrono::{DateTime, Utc};
use utoipa::IntoResponses;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::path::path_id;
use crate::extract::query::QueryReader;
use crate::paging::{Page, Paging};
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::wire::webhook::{WebhookDelivery, WebhookRequested};

/// The refusals of a test.
struct TestRefusals;

impl IntoResponses for TestRefusals {
    fn responses() -> Responses {
        refusals([
            Refusal::new("WebhookNotReady", "The webhook cannot be tested now.")
                .with(disabled())
                .with(too_many()),
        ])
    }
}

/// The refusals of a redelivery.
struct RedeliveryRefusals;

impl IntoResponses for RedeliveryRefusals {
    fn responses() -> Responses {
        refusals([
            Refusal::new("NotRedeliverable", "The event cannot be sent again now.")
                .with(disabled())
                .with(too_many())
                .with(event_gone()),
        ])
    }
}

fn disabled() -> Problem {
    Problem::new(
        ProblemKind::WebhookDisabled,
        "The webhook is disabled, so that nothing is sent.",
    )
}

fn too_many() -> Problem {
    Problem::new(
        ProblemKind::WebhookBusy,
        "Too many requests of this webhook wait to be sent.",
    )
}

fn event_gone() -> Problem {
    Problem::new(
        ProblemKind::EventNotKept,
        "The log does not have the event of this delivery any more.",
    )
}

fn refused(error: WebhookRequestError) -> Problem {
    match error {
        WebhookRequestError::Unknown => Problem::not_found(),
        WebhookRequestError::Disabled => disabled(),
        WebhookRequestError::EventGone => event_gone(),
        WebhookRequestError::TooMany => too_many(),
        WebhookRequestError::Store(error) => error.into(),
    }
}

/// List deliveries of a webhook
///
/// Lists attempts to deliver events, the newest first. They are kept for 30 days, unless the installation is
/// configured otherwise.
#[utoipa::path(
    tag = "webhooks",
    responses((
        status = 200,
        description = "A page of attempts.",
        body = Page<WebhookDelivery>,
        example = Page::<WebhookDelivery>::example,
    )),
)]
#[get("/webhooks/{webhook_id}/deliveries")]
pub(crate) async fn list_webhook_deliveries(
    actor: Actor,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<WebhookDelivery>>, Problem> {
    let id: WebhookId = path_id(&request, "webhook_id")?;
    let paging = Paging::<DateTime<Utc>, DeliveryId>::read(&mut query);
    query.finish()?;
    let user = actor.user_id();
    let webhook = state.store.webhook(user, id).await?;
    webhook.ok_or_else(Problem::not_found)?;
    let deliveries = state.store.webhook_deliveries(user, id, paging.request());
    Ok(paging.page(
        &state.links,
        deliveries.await?,
        |delivery| (delivery.at, delivery.id),
        WebhookDelivery::from,
    ))
}

/// Test a webhook
///
/// Sends an event of the type `webhook.test`, once and soon, also while other events wait after failures.
/// A receiver that accepts it gets the others, too. What becomes of it is in the list of deliveries.
#[utoipa::path(
    tag = "webhooks",
    responses(
        (
            status = 202,
            description = "The event will be sent.",
            body = WebhookRequested,
            example = WebhookRequested::example,
        ),
        TestRefusals,
    ),
)]
#[post("/webhooks/{webhook_id}/test")]
pub(crate) async fn test_webhook(
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<WebhookRequested>, Problem> {
    let id = path_id(&request, "webhook_id")?;
    query.finish()?;
    let event = state.store.request_webhook_test(actor.user_id(), id).await;
    Ok(Answer::accepted(WebhookRequested::new(
        event.map_err(refused)?,
    )))
}

/// Redeliver an event
///
/// Sends the event of a delivery once more, with the same identifier. It is sent once, and not in the order
/// of the other events.
#[utoipa::path(
    tag = "webhooks",
    responses(
        (
            status = 202,
            description = "The event will be sent.",
            body = WebhookRequested,
            example = WebhookRequested::example,
        ),
        RedeliveryRefusals,
    ),
)]
#[post("/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver")]
pub(crate) async fn redeliver_webhook_event(
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<WebhookRequested>, Problem> {
    let id = path_id(&request, "webhook_id")?;
    let delivery = path_id(&request, "delivery_id")?;
    query.finish()?;
    let store = &state.store;
    let event = store
        .request_redelivery(actor.user_id(), id, delivery)
        .await;
    Ok(Answer::accepted(WebhookRequested::new(
        event.map_err(refused)?,
    )))
}
