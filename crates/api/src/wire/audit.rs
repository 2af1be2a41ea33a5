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

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    /// Its identifier.
    id: Uuid,
    /// Who performed the action.
    actor: AuditActor,
    /// The action, such as `operation_run.started`. New actions may be added.
    #[schema(max_length = 128, pattern = "^[a-z_]+\\.[a-z_]+$")]
    action: String,
    /// The object of the action.
    target: AuditTarget,
    /// `allowed`, `denied` or `failed`.
    #[schema(max_length = 16, pattern = "^(allowed|denied|failed)$")]
    outcome: String,
    /// Identifier of the request, as its response has it in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9._-]{8,64}$")]
    request_id: Option<String>,
    /// Further details.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    detail: Option<Value>,
    /// When it happened.
    occurred_at: DateTime<Utc>,
}

/// Who performed an action.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `user`, `worker` or `installation`.
    #[schema(max_length = 32, pattern = "^[a-z_]+$")]
    kind: String,
    /// Identifier of the user, if the actor is a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Name of the user, while the user exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    display: Option<String>,
    /// The user on whose behalf a worker acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<AuditUser>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditUser {
    /// The user's identifier.
    id: Uuid,
    /// The user's name, while the user exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    display: Option<String>,
}

impl AuditActor {
    /// A user who acted, or in whose place a worker did.
    fn new(kind: String, id: Option<Uuid>, display: Option<String>) -> Self {
        if kind == ActorKind::Worker.as_str() {
            return Self {
                kind,
                id: None,
                display: None,
                on_behalf_of: id.map(|id| AuditUser { id, display }),
            };
        }
        Self {
            kind,
            id,
            display,
            on_behalf_of: None,
        }
    }
}

/// The object of an action.
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
            actor: AuditActor::new(event.actor_kind, event.actor_id, event.actor_name),
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
            request_id: Some(example::REQUEST.to_string()),
            detail: None,
            occurred_at: moment() - TimeDelta::seconds(20),
        })
    }
}
