//! What initiators of runs are told. Rows are written in the transactions of the runs' transitions.

use atlas_domain::ids::{NotificationId, RunId, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::statement::prepared;

/// A notification as it is shown.
#[derive(Debug, Clone)]
pub struct NotificationView {
    /// Its id.
    pub id: NotificationId,
    /// The tenant it concerns.
    pub tenant_id: TenantId,
    /// That tenant's name.
    pub tenant_name: String,
    /// The run it speaks of.
    pub run_id: RunId,
    /// `queued` or `terminal`.
    pub phase: String,
    /// One line.
    pub title: String,
    /// One or two sentences.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was read.
    pub read_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    tenant_name: String,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = Text)]
    phase: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    read_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct MarkedRow {
    #[diesel(sql_type = Bool)]
    found: bool,
    #[diesel(sql_type = BigInt)]
    marked: i64,
}

const LIST: &str = "SELECT n.id, n.tenant_id, t.name AS tenant_name, n.run_id, n.phase, n.title, \
        n.body, n.created_at, n.read_at \
    FROM notifications n JOIN tenants t ON t.id = n.tenant_id \
    WHERE n.user_id = $1 \
        AND (n.created_at, n.id) < (coalesce($2, 'infinity'::timestamptz), \
            coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) \
        AND (NOT $4 OR n.read_at IS NULL) \
    ORDER BY n.created_at DESC, n.id DESC LIMIT $5";

const UNREAD_COUNT: &str = "SELECT count(*) AS count FROM \
    (SELECT 1 FROM notifications WHERE user_id = $1 AND read_at IS NULL LIMIT $2) AS pending";

const MARK_READ: &str = "UPDATE notifications SET read_at = coalesce(read_at, clock_timestamp()) \
    WHERE id = $1 AND user_id = $2";

const MARK_READ_UP_TO: &str = "WITH mark AS \
        (SELECT created_at, id FROM notifications WHERE id = $1 AND user_id = $2), \
    marked AS (UPDATE notifications n SET read_at = clock_timestamp() FROM mark \
        WHERE n.user_id = $2 AND n.read_at IS NULL \
            AND (n.created_at, n.id) <= (mark.created_at, mark.id) RETURNING 1) \
    SELECT EXISTS (SELECT 1 FROM mark) AS found, (SELECT count(*) FROM marked) AS marked";

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
        let (after_time, after_id) = page.after.unzip();
        let rows: Vec<Row> = prepared(
            sql_query(LIST)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<Nullable<Timestamptz>, _>(after_time)
                .bind::<Nullable<SqlUuid>, _>(after_id.map(NotificationId::into_uuid))
                .bind::<Bool, _>(unread_only)
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
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
        let row: CountRow = prepared(
            sql_query(UNREAD_COUNT)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<BigInt, _>(cap),
        )
        .get_result(&mut self.connection().await?)
        .await?;
        Ok(row.count)
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
        let rows = prepared(
            sql_query(MARK_READ)
                .bind::<SqlUuid, _>(notification.into_uuid())
                .bind::<SqlUuid, _>(user.into_uuid()),
        )
        .execute(&mut self.connection().await?)
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
        let row: Option<MarkedRow> = prepared(
            sql_query(MARK_READ_UP_TO)
                .bind::<SqlUuid, _>(notification.into_uuid())
                .bind::<SqlUuid, _>(user.into_uuid()),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()?;
        Ok(row.filter(|row| row.found).map(|row| row.marked))
    }
}
