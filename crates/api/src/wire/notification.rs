//! Notifications.

use atlas_domain::ids::RunId;
use atlas_domain::run::{OperationKind, Outcome};
use atlas_store::NotificationView;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, links, moment};
use crate::links::{Links, RunLinks};
use crate::wire::run::TenantReference;

/// A notification about a run that you started, or about a tenant that you own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notification {
    /// Its identifier.
    id: Uuid,
    /// The tenant.
    tenant: TenantReference,
    /// Identifier of the run. Absent if it is about the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_run_id: Option<Uuid>,
    /// `queued` when the run was created, `terminal` when it ended; `schedule_stopped` when the schedule of
    /// the tenant stopped, `credential_expiring` 30 days before its client secret ends. New phases may be
    /// added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    phase: String,
    /// The kind of the run, such as `inventory_sync`. Absent if the notification is about the tenant. New kinds
    /// may be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: Option<String>,
    /// How the run ended: `succeeded`, `partially_succeeded`, `failed` or `cancelled`. Present if the
    /// notification is about the end of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    outcome: Option<String>,
    /// Code of the error of the run, if it ended with one. New codes may be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    code: Option<String>,
    /// The title, one line.
    #[schema(max_length = 512)]
    title: String,
    /// The text, one or two sentences.
    #[schema(max_length = 4096)]
    body: String,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When you marked it as read.
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<DateTime<Utc>>,
    /// Addresses of the run. Absent if it is about the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<RunLinks>,
}

/// The number of unread notifications.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnreadCount {
    /// The number, up to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub(crate) count: i64,
    /// Whether there may be more.
    pub(crate) capped: bool,
}

/// The newest notification to mark as read.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct MarkRead {
    /// Identifier of the notification. All older ones are marked too.
    pub(crate) up_to: Uuid,
}

/// The number of notifications that were marked as read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Marked {
    /// The number, without those that were already read.
    #[schema(minimum = 0)]
    pub(crate) marked: i64,
}

impl Notification {
    /// How a notification looks.
    pub(crate) fn new(notification: NotificationView, links: &Links) -> Self {
        Self {
            id: notification.id.into_uuid(),
            tenant: TenantReference {
                id: notification.tenant_id.into_uuid(),
                name: notification.tenant_name,
            },
            operation_run_id: notification.run_id.map(RunId::into_uuid),
            phase: notification.phase,
            kind: notification.kind,
            outcome: notification.outcome,
            code: notification.code,
            title: notification.title,
            body: notification.body,
            created_at: notification.created_at,
            read_at: notification.read_at,
            links: notification.run_id.map(|run| links.run(run)),
        }
    }
}

impl Example for Notification {
    fn example() -> Self {
        let notification = NotificationView {
            id: example::NOTIFICATION,
            tenant_id: example::TENANT,
            tenant_name: example::TENANT_NAME.to_owned(),
            run_id: Some(example::RUN),
            phase: "terminal".to_owned(),
            kind: Some(OperationKind::InventorySync.to_string()),
            outcome: Some(Outcome::Succeeded.to_string()),
            code: None,
            title: "Inventory sync of Contoso succeeded".to_owned(),
            body: "1204 items seen: 12 new, 3 changed, 1 missing.".to_owned(),
            created_at: moment(),
            read_at: None,
        };
        Self::new(notification, &links())
    }
}

impl Example for UnreadCount {
    fn example() -> Self {
        Self {
            count: 3,
            capped: false,
        }
    }
}

impl Example for MarkRead {
    fn example() -> Self {
        Self {
            up_to: example::NOTIFICATION.into_uuid(),
        }
    }
}

impl Example for Marked {
    fn example() -> Self {
        Self { marked: 3 }
    }
}
