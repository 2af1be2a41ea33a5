//! Events of the log.

use atlas_domain::event::EventType;
use atlas_domain::ids::{EventId, RunId, TenantId};
use atlas_domain::run::{OperationKind, Outcome};
use atlas_store::{EventCursor, EventPlace, EventView};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, links, moment};
use crate::links::Links;

/// What happened in a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Its identifier. An event that you receive twice has the same identifier.
    id: Uuid,
    /// What happened, such as `operation_run.completed`. New types may be added: ignore those that you do
    /// not know.
    #[serde(rename = "type")]
    #[schema(max_length = 128, pattern = "^[a-z_]+\\.[a-z_]+$")]
    event_type: String,
    /// When it happened. Events are in the order in which they were committed, which may differ.
    occurred_at: DateTime<Utc>,
    /// The tenant.
    tenant_id: Uuid,
    /// Identifier of the run, if it is about a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_run_id: Option<Uuid>,
    /// Continues after this event, in every list of events that has it.
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: String,
    /// What the type says of it.
    data: EventData,
    /// Addresses of what it is about.
    links: EventLinks,
}

/// What an event says. Which members there are depends on its type.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct EventData {
    /// The kind of the run, such as `inventory_sync`. New kinds may be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: Option<String>,
    /// Of `operation_run.*`: its number among the events of the run, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    sequence: Option<i32>,
    /// Of `operation_run.*`: how often a worker had taken up the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    attempt: Option<i32>,
    /// Of `operation_run.claimed`: the worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    worker_id: Option<String>,
    /// Of `operation_run.phase_reached`: the phase of the run. Of `notification.created`: the phase of the
    /// notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    phase: Option<String>,
    /// Of `operation_run.requeued` and `schedule.stopped`: why, such as `lease_lost`. New reasons may be
    /// added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    reason: Option<String>,
    /// Of `operation_run.cancel_requested`: the user who asked, if a user did.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_by: Option<Uuid>,
    /// Of `operation_run.completed`: `succeeded`, `partially_succeeded`, `failed` or `cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 32, pattern = "^[a-z_]+$")]
    outcome: Option<String>,
    /// Of `operation_run.completed` and `operation_run.requeued`: the code of the error, if there is one.
    /// New codes may be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    error_code: Option<String>,
    /// Of `operation_run.completed`: counts by name, as far as the kind has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    counts: Option<Value>,
    /// Of `inventory.changed`: key of the policy type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    policy_type: Option<String>,
    /// Of `inventory.changed`: number of new items.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    created: Option<i64>,
    /// Of `inventory.changed`: number of items with other content.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    changed: Option<i64>,
    /// Of `inventory.changed`: number of items with other assignments.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    reassigned: Option<i64>,
    /// Of `inventory.changed`: number of items that are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    missing: Option<i64>,
    /// Of `inventory.changed`: number of items that were missing and are back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    back: Option<i64>,
    /// Of `notification.created`: identifier of the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_id: Option<Uuid>,
    /// Of `credential.expiring`: the day on which the client secret ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<NaiveDate>,
}

/// Addresses of what an event is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventLinks {
    /// The tenant.
    #[schema(format = "uri", max_length = 2048)]
    tenant: String,
    /// The run, if it is about a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", max_length = 2048)]
    operation_run: Option<String>,
    /// Of `inventory.changed`: the changes of the policy type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", max_length = 2048)]
    changes: Option<String>,
}

/// A part of a list of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventList {
    /// The events.
    #[schema(max_items = 200)]
    pub(crate) items: Vec<Event>,
    /// Cursor of what comes next. Always present: ask with it again for events that happen later or, in a list
    /// that is newest first, for older ones.
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    pub(crate) next_cursor: String,
    /// Whether there is more already.
    pub(crate) has_more: bool,
}

impl Event {
    /// How an event looks whose cursor is that of its place.
    pub(crate) fn new(event: EventView, links: &Links) -> Self {
        let cursor = EventCursor::of_log(event.place);
        Self::with_cursor(event, cursor, links)
    }

    /// What continues after it.
    pub(crate) fn cursor(&self) -> &str {
        &self.cursor
    }

    /// How an event looks.
    pub(crate) fn with_cursor(event: EventView, cursor: EventCursor, links: &Links) -> Self {
        // What an unknown type says otherwise is left out.
        let data: EventData = serde_json::from_value(event.data).unwrap_or_default();
        let links = EventLinks::new(event.tenant_id, event.run_id, &data, links);
        Self {
            id: event.id.into_uuid(),
            event_type: event.event_type,
            occurred_at: event.occurred_at,
            tenant_id: event.tenant_id.into_uuid(),
            operation_run_id: event.run_id.map(RunId::into_uuid),
            cursor: cursor.to_string(),
            data,
            links,
        }
    }
}

impl EventLinks {
    fn new(tenant: TenantId, run: Option<RunId>, data: &EventData, links: &Links) -> Self {
        let tenant = links.absolute(&format!("/tenants/{tenant}"));
        let changes = data.policy_type.as_ref().map(|policy_type| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("policy_type", policy_type)
                .finish();
            format!("{tenant}/inventory-changes?{query}")
        });
        Self {
            operation_run: run.map(|run| links.run(run).self_),
            changes,
            tenant,
        }
    }
}

const EXAMPLE_PLACE: EventPlace = EventPlace {
    position: 48_213,
    mark: 7_391_846_205_117_348_112,
};

/// The cursor of the document's examples.
pub(crate) fn example_cursor() -> String {
    EventCursor::of_log(EXAMPLE_PLACE).to_string()
}

impl Example for Event {
    fn example() -> Self {
        let event = EventView {
            id: EventId::from_uuid(example::id(0x0197c1a2_5d42_7f00_8a1b_3c4d5e6f7090)),
            place: EXAMPLE_PLACE,
            event_type: EventType::RunCompleted.as_str().to_owned(),
            occurred_at: moment(),
            tenant_id: example::TENANT,
            run_id: Some(example::RUN),
            data: json!({
                "kind": OperationKind::InventorySync.as_str(),
                "sequence": 5,
                "attempt": 1,
                "outcome": Outcome::Succeeded.as_str(),
                "counts": {"items_seen": 1204, "items_created": 12, "items_changed": 3},
            }),
        };
        Self::new(event, &links())
    }
}

impl Example for EventList {
    fn example() -> Self {
        let event = Event::example();
        Self {
            next_cursor: event.cursor.clone(),
            items: vec![event],
            has_more: false,
        }
    }
}
