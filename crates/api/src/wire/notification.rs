//! Notifications.

use atlas_store::NotificationView;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, links, moment};
use crate::links::{Links, RunLinks};
use crate::wire::run::TenantReference;

/// A notification about a run that you started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notification {
    /// Its identifier.
    id: Uuid,
    /// The tenant of the run.
    tenant: TenantReference,
    /// Identifier of the run.
    operation_run_id: Uuid,
    /// `queued` when the run was created, `terminal` when it ended. New phases may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    phase: String,
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
    /// Addresses of the run.
    links: RunLinks,
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
            operation_run_id: notification.run_id.into_uuid(),
            phase: notification.phase,
            title: notification.title,
            body: notification.body,
            created_at: notification.created_at,
            read_at: notification.read_at,
            links: links.run(notification.run_id),
        }
    }
}

impl Example for Notification {
    fn example() -> Self {
        let notification = NotificationView {
            id: example::NOTIFICATION,
            tenant_id: example::TENANT,
            tenant_name: example::TENANT_NAME.to_owned(),
            run_id: example::RUN,
            phase: "terminal".to_owned(),
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
