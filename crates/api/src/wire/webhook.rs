//! Webhooks and their delivery log.

use atlas_domain::event::EventType;
use atlas_domain::ids::{EventId, TenantId, WebhookId};
use atlas_domain::webhook::{DeliveryCause, DeliveryOutcome};
use atlas_store::{DeliveryView, WebhookView};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, moment};

/// The webhook of examples.
pub(crate) const WEBHOOK: Uuid = example::id(0x0197c1a2_6a10_7b22_9c3d_5e6f708192a3);
/// A delivery of examples.
pub(crate) const DELIVERY: Uuid = example::id(0x0197c1a2_6b20_7c33_8d4e_6f708192a3b4);
const EVENT: Uuid = example::id(0x0197c1a2_5d42_7f00_8a1b_3c4d5e6f7090);
const URL: &str = "https://hooks.contoso.example/tenantatlas";

/// An address that events are delivered to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its identifier.
    id: Uuid,
    /// The tenant whose events are delivered. Absent: every tenant that you are a member of.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<Uuid>,
    /// The address of the receiver.
    #[schema(format = "uri", max_length = 2048)]
    url: String,
    /// The types of events that are delivered. Empty: all.
    #[schema(max_items = 50)]
    event_types: Vec<String>,
    /// Whether anything is delivered.
    enabled: bool,
    /// Present when it is disabled: why, such as `gone` or `failing`. New reasons may be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    disable_reason: Option<String>,
    /// When it was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<DateTime<Utc>>,
    /// Failed attempts of the event that is next.
    #[schema(minimum = 0)]
    failures: i32,
    /// Since when attempts fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<DateTime<Utc>>,
    /// When the next attempt is due, while it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<DateTime<Utc>>,
    /// Until when the secret before the current one signs, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_until: Option<DateTime<Utc>>,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When its owner last changed it.
    updated_at: DateTime<Utc>,
}

/// A webhook with its signing secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    /// The webhook.
    webhook: Webhook,
    /// The secret that deliveries are signed with, as Standard Webhooks writes it. Store it: it is not shown
    /// again.
    #[schema(max_length = 100, pattern = "^whsec_[A-Za-z0-9+/=]+$")]
    secret: String,
}

/// Your webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookList {
    /// The webhooks, the oldest first.
    #[schema(max_items = 20)]
    items: Vec<Webhook>,
}

/// An attempt of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookDelivery {
    /// Its identifier.
    id: Uuid,
    /// Why it was sent: `event`, `redelivery` or `test`. A `gap` was not sent: the log did not keep the events
    /// any more. New causes may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    cause: String,
    /// The event. It was sent as `webhook-id`, the same in every attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<Uuid>,
    /// The type of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128, pattern = "^[a-z_]+\\.[a-z_]+$")]
    event_type: Option<String>,
    /// The tenant of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<Uuid>,
    /// Which attempt of the event it was, from 1.
    #[schema(minimum = 0)]
    attempt: i32,
    /// What became of it, such as `delivered`, `refused` or `no_answer`. New outcomes may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    outcome: String,
    /// The status that the receiver answered with, if it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 999)]
    status: Option<i32>,
    /// The outcome as a sentence.
    #[schema(max_length = 1024)]
    detail: String,
    /// How long the attempt took, in milliseconds.
    #[schema(minimum = 0)]
    took_ms: i32,
    /// When the attempt ended.
    at: DateTime<Utc>,
    /// When the next attempt is due, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<DateTime<Utc>>,
}

/// Something that will be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookRequested {
    /// The event, which is sent as `webhook-id`.
    event_id: Uuid,
}

/// A webhook to create.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CreateWebhook {
    /// The address of the receiver: https, and not in a private network.
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) url: String,
    /// Only events of this tenant. Absent: of every tenant that you are a member of, now or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_id: Option<Uuid>,
    /// Only events of these types. Absent or empty: all types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 50)]
    pub(crate) event_types: Option<Vec<String>>,
}

/// What to change of a webhook. What is left out stays.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ChangeWebhook {
    /// Another address of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", max_length = 2048)]
    pub(crate) url: Option<String>,
    /// Other types of events. Empty: all types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 50)]
    pub(crate) event_types: Option<Vec<String>>,
    /// Whether events are delivered. Enabled again, the webhook goes on with the events that it has missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
    /// Leaves out the events that it has missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = false)]
    pub(crate) from_now: Option<bool>,
}

impl From<WebhookView> for Webhook {
    fn from(view: WebhookView) -> Self {
        let is_failing = view.disabled_at.is_none() && view.failures > 0;
        Self {
            id: view.id.into_uuid(),
            tenant_id: view.tenant_id.map(TenantId::into_uuid),
            url: view.url,
            event_types: view.event_types,
            enabled: view.disabled_at.is_none(),
            disable_reason: view.disable_reason,
            disabled_at: view.disabled_at,
            failures: view.failures,
            failing_since: view.failing_since,
            next_attempt_at: is_failing.then_some(view.next_at),
            previous_secret_until: view.previous_until,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

impl From<DeliveryView> for WebhookDelivery {
    fn from(view: DeliveryView) -> Self {
        Self {
            id: view.id.into_uuid(),
            cause: view.cause,
            event_id: view.event_id.map(EventId::into_uuid),
            event_type: view.event_type,
            tenant_id: view.tenant_id.map(TenantId::into_uuid),
            attempt: view.attempt,
            outcome: view.outcome,
            status: view.status,
            detail: view.detail,
            took_ms: view.took_ms,
            at: view.at,
            next_attempt_at: view.next_at,
        }
    }
}

impl WebhookWithSecret {
    pub(crate) const fn new(webhook: Webhook, secret: String) -> Self {
        Self { webhook, secret }
    }
}

impl WebhookList {
    pub(crate) fn new(webhooks: Vec<WebhookView>) -> Self {
        Self {
            items: webhooks.into_iter().map(Webhook::from).collect(),
        }
    }
}

impl WebhookRequested {
    pub(crate) const fn new(event: EventId) -> Self {
        Self {
            event_id: event.into_uuid(),
        }
    }
}

impl Example for Webhook {
    fn example() -> Self {
        Self::from(WebhookView {
            id: WebhookId::from_uuid(WEBHOOK),
            tenant_id: Some(example::TENANT),
            url: URL.to_owned(),
            event_types: vec![EventType::RunCompleted.as_str().to_owned()],
            created_at: moment(),
            updated_at: moment(),
            failures: 0,
            failing_since: None,
            next_at: moment(),
            disabled_at: None,
            disable_reason: None,
            previous_until: None,
        })
    }
}

impl Example for WebhookWithSecret {
    fn example() -> Self {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        Self::new(Webhook::example(), secret.to_owned())
    }
}

impl Example for WebhookList {
    fn example() -> Self {
        Self {
            items: vec![Webhook::example()],
        }
    }
}

impl Example for WebhookDelivery {
    fn example() -> Self {
        Self {
            id: DELIVERY,
            cause: DeliveryCause::Event.as_str().to_owned(),
            event_id: Some(EVENT),
            event_type: Some(EventType::RunCompleted.as_str().to_owned()),
            tenant_id: Some(example::TENANT.into_uuid()),
            attempt: 1,
            outcome: DeliveryOutcome::Delivered.as_str().to_owned(),
            status: Some(204),
            detail: "the receiver answered with status 204".to_owned(),
            took_ms: 87,
            at: moment(),
            next_attempt_at: None,
        }
    }
}

impl Example for WebhookRequested {
    fn example() -> Self {
        Self::new(EventId::from_uuid(EVENT))
    }
}

impl Example for CreateWebhook {
    fn example() -> Self {
        Self {
            url: URL.to_owned(),
            tenant_id: Some(example::TENANT.into_uuid()),
            event_types: Some(vec![EventType::RunCompleted.as_str().to_owned()]),
        }
    }
}

impl Example for ChangeWebhook {
    fn example() -> Self {
        Self {
            url: None,
            event_types: None,
            enabled: Some(true),
            from_now: Some(true),
        }
    }
}
