//! The audit log: append-only, read per tenant, newest first.

use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{AuditEventId, RequestId, TenantId};
use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// An entry to be written.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    /// The tenant it concerns.
    pub tenant: Option<TenantId>,
    /// Who did it, by kind.
    pub actor_kind: ActorKind,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// What was done.
    pub action: AuditAction,
    /// What it was done to, by kind.
    pub target_kind: &'static str,
    /// What it was done to.
    pub target_id: String,
    /// How it went.
    pub outcome: AuditOutcome,
    /// The request in which it was done.
    pub request_id: Option<RequestId>,
    /// More about it; never a secret.
    pub detail: Option<Value>,
}

/// An entry with its id, ready to be written.
pub(crate) struct IdentifiedEvent {
    id: Uuid,
    event: NewAuditEvent,
}

/// An entry as it is shown.
#[derive(Debug, Clone)]
pub struct AuditEventView {
    /// Its id.
    pub id: AuditEventId,
    /// Who did it, by kind.
    pub actor_kind: String,
    /// Who did it.
    pub actor_id: Option<Uuid>,
    /// That user's name, while the user is known.
    pub actor_name: Option<String>,
    /// What was done.
    pub action: String,
    /// What it was done to, by kind.
    pub target_kind: String,
    /// What it was done to.
    pub target_id: String,
    /// How it went.
    pub outcome: String,
    /// The request in which it was done.
    pub request_id: Option<Uuid>,
    /// More about it.
    pub detail: Option<Value>,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// Which entries to read; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// These actions.
    pub action: Vec<String>,
    /// By this actor.
    pub actor: Option<Uuid>,
    /// With this outcome.
    pub outcome: Option<AuditOutcome>,
    /// Later than this.
    pub occurred_after: Option<DateTime<Utc>>,
    /// Earlier than this.
    pub occurred_before: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    actor_kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    actor_name: Option<String>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    target_kind: String,
    #[diesel(sql_type = Text)]
    target_id: String,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    request_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    detail: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: DateTime<Utc>,
}

const INSERT: &str = "INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, \
        target_kind, target_id, outcome, request_id, detail) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Walks the index on (tenant, time, id) backwards; filters drop rows on the way.
const LIST: &str = "SELECT a.id, a.actor_kind, a.actor_id, u.display_name AS actor_name, \
        a.action, a.target_kind, a.target_id, a.outcome, a.request_id, a.detail, a.occurred_at \
    FROM audit_events a LEFT JOIN users u ON u.id = a.actor_id \
    WHERE a.tenant_id = $1 \
        AND (a.occurred_at, a.id) < (coalesce($2, 'infinity'::timestamptz), \
            coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) \
        AND (cardinality($4) = 0 OR a.action = ANY($4)) \
        AND ($5 IS NULL OR a.actor_id = $5) \
        AND ($6 IS NULL OR a.outcome = $6) \
        AND ($7 IS NULL OR a.occurred_at > $7) \
        AND ($8 IS NULL OR a.occurred_at < $8) \
    ORDER BY a.occurred_at DESC, a.id DESC LIMIT $9";

impl IdentifiedEvent {
    pub(crate) async fn insert(
        &self,
        connection: &mut AsyncPgConnection,
    ) -> Result<(), DieselError> {
        let event = &self.event;
        prepared(
            sql_query(INSERT)
                .bind::<SqlUuid, _>(self.id)
                .bind::<Nullable<SqlUuid>, _>(event.tenant.map(TenantId::into_uuid))
                .bind::<Text, _>(event.actor_kind.as_str())
                .bind::<Nullable<SqlUuid>, _>(event.actor)
                .bind::<Text, _>(event.action.as_str())
                .bind::<Text, _>(event.target_kind)
                .bind::<Text, _>(event.target_id.clone())
                .bind::<Text, _>(event.outcome.as_str())
                .bind::<Nullable<SqlUuid>, _>(event.request_id.map(RequestId::into_uuid))
                .bind::<Nullable<Jsonb>, _>(event.detail.clone()),
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Store {
    pub(crate) fn identify(&self, event: NewAuditEvent) -> IdentifiedEvent {
        IdentifiedEvent {
            id: self.mint(),
            event,
        }
    }

    /// Writes an entry by itself. What is done and its entry are better written together.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_audit(&self, event: NewAuditEvent) -> Result<(), StoreError> {
        Ok(self
            .identify(event)
            .insert(&mut *self.connection().await?)
            .await?)
    }

    /// A tenant's entries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_events(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: PageRequest<(DateTime<Utc>, AuditEventId)>,
    ) -> Result<Vec<AuditEventView>, StoreError> {
        let (after_time, after_id) = page.after.unzip();
        let rows: Vec<Row> = prepared(
            sql_query(LIST)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Nullable<Timestamptz>, _>(after_time)
                .bind::<Nullable<SqlUuid>, _>(after_id.map(AuditEventId::into_uuid))
                .bind::<Array<Text>, _>(&filter.action)
                .bind::<Nullable<SqlUuid>, _>(filter.actor)
                .bind::<Nullable<Text>, _>(filter.outcome.map(AuditOutcome::as_str))
                .bind::<Nullable<Timestamptz>, _>(filter.occurred_after)
                .bind::<Nullable<Timestamptz>, _>(filter.occurred_before)
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| AuditEventView {
                id: AuditEventId::from_uuid(row.id),
                actor_kind: row.actor_kind,
                actor_id: row.actor_id,
                actor_name: row.actor_name,
                action: row.action,
                target_kind: row.target_kind,
                target_id: row.target_id,
                outcome: row.outcome,
                request_id: row.request_id,
                detail: row.detail,
                occurred_at: row.occurred_at,
            })
            .collect())
    }
}
