//! Notifications of initiators of runs. Rows are written in the transactions of the runs' transitions.
//! A user who left a tenant gets no new ones of it and does not see the old ones; who comes back sees
//! those that retention kept.

use atlas_domain::ids::{NotificationId, RunId, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, exists};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::StoreError;
use crate::functions::clock_timestamp;
use crate::keyset::before;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{memberships, notifications, tenants};
use crate::statement::{row, statement};

/// A notification as it is shown.
#[derive(Debug, Clone)]
pub struct NotificationView {
    pub id: NotificationId,
    pub tenant_id: TenantId,
    pub tenant_name: String,
    /// The run it speaks of.
    pub run_id: RunId,
    /// `queued` or `terminal`.
    pub phase: String,
    /// One line.
    pub title: String,
    /// One or two sentences.
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = notifications, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    #[diesel(select_expression = tenants::name)]
    tenant_name: String,
    run_id: Uuid,
    phase: String,
    title: String,
    body: String,
    created_at: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
}

statement! {
    struct MarkReadUpTo {
        notification: Uuid,
        user: Uuid,
    }
    file: "notifications/mark_read_up_to",
    row: MarkedRow,
}

row! {
    struct MarkedRow {
        found: bool,
        marked: i64,
    }
}

/// Whether the user belongs to the notification's tenant.
macro_rules! of_member {
    ($user:expr) => {
        exists(
            memberships::table
                .filter(memberships::user_id.eq($user.into_uuid()))
                .filter(memberships::tenant_id.eq(notifications::tenant_id)),
        )
    };
}

impl Store {
    /// The user's notifications, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notifications(
        &self,
        user: UserId,
        unread_only: bool,
        page: PageRequest<(DateTime<Utc>, NotificationId)>,
    ) -> Result<Vec<NotificationView>, StoreError> {
        let mut query = notifications::table
            .inner_join(tenants::table)
            .filter(notifications::user_id.eq(user.into_uuid()))
            .filter(of_member!(user))
            .select(Row::as_select())
            .order((notifications::created_at.desc(), notifications::id.desc()))
            .limit(page.limit)
            .into_boxed();
        if let Some((time, id)) = page.after {
            let key = (notifications::created_at, notifications::id);
            query = query.filter(before(key, (time, id.into_uuid())));
        }
        if unread_only {
            query = query.filter(notifications::read_at.is_null());
        }
        let rows = self
            .read(async |connection| query.load(connection).await)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| NotificationView {
                id: NotificationId::from_uuid(row.id),
                tenant_id: TenantId::from_uuid(row.tenant_id),
                tenant_name: row.tenant_name,
                run_id: RunId::from_uuid(row.run_id),
                phase: row.phase,
                title: row.title,
                body: row.body,
                created_at: row.created_at,
                read_at: row.read_at,
            })
            .collect())
    }

    /// How many are unread, counted up to `cap`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unread_count(&self, user: UserId, cap: i64) -> Result<i64, StoreError> {
        let unread = notifications::table
            .filter(notifications::user_id.eq(user.into_uuid()))
            .filter(notifications::read_at.is_null())
            .filter(of_member!(user))
            .select(notifications::id)
            .limit(cap);
        let ids: Vec<Uuid> = self
            .read(async |connection| unread.load(connection).await)
            .await?;
        Ok(i64::try_from(ids.len()).unwrap_or(cap))
    }

    /// Marks one as read; false when it is not the user's. Marking twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_read(
        &self,
        user: UserId,
        notification: NotificationId,
    ) -> Result<bool, StoreError> {
        let own = notifications::table
            .find(notification.into_uuid())
            .filter(notifications::user_id.eq(user.into_uuid()))
            .filter(of_member!(user));
        let read_at = case_when(
            notifications::read_at.is_null(),
            clock_timestamp().nullable(),
        )
        .otherwise(notifications::read_at);
        let rows = self
            .read(async |connection| {
                diesel::update(own)
                    .set(notifications::read_at.eq(read_at))
                    .execute(connection)
                    .await
            })
            .await?;
        Ok(rows == 1)
    }

    /// Marks this one and all older ones as read, and says how many that were. What arrives
    /// meanwhile stays unread. `None` when the notification is not the user's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_read_up_to(
        &self,
        user: UserId,
        notification: NotificationId,
    ) -> Result<Option<i64>, StoreError> {
        let row = self
            .fetch_one(&MarkReadUpTo {
                notification: notification.into_uuid(),
                user: user.into_uuid(),
            })
            .await?;
        Ok(row.found.then_some(row.marked))
    }
}

#[cfg(test)]
pub(crate) const STATEMENTS: &[crate::statement::Info] =
    &[<MarkReadUpTo as crate::statement::Statement>::INFO];
