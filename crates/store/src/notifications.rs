//! Notifications of initiators of runs, and notices to owners of tenants. Rows are written in the
//! transactions of what they report.
//! A user who left a tenant gets no new ones of it and does not see the old ones; who comes back sees
//! those that retention kept.

use std::cmp::Reverse;
use std::collections::HashMap;

use atlas_domain::ids::{NotificationId, RunId, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, exists};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::StoreError;
use crate::functions::clock_timestamp;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{
    memberships, notifications, operation_runs, tenant_notices as notices, tenants,
};
use crate::statement::{row, statement};
use crate::within::within;

/// Which notifications to list; the default lists all.
#[derive(Debug, Clone, Default)]
pub struct NotificationFilter {
    /// Only those that are not read.
    pub unread: bool,
    /// About these tenants and their runs.
    pub tenants: Vec<TenantId>,
}

impl NotificationFilter {
    /// All, or only those that are not read.
    #[must_use]
    pub const fn unread(unread: bool) -> Self {
        Self {
            unread,
            tenants: Vec::new(),
        }
    }
}

/// A notification as it is shown.
#[derive(Debug, Clone)]
pub struct NotificationView {
    pub id: NotificationId,
    pub tenant_id: TenantId,
    pub tenant_name: String,
    /// The run it is about, unless it is about the tenant.
    pub run_id: Option<RunId>,
    /// `queued` or `terminal`; of a tenant, what happened, such as `schedule_stopped`.
    pub phase: String,
    /// The run's kind. A version with more kinds may have written it.
    pub kind: Option<String>,
    /// How the run ended, when the notification is about its end.
    pub outcome: Option<String>,
    /// The code of the run's error, likewise.
    pub code: Option<String>,
    /// One line.
    pub title: String,
    /// One or two sentences.
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

/// A row of either table.
#[derive(Queryable)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    tenant_name: String,
    run_id: Option<Uuid>,
    phase: String,
    title: String,
    body: String,
    created_at: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
}

/// What a notification shows of its run: kind, outcome, and the code of the error.
type OfRun = (String, Option<String>, Option<String>);

impl Row {
    fn into_view(self, of_run: Option<OfRun>) -> NotificationView {
        let (kind, outcome, code) = match of_run {
            Some((kind, outcome, code)) => (Some(kind), outcome, code),
            None => (None, None, None),
        };
        let is_end = self.phase == TERMINAL;
        NotificationView {
            id: NotificationId::from_uuid(self.id),
            tenant_id: TenantId::from_uuid(self.tenant_id),
            tenant_name: self.tenant_name,
            run_id: self.run_id.map(RunId::from_uuid),
            kind,
            outcome: outcome.filter(|_| is_end),
            code: code.filter(|_| is_end),
            phase: self.phase,
            title: self.title,
            body: self.body,
            created_at: self.created_at,
            read_at: self.read_at,
        }
    }
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

/// Whether the user belongs to the tenant of the row.
macro_rules! of_member {
    ($table:ident, $user:expr) => {
        exists(
            memberships::table
                .filter(memberships::user_id.eq($user.into_uuid()))
                .filter(memberships::tenant_id.eq($table::tenant_id)),
        )
    };
}

/// The keys of a page of one of the tables: an index has them, and the tenant.
macro_rules! keys_of {
    ($table:ident, $user:expr, $filter:expr, $page:expr) => {{
        let key = ($table::created_at, $table::id);
        let direction = $page.reads(Direction::Descending);
        let mut keys = $table::table
            .filter($table::user_id.eq($user.into_uuid()))
            .filter(of_member!($table, $user))
            .select(key)
            .into_boxed()
            .order(ordered(key, direction))
            .limit($page.limit);
        if let Some((time, id)) = $page.key() {
            keys = keys.filter(beyond(key, (*time, id.into_uuid()), direction));
        }
        if $filter.unread {
            keys = keys.filter($table::read_at.is_null());
        }
        if !$filter.tenants.is_empty() {
            let tenants = $filter.tenants.iter().map(|id| id.into_uuid());
            keys = keys.filter($table::tenant_id.eq_any(tenants));
        }
        keys
    }};
}

/// Marks a row of one of the tables as read, unless it was.
macro_rules! mark_as_read {
    ($table:ident, $user:expr, $id:expr) => {
        diesel::update(
            $table::table
                .find($id.into_uuid())
                .filter($table::user_id.eq($user.into_uuid()))
                .filter(of_member!($table, $user)),
        )
        .set(
            $table::read_at.eq(
                case_when($table::read_at.is_null(), clock_timestamp().nullable())
                    .otherwise($table::read_at),
            ),
        )
    };
}

impl Store {
    /// The user's notifications, newest first. Their runs are read by a statement of its own: one that
    /// locked both tables would meet a migration that alters them in the other order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notifications(
        &self,
        user: UserId,
        filter: &NotificationFilter,
        page: PageRequest<(DateTime<Utc>, NotificationId)>,
    ) -> Result<Vec<NotificationView>, StoreError> {
        let of_runs = runs_page(keys_of!(notifications, user, filter, page));
        let of_tenants = notices_page(keys_of!(notices, user, filter, page));
        let mut rows: Vec<Row> = self
            .read(async |connection| {
                let mut rows: Vec<Row> = of_runs.load(connection).await?;
                rows.extend(of_tenants.load::<Row>(connection).await?);
                Ok(rows)
            })
            .await?;
        rows.sort_unstable_by_key(|row| Reverse((row.created_at, row.id)));
        // Of each table the rows beside the place, of both together those of the page.
        let rows = page.cut(rows, |row, (time, id)| {
            (*time, id.into_uuid()).cmp(&(row.created_at, row.id))
        });
        let runs = self.runs_of(&rows).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let of_run = row.run_id.and_then(|run| runs.get(&run).cloned());
                row.into_view(of_run)
            })
            .collect())
    }

    /// The runs that notifications are about.
    async fn runs_of(&self, rows: &[Row]) -> Result<HashMap<Uuid, OfRun>, StoreError> {
        let ids: Vec<Uuid> = rows.iter().filter_map(|row| row.run_id).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let of_run = (
            operation_runs::kind,
            operation_runs::outcome,
            operation_runs::error.retrieve_as_text("code"),
        );
        let runs = operation_runs::table
            .filter(operation_runs::id.eq_any(ids))
            .select((operation_runs::id, of_run));
        let runs: Vec<(Uuid, OfRun)> = self
            .read(async |connection| runs.load(connection).await)
            .await?;
        Ok(runs.into_iter().collect())
    }

    /// How many are unread, counted up to `cap`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unread_count(&self, user: UserId, cap: i64) -> Result<i64, StoreError> {
        let of_runs = notifications::table
            .filter(notifications::user_id.eq(user.into_uuid()))
            .filter(notifications::read_at.is_null())
            .filter(of_member!(notifications, user))
            .select(notifications::id)
            .limit(cap);
        let of_tenants = notices::table
            .filter(notices::user_id.eq(user.into_uuid()))
            .filter(notices::read_at.is_null())
            .filter(of_member!(notices, user))
            .select(notices::id)
            .limit(cap);
        let ids: Vec<Uuid> = self
            .read(async |connection| of_runs.union_all(of_tenants).load(connection).await)
            .await?;
        Ok(i64::try_from(ids.len()).unwrap_or(cap).min(cap))
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
        let rows = self
            .read(async |connection| {
                let of_run = mark_as_read!(notifications, user, notification);
                match of_run.execute(connection).await? {
                    0 => {
                        let of_tenant = mark_as_read!(notices, user, notification);
                        of_tenant.execute(connection).await
                    }
                    rows => Ok(rows),
                }
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

/// The phase of a notification about the end of a run.
const TERMINAL: &str = "terminal";

type NotificationKeys = notifications::BoxedQuery<'static, Pg, (Timestamptz, SqlUuid)>;
type NoticeKeys = notices::BoxedQuery<'static, Pg, (Timestamptz, SqlUuid)>;
type RowTypes = (
    SqlUuid,
    SqlUuid,
    Text,
    Nullable<SqlUuid>,
    Text,
    Text,
    Text,
    Timestamptz,
    Nullable<Timestamptz>,
);

/// The notifications about runs with these keys.
fn runs_page(
    keys: NotificationKeys,
) -> impl Query<SqlType = RowTypes> + QueryFragment<Pg> + QueryId + Send {
    notifications::table
        .inner_join(tenants::table)
        .filter(within((notifications::created_at, notifications::id), keys))
        .select((
            notifications::id,
            notifications::tenant_id,
            tenants::name,
            notifications::run_id.nullable(),
            notifications::phase,
            notifications::title,
            notifications::body,
            notifications::created_at,
            notifications::read_at,
        ))
}

/// The notices about tenants with these keys.
fn notices_page(
    keys: NoticeKeys,
) -> impl Query<SqlType = RowTypes> + QueryFragment<Pg> + QueryId + Send {
    notices::table
        .inner_join(tenants::table)
        .filter(within((notices::created_at, notices::id), keys))
        .select((
            notices::id,
            notices::tenant_id,
            tenants::name,
            None::<Uuid>.into_sql::<Nullable<SqlUuid>>(),
            notices::kind,
            notices::title,
            notices::body,
            notices::created_at,
            notices::read_at,
        ))
}

#[cfg(test)]
pub(crate) const STATEMENTS: &[crate::statement::Info] =
    &[<MarkReadUpTo as crate::statement::Statement>::INFO];
