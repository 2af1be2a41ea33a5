//! Endpoints as their owners set and see them.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RequestId, TenantId, UserId, WebhookId};
use atlas_domain::webhook::{MAX_WEBHOOKS, SealedSecret, WebhookDisableReason};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Origin;
use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::webhook_endpoints as endpoints;
use crate::statement::{CountRow, fetch_one, fetch_optional, row, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};

/// An endpoint to be created.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub id: WebhookId,
    /// The tenant whose events it gets; absent: every tenant that its owner is a member of.
    pub tenant: Option<TenantId>,
    pub url: String,
    /// Empty: every type.
    pub event_types: Vec<String>,
    /// Where callers reach the API: what links in deliveries begin with.
    pub public_url: String,
    pub secret: SealedSecret,
}

/// What to change of an endpoint; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    pub url: Option<String>,
    pub event_types: Option<Vec<String>>,
    pub enabled: Option<bool>,
    /// Leaves out the events that it has missed.
    pub from_now: bool,
    /// Where callers reach the API.
    pub public_url: String,
}

/// An endpoint as its owner sees it.
#[derive(Debug, Clone)]
pub struct WebhookView {
    pub id: WebhookId,
    pub tenant_id: Option<TenantId>,
    pub url: String,
    pub event_types: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Failed attempts of the event that is next.
    pub failures: i32,
    pub failing_since: Option<DateTime<Utc>>,
    /// Not before this time something is sent, while it fails.
    pub next_at: DateTime<Utc>,
    pub disabled_at: Option<DateTime<Utc>>,
    /// A word of [`WebhookDisableReason`].
    pub disable_reason: Option<String>,
    /// Until when the secret before the current one signs, too.
    pub previous_until: Option<DateTime<Utc>>,
}

/// Why an endpoint was not created.
#[derive(Debug, thiserror::Error)]
pub enum WebhookCreateError {
    /// The user is no member of the tenant, or was disabled.
    #[error("the user is no member of the tenant")]
    NotPermitted,
    /// The user has as many endpoints as one may have.
    #[error("the user has {MAX_WEBHOOKS} webhooks already")]
    TooMany,
    /// The secret is for a key that others have replaced.
    #[error("the key for secrets of webhooks was replaced meanwhile")]
    KeyReplaced,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

statement! {
    struct HoldOwner {
        user: Uuid,
    }
    file: "webhooks/hold_owner",
    row: OwnerRow,
}

row! {
    struct OwnerRow {
        enabled: bool,
    }
}

statement! {
    struct Create<'a> {
        id: Uuid,
        user: Uuid,
        tenant: Option<Uuid>,
        most: i64,
        url: &'a str,
        event_types: &'a [String],
        public_url: &'a str,
        key_id: &'a str,
        secret: &'a [u8],
        audit: Uuid,
        request: Uuid,
        request_name: Option<String>,
        address: Option<String>,
        user_agent: Option<String>,
        detail: Value,
    }
    file: "webhooks/create",
    row: CreatedRow,
    constants: [action = AuditAction::WebhookCreated.as_str()],
}

row! {
    struct CreatedRow {
        permitted: bool,
        below: bool,
        sealed: bool,
    }
}

statement! {
    struct Change<'a> {
        endpoint: Uuid,
        user: Uuid,
        url: Option<&'a str>,
        event_types: Option<&'a [String]>,
        enabled: Option<bool>,
        anew: bool,
        from_now: bool,
        public_url: &'a str,
        audit: Uuid,
        request: Uuid,
        request_name: Option<String>,
        address: Option<String>,
        user_agent: Option<String>,
        detail: Value,
    }
    file: "webhooks/change",
    row: CountRow,
    constants: [
        by_owner = WebhookDisableReason::ByOwner.as_str(),
        action = AuditAction::WebhookChanged.as_str(),
    ],
}

statement! {
    struct Delete {
        endpoint: Uuid,
        user: Uuid,
        audit: Uuid,
        request: Uuid,
        request_name: Option<String>,
        address: Option<String>,
        user_agent: Option<String>,
    }
    file: "webhooks/delete",
    row: CountRow,
    constants: [action = AuditAction::WebhookDeleted.as_str()],
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = endpoints, check_for_backend(Pg))]
struct Row {
    id: Uuid,
    tenant_id: Option<Uuid>,
    url: String,
    event_types: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    failures: i32,
    failing_since: Option<DateTime<Utc>>,
    next_at: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
    disable_reason: Option<String>,
    previous_until: Option<DateTime<Utc>>,
}

impl From<Row> for WebhookView {
    fn from(row: Row) -> Self {
        Self {
            id: WebhookId::from_uuid(row.id),
            tenant_id: row.tenant_id.map(TenantId::from_uuid),
            url: row.url,
            event_types: row.event_types,
            created_at: row.created_at,
            updated_at: row.updated_at,
            failures: row.failures,
            failing_since: row.failing_since,
            next_at: row.next_at,
            disabled_at: row.disabled_at,
            disable_reason: row.disable_reason,
            previous_until: row.previous_until,
        }
    }
}

impl Store {
    /// Creates an endpoint of the user, which gets what happens from now on. `receiver` names it in the
    /// audit log: an address may hold secrets.
    ///
    /// # Errors
    /// [`WebhookCreateError`]; nothing was changed then.
    pub async fn create_webhook(
        &self,
        user: UserId,
        new: NewWebhook,
        receiver: &str,
        request: RequestId,
        origin: Origin,
    ) -> Result<(), WebhookCreateError> {
        // What was committed before this call is before the place at which it begins.
        self.number_events().await?;
        let create = Create {
            id: new.id.into_uuid(),
            user: user.into_uuid(),
            tenant: new.tenant.map(TenantId::into_uuid),
            most: i64::from(MAX_WEBHOOKS),
            url: &new.url,
            event_types: &new.event_types,
            public_url: &new.public_url,
            key_id: &new.secret.key_id,
            secret: &new.secret.bytes,
            audit: self.mint(),
            request: request.into_uuid(),
            request_name: origin.request_name,
            address: origin.address,
            user_agent: origin.user_agent,
            detail: json!({ "receiver": receiver, "event_types": new.event_types }),
        };
        let hold = HoldOwner { user: create.user };
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(StoreError::from)?;
        // A statement sees what was committed before it began: the endpoints are counted by one that begins
        // when nobody else creates any for this user.
        let owner = fetch_optional(&transaction, &hold).await?;
        if owner.is_none_or(|owner| !owner.enabled) {
            return Err(WebhookCreateError::NotPermitted);
        }
        match fetch_one(&transaction, &create).await? {
            row if !row.permitted => return Err(WebhookCreateError::NotPermitted),
            row if !row.below => return Err(WebhookCreateError::TooMany),
            row if !row.sealed => return Err(WebhookCreateError::KeyReplaced),
            _ => {}
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Changes an endpoint of the user. False when the user has no such endpoint.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn change_webhook(
        &self,
        user: UserId,
        endpoint: WebhookId,
        change: &WebhookChange,
        request: RequestId,
        origin: Origin,
    ) -> Result<bool, StoreError> {
        if change.from_now {
            self.number_events().await?;
        }
        let detail = json!({
            "url": change.url.is_some(),
            "event_types": change.event_types,
            "enabled": change.enabled,
            "from_now": change.from_now,
        });
        let change = Change {
            endpoint: endpoint.into_uuid(),
            user: user.into_uuid(),
            url: change.url.as_deref(),
            event_types: change.event_types.as_deref(),
            enabled: change.enabled,
            anew: change.enabled == Some(true) || change.url.is_some(),
            from_now: change.from_now,
            public_url: &change.public_url,
            audit: self.mint(),
            request: request.into_uuid(),
            request_name: origin.request_name,
            address: origin.address,
            user_agent: origin.user_agent,
            detail,
        };
        Ok(self.fetch_one(&change).await?.count > 0)
    }

    /// Deletes an endpoint of the user. False when the user has no such endpoint.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn delete_webhook(
        &self,
        user: UserId,
        endpoint: WebhookId,
        request: RequestId,
        origin: Origin,
    ) -> Result<bool, StoreError> {
        let delete = Delete {
            endpoint: endpoint.into_uuid(),
            user: user.into_uuid(),
            audit: self.mint(),
            request: request.into_uuid(),
            request_name: origin.request_name,
            address: origin.address,
            user_agent: origin.user_agent,
        };
        Ok(self.fetch_one(&delete).await?.count > 0)
    }

    /// The user's endpoints, the oldest first. There are few.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhooks(&self, user: UserId) -> Result<Vec<WebhookView>, StoreError> {
        let query = endpoints::table
            .filter(endpoints::user_id.eq(user.into_uuid()))
            .order((endpoints::created_at, endpoints::id))
            .select(Row::as_select());
        let rows: Vec<Row> = self
            .read(async |connection| query.load(connection).await)
            .await?;
        Ok(rows.into_iter().map(WebhookView::from).collect())
    }

    /// An endpoint of the user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn webhook(
        &self,
        user: UserId,
        endpoint: WebhookId,
    ) -> Result<Option<WebhookView>, StoreError> {
        let query = endpoints::table
            .find(endpoint.into_uuid())
            .filter(endpoints::user_id.eq(user.into_uuid()))
            .select(Row::as_select());
        let row: Option<Row> = self
            .read(async |connection| query.first(connection).await.optional())
            .await?;
        Ok(row.map(WebhookView::from))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <HoldOwner as Statement>::INFO,
    <Create<'_> as Statement>::INFO,
    <Change<'_> as Statement>::INFO,
    <Delete as Statement>::INFO,
];
