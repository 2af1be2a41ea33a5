//! The body of a delivery: the event as `GET /tenants/{tenant_id}/events` has it. A test of both programs
//! compares them.

use atlas_domain::ids::{EventId, RunId, TenantId, WebhookId};
use atlas_domain::webhook::TEST_EVENT;
use atlas_store::{EventCursor, EventView, NextDelivery, Sent};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;

#[derive(Serialize)]
struct EventMessage<'a> {
    id: EventId,
    #[serde(rename = "type")]
    event_type: &'a str,
    occurred_at: DateTime<Utc>,
    tenant_id: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_run_id: Option<RunId>,
    cursor: String,
    data: &'a Value,
    links: MessageLinks,
}

#[derive(Serialize)]
struct MessageLinks {
    tenant: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<String>,
}

#[derive(Serialize)]
struct TestMessage {
    id: EventId,
    #[serde(rename = "type")]
    event_type: &'static str,
    occurred_at: DateTime<Utc>,
    data: TestData,
}

#[derive(Serialize)]
struct TestData {
    webhook_id: WebhookId,
}

/// The body, in the same bytes in each attempt.
pub(super) fn body(
    delivery: &NextDelivery,
    webhook_id: WebhookId,
) -> Result<Bytes, serde_json::Error> {
    let body = match &delivery.sent {
        Sent::Event(event) => serde_json::to_vec(&EventMessage::new(event, &delivery.public_url)),
        Sent::Test { id, at } => serde_json::to_vec(&TestMessage {
            id: *id,
            event_type: TEST_EVENT,
            occurred_at: *at,
            data: TestData { webhook_id },
        }),
    };
    body.map(Bytes::from)
}

impl<'a> EventMessage<'a> {
    fn new(event: &'a EventView, public_url: &str) -> Self {
        Self {
            id: event.id,
            event_type: &event.event_type,
            occurred_at: event.occurred_at,
            tenant_id: event.tenant_id,
            operation_run_id: event.run_id,
            cursor: EventCursor::of_log(event.place).to_string(),
            data: &event.data,
            links: MessageLinks::new(event, public_url),
        }
    }
}

impl MessageLinks {
    fn new(event: &EventView, public_url: &str) -> Self {
        let tenant = format!("{public_url}/tenants/{}", event.tenant_id);
        let policy_type = event.data.get("policy_type").and_then(Value::as_str);
        let changes = policy_type.map(|policy_type| {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("policy_type", policy_type)
                .finish();
            format!("{tenant}/inventory-changes?{query}")
        });
        let run = event.run_id;
        Self {
            operation_run: run.map(|run| format!("{public_url}/operation-runs/{run}")),
            changes,
            tenant,
        }
    }
}
