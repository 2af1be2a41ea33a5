//! Entries of the audit log.

use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::AuditEventId;
use atlas_store::AuditEventView;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, moment};
use crate::wire::inventory::without_nulls;

/// Something that was done, or tried, in a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    /// Its identifier.
    id: Uuid,
    /// Who did it.
    actor: AuditActor,
    /// What was done, such as operation_run.started. Clients must accept words that they do not
    /// know.
    #[schema(max_length = 128, pattern = "^[a-z_]+\\.[a-z_]+$")]
    action: String,
    /// What it was done to.
    target: AuditTarget,
    /// `allowed`, `denied` or `failed`.
    #[schema(max_length = 16, pattern = "^(allowed|denied|failed)$")]
    outcome: String,
    /// The request in which it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Uuid>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    detail: Option<Value>,
    /// When.
    occurred_at: DateTime<Utc>,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `user`, `worker` or `installation`.
    #[schema(max_length = 32, pattern = "^[a-z_]+$")]
    kind: String,
    /// The user's identifier, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// The user's name, while the user is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    display: Option<String>,
}

/// What something was done to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditTarget {
    /// Such as `operation_run` or `tenant`.
    #[schema(max_length = 64, pattern = "^[a-z_]+$")]
    kind: String,
    /// Its identifier.
    #[schema(max_length = 256)]
    id: String,
}

impl From<AuditEventView> for AuditEvent {
    fn from(event: AuditEventView) -> Self {
        Self {
            id: event.id.into_uuid(),
            actor: AuditActor {
                kind: event.actor_kind,
                id: event.actor_id,
                display: event.actor_name,
            },
            action: event.action,
            target: AuditTarget {
                kind: event.target_kind,
                id: event.target_id,
            },
            outcome: event.outcome,
            request_id: event.request_id,
            detail: event.detail.map(without_nulls),
            occurred_at: event.occurred_at,
        }
    }
}

impl Example for AuditEvent {
    fn example() -> Self {
        Self::from(AuditEventView {
            id: AuditEventId::from_uuid(example::id(0x0197c1a2_5d42_7f00_8a1b_3c4d5e6f7081)),
            actor_kind: ActorKind::User.as_str().to_owned(),
            actor_id: Some(example::USER.into_uuid()),
            actor_name: Some(example::USER_NAME.to_owned()),
            action: AuditAction::RunStarted.as_str().to_owned(),
            target_kind: "operation_run".to_owned(),
            target_id: example::RUN.to_string(),
            outcome: AuditOutcome::Allowed.as_str().to_owned(),
            request_id: Some(example::REQUEST),
            detail: None,
            occurred_at: moment() - TimeDelta::seconds(20),
        })
    }
}
