//! The audit log: append-only, read per tenant, newest first.

mod newest;

pub use newest::AuditEntry;

use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{AuditEventId, RequestId, TenantId};
use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{audit_events, users};
use crate::statement::{execute, statement};

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The caller's address; absent for what is no request.
    pub address: Option<String>,
    /// What the caller's program calls itself.
    pub user_agent: Option<String>,
    /// The caller's name for the request, where that is not its id.
    pub request_name: Option<String>,
}

/// An entry to be written.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    pub tenant: Option<TenantId>,
    pub actor_kind: ActorKind,
    pub actor: Option<Uuid>,
    pub action: AuditAction,
    pub target_kind: &'static str,
    pub target_id: String,
    /// How it went.
    pub outcome: AuditOutcome,
    pub request_id: Option<RequestId>,
    /// Where the request came from.
    pub origin: Origin,
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
    pub id: AuditEventId,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    /// That user's name, while the user is known.
    pub actor_name: Option<String>,
    pub action: String,
    pub target_kind: String,
    pub target_id: String,
    /// How it went.
    pub outcome: String,
    /// What answers called the request: the caller's name for it, or our id.
    pub request_id: Option<String>,
    /// More about it.
    pub detail: Option<Value>,
    pub occurred_at: DateTime<Utc>,
}

/// Which entries to read; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub action: Vec<AuditAction>,
    pub actor: Option<Uuid>,
    pub outcome: Option<AuditOutcome>,
    /// Later than this.
    pub occurred_after: Option<DateTime<Utc>>,
    /// Earlier than this.
    pub occurred_before: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    actor_kind: String,
    actor_id: Option<Uuid>,
    #[diesel(select_expression = users::display_name.nullable())]
    actor_name: Option<String>,
    action: String,
    target_kind: String,
    target_id: String,
    outcome: String,
    request_id: Option<Uuid>,
    request_name: Option<String>,
    detail: Option<Value>,
    occurred_at: DateTime<Utc>,
}

statement! {
    /// A row to be written, by itself or within a transaction of the builder.
    #[derive(Insertable)]
    #[diesel(table_name = audit_events, check_for_backend(Pg))]
    struct Record<'a> {
        id: Uuid,
        tenant_id: Option<Uuid>,
        actor_kind: &'static str,
        actor_id: Option<Uuid>,
        action: &'static str,
        target_kind: &'static str,
        target_id: &'a str,
        outcome: &'static str,
        request_id: Option<Uuid>,
        request_name: Option<&'a str>,
        detail: Option<&'a Value>,
        address: Option<&'a str>,
        user_agent: Option<&'a str>,
    }
    file: "audit/record",
    row: (),
}

impl IdentifiedEvent {
    fn row(&self) -> Record<'_> {
        let event = &self.event;
        Record {
            id: self.id,
            tenant_id: event.tenant.map(TenantId::into_uuid),
            actor_kind: event.actor_kind.as_str(),
            actor_id: event.actor,
            action: event.action.as_str(),
            target_kind: event.target_kind,
            target_id: &event.target_id,
            outcome: event.outcome.as_str(),
            request_id: event.request_id.map(RequestId::into_uuid),
            request_name: event.origin.request_name.as_deref(),
            detail: event.detail.as_ref(),
            address: event.origin.address.as_deref(),
            user_agent: event.origin.user_agent.as_deref(),
        }
    }

    /// Writes the entry in a transaction of the builder.
    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        diesel::insert_into(audit_events::table)
            .values(self.row())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Writes the entry in a transaction of statements in files.
    pub(crate) async fn record(&self, client: &impl GenericClient) -> Result<(), StoreError> {
        execute(client, &self.row()).await?;
        Ok(())
    }
}

/// What an entry is found by: an index holds it with all that the log is filtered by.
const KEY: (audit_events::occurred_at, audit_events::id) =
    (audit_events::occurred_at, audit_events::id);

impl AuditFilter {
    /// The entries of the page.
    async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        page: &PageRequest<(DateTime<Utc>, AuditEventId)>,
    ) -> QueryResult<Vec<Row>> {
        let keys: Vec<(DateTime<Utc>, Uuid)> = self.keys(tenant, page).load(connection).await?;
        audit_events::table
            .left_join(users::table.on(audit_events::actor_id.eq(users::id.nullable())))
            .filter(audit_events::id.eq_any(keys.into_iter().map(|(_, id)| id)))
            .order((audit_events::occurred_at.desc(), audit_events::id.desc()))
            .select(Row::as_select())
            .load(connection)
            .await
    }

    /// The keys of the page.
    fn keys(
        &self,
        tenant: TenantId,
        page: &PageRequest<(DateTime<Utc>, AuditEventId)>,
    ) -> audit_events::BoxedQuery<'static, Pg, (Timestamptz, SqlUuid)> {
        let direction = page.reads(Direction::Descending);
        let mut keys = audit_events::table
            .filter(audit_events::tenant_id.eq(tenant.into_uuid()))
            .select(KEY)
            .into_boxed()
            .order(ordered(KEY, direction))
            .limit(page.limit);
        if let Some((time, id)) = page.key() {
            keys = keys.filter(beyond(KEY, (*time, id.into_uuid()), direction));
        }
        if !self.action.is_empty() {
            let actions = self.action.iter().map(|action| action.as_str());
            keys = keys.filter(audit_events::action.eq_any(actions));
        }
        if let Some(actor) = self.actor {
            keys = keys.filter(audit_events::actor_id.eq(actor));
        }
        if let Some(outcome) = self.outcome {
            keys = keys.filter(audit_events::outcome.eq(outcome.as_str()));
        }
        if let Some(time) = self.occurred_after {
            keys = keys.filter(audit_events::occurred_at.gt(time));
        }
        if let Some(time) = self.occurred_before {
            keys = keys.filter(audit_events::occurred_at.lt(time));
        }
        keys
    }
}

impl Store {
    pub(crate) fn identify(&self, event: NewAuditEvent) -> IdentifiedEvent {
        IdentifiedEvent {
            id: self.mint(),
            event,
        }
    }

    /// Writes an entry by itself. What is done and its entry are better written together. An entry of
    /// a tenant that was removed in the meantime is not written: the tenant's log went with it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_audit(&self, event: NewAuditEvent) -> Result<(), StoreError> {
        match self.execute(&self.identify(event).row()).await {
            Err(error) if error.is_about_something_gone() => Ok(()),
            recorded => recorded.map(drop),
        }
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
        let rows = self
            .read(async |connection| filter.page(connection, tenant, &page).await)
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
                request_id: row
                    .request_name
                    .or_else(|| row.request_id.map(|id| id.to_string())),
                detail: row.detail,
                occurred_at: row.occurred_at,
            })
            .collect())
    }
}

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    let record = <Record<'_> as crate::statement::Statement>::INFO;
    [&[record][..], newest::STATEMENTS].concat()
}
