//! Webhooks of the caller.

pub(crate) mod deliveries;
mod request;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use atlas_domain::ids::{TenantId, UserId, WebhookId};
use atlas_domain::webhook::MAX_WEBHOOKS;
use atlas_store::{NewWebhook, SecretRotation, WebhookChange, WebhookCreateError};
use atlas_webhooks::{SealingKey, Secret};
use secrecy::ExposeSecret as _;
use utoipa::IntoResponses;

use self::request::{address, checked, event_types};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::body::JsonBody;
use crate::extract::path::path_id;
use crate::extract::query::QueryReader;
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::wire::webhook::{ChangeWebhook, CreateWebhook, Webhook, WebhookList, WebhookWithSecret};

/// After how many seconds to try again when no worker has published its key.
const NO_KEY_RETRY: u64 = 5;

/// The refusals of whatever makes a secret.
struct SecretRefusals;

impl IntoResponses for SecretRefusals {
    fn responses() -> Responses {
        refusals([Refusal::new(
            "WebhooksUnavailable",
            "There is no key for secrets of webhooks yet.",
        )
        .with(no_key())
        .with(key_replaced())])
    }
}

/// The refusals of creating a webhook.
struct CreateRefusals;

impl IntoResponses for CreateRefusals {
    fn responses() -> Responses {
        refusals([
            Refusal::new("TooManyWebhooks", "You have too many webhooks.").with(too_many()),
            Refusal::new(
                "WebhooksUnavailable",
                "There is no key for secrets of webhooks yet.",
            )
            .with(no_key())
            .with(key_replaced()),
            Refusal::new("WebhookTenantNotFound", "You are no member of the tenant.")
                .with(Problem::not_found()),
        ])
    }
}

fn no_key() -> Problem {
    let detail = "No worker of the installation has published the key for secrets of webhooks.";
    Problem::new(ProblemKind::WebhooksUnavailable, detail).retry_after(NO_KEY_RETRY)
}

fn key_replaced() -> Problem {
    let detail = "The key for secrets of webhooks was replaced meanwhile: repeat the request.";
    Problem::new(ProblemKind::WebhooksUnavailable, detail).retry_after(1)
}

fn too_many() -> Problem {
    let detail = format!("You have {MAX_WEBHOOKS} webhooks, as many as one user may have.");
    Problem::new(ProblemKind::TooManyWebhooks, detail)
}

/// A new secret, sealed for the workers.
struct NewSecret {
    secret: Secret,
    sealed: atlas_domain::webhook::SealedSecret,
}

impl NewSecret {
    async fn make(state: &AppState, webhook: WebhookId) -> Result<Self, Problem> {
        let key = state.store.webhook_key().await?.ok_or_else(no_key)?;
        let key = SealingKey::new(key.0, key.1);
        let secret = Secret::generate(&*state.entropy);
        let sealed = key.seal(&secret, webhook);
        let sealed = sealed.map_err(|error| Problem::internal().because(error))?;
        Ok(Self { secret, sealed })
    }

    fn text(&self) -> String {
        self.secret.to_text().expose_secret().to_owned()
    }
}

/// Create a webhook
///
/// Delivers events that happen from now on to an address of yours, as POST requests that are signed as
/// Standard Webhooks describes. Events arrive at least once, with the same identifier each time, and in
/// their order. An attempt that is not answered with a status from 200 to 299 within 15 seconds is repeated
/// over three days; then, or after an answer with 410, the webhook is disabled and you are notified. The
/// response shows the signing secret this once.
#[utoipa::path(
    tag = "webhooks",
    request_body(
        content = CreateWebhook,
        description = "The webhook.",
        example = CreateWebhook::example,
    ),
    responses(
        (
            status = 201,
            description = "The webhook, with its secret.",
            body = WebhookWithSecret,
            headers(("Location")),
            example = WebhookWithSecret::example,
        ),
        CreateRefusals,
    ),
)]
#[post("/webhooks")]
pub(crate) async fn create_webhook(
    actor: Actor,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<WebhookWithSecret>, Problem> {
    query.finish()?;
    let known = ["url", "tenant_id", "event_types"];
    let asked: CreateWebhook = body.read_with(&["url"], &known).await?;
    let mut errors = Vec::new();
    let address = address(&asked.url, &state.webhook_networks, &mut errors);
    let event_types = event_types(asked.event_types.unwrap_or_default(), &mut errors);
    let address = checked(address, errors)?;
    let user = actor.user_id();
    let id = WebhookId::mint(&*state.clock, &*state.entropy);
    let secret = NewSecret::make(&state, id).await?;
    let text = secret.text();
    let new = NewWebhook {
        id,
        tenant: asked.tenant_id.map(TenantId::from_uuid),
        url: address.as_str().to_owned(),
        event_types,
        public_url: state.links.absolute(""),
        secret: secret.sealed,
    };
    let receiver = address.to_string();
    let origin = context.origin.clone();
    let created = state
        .store
        .create_webhook(user, new, &receiver, context.id, origin);
    created.await.map_err(|error| match error {
        WebhookCreateError::NotPermitted => Problem::not_found(),
        WebhookCreateError::TooMany => too_many(),
        WebhookCreateError::KeyReplaced => key_replaced(),
        WebhookCreateError::Store(error) => error.into(),
    })?;
    let webhook = find(&state, user, id).await?;
    let place = state.links.absolute(&format!("/webhooks/{id}"));
    Ok(Answer::created_at(
        WebhookWithSecret::new(webhook, text),
        &place,
    ))
}

/// List your webhooks
///
/// Lists your webhooks, the oldest first.
#[utoipa::path(
    tag = "webhooks",
    responses((
        status = 200,
        description = "Your webhooks.",
        body = WebhookList,
        example = WebhookList::example,
    )),
)]
#[get("/webhooks")]
pub(crate) async fn list_webhooks(
    actor: Actor,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<WebhookList>, Problem> {
    query.finish()?;
    let webhooks = state.store.webhooks(actor.user_id()).await?;
    Ok(Answer::ok(WebhookList::new(webhooks)))
}

/// Get a webhook
///
/// Returns one of your webhooks, with whether it fails or was disabled.
#[utoipa::path(
    tag = "webhooks",
    responses((
        status = 200,
        description = "The webhook.",
        body = Webhook,
        example = Webhook::example,
    )),
)]
#[get("/webhooks/{webhook_id}")]
pub(crate) async fn get_webhook(
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Webhook>, Problem> {
    let id = path_id(&request, "webhook_id")?;
    query.finish()?;
    Ok(Answer::ok(find(&state, actor.user_id(), id).await?))
}

/// Change a webhook
///
/// Changes address, types or state of one of your webhooks. Enabled again, it goes on with the events that
/// it has missed, as far as the log keeps them, or with those that happen from now on. A change of the
/// address ends a wait after failures.
#[utoipa::path(
    tag = "webhooks",
    request_body(
        content = ChangeWebhook,
        description = "What to change.",
        example = ChangeWebhook::example,
    ),
    responses((
        status = 200,
        description = "The webhook.",
        body = Webhook,
        example = Webhook::example,
    )),
)]
#[patch("/webhooks/{webhook_id}")]
pub(crate) async fn change_webhook(
    actor: Actor,
    request: HttpRequest,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<Webhook>, Problem> {
    let id = path_id(&request, "webhook_id")?;
    query.finish()?;
    // What the body holds makes no difference to others.
    find(&state, actor.user_id(), id).await?;
    let known = ["url", "event_types", "enabled", "from_now"];
    let asked: ChangeWebhook = body.read_with(&[], &known).await?;
    let mut errors = Vec::new();
    let address = asked
        .url
        .map(|url| address(&url, &state.webhook_networks, &mut errors));
    let types = asked
        .event_types
        .map(|types| event_types(types, &mut errors));
    let address = checked(
        address.map_or(Some(None), |address| address.map(Some)),
        errors,
    )?;
    let change = WebhookChange {
        url: address.map(|address| address.as_str().to_owned()),
        event_types: types,
        enabled: asked.enabled,
        from_now: asked.from_now.unwrap_or(false),
        public_url: state.links.absolute(""),
    };
    let (user, origin) = (actor.user_id(), context.origin.clone());
    let changed = state
        .store
        .change_webhook(user, id, &change, context.id, origin);
    found(changed.await?)?;
    Ok(Answer::ok(find(&state, user, id).await?))
}

/// Delete a webhook
///
/// Nothing is delivered any more, and the delivery log is deleted.
#[utoipa::path(
    tag = "webhooks",
    responses((status = 204, description = "The webhook is deleted.")),
)]
#[delete("/webhooks/{webhook_id}")]
pub(crate) async fn delete_webhook(
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let id = path_id(&request, "webhook_id")?;
    query.finish()?;
    let origin = context.origin.clone();
    let deleted = state
        .store
        .delete_webhook(actor.user_id(), id, context.id, origin);
    found(deleted.await?)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Rotate the secret of a webhook
///
/// Makes another signing secret, which the response shows this once. Deliveries are signed with both for 24
/// hours.
#[utoipa::path(
    tag = "webhooks",
    responses(
        (
            status = 200,
            description = "The webhook, with its new secret.",
            body = WebhookWithSecret,
            example = WebhookWithSecret::example,
        ),
        SecretRefusals,
    ),
)]
#[post("/webhooks/{webhook_id}/rotate-secret")]
pub(crate) async fn rotate_webhook_secret(
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<WebhookWithSecret>, Problem> {
    let id = path_id(&request, "webhook_id")?;
    query.finish()?;
    find(&state, actor.user_id(), id).await?;
    let secret = NewSecret::make(&state, id).await?;
    let (user, origin) = (actor.user_id(), context.origin.clone());
    let rotated = state
        .store
        .rotate_webhook_secret(user, id, &secret.sealed, context.id, origin);
    match rotated.await? {
        SecretRotation::Rotated => {}
        SecretRotation::Unknown => return Err(Problem::not_found()),
        SecretRotation::KeyReplaced => return Err(key_replaced()),
    }
    let webhook = find(&state, user, id).await?;
    Ok(Answer::ok(WebhookWithSecret::new(webhook, secret.text())))
}

async fn find(state: &AppState, user: UserId, id: WebhookId) -> Result<Webhook, Problem> {
    let webhook = state.store.webhook(user, id).await?;
    webhook.map(Webhook::from).ok_or_else(Problem::not_found)
}

fn found(found: bool) -> Result<(), Problem> {
    if found {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}
