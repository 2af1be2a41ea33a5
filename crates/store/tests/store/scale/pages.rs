//! Where the hundredth page of each long list begins.

use atlas_domain::ids::{AuditEventId, ChangeId, ItemId, NotificationId, RunId, TenantId, UserId};
use atlas_store::{
    AuditFilter, ChangeFilter, ItemFilter, NotificationFilter, PageRequest, RunFilter, Store,
};
use chrono::{DateTime, Utc};

use super::PAGE;

/// Rows of the pages before it.
const BEFORE: i64 = 99 * PAGE;

/// Keys of the rows before the hundredth pages; of rows half-way in lists that have no such page.
pub(super) struct Hundredth {
    pub(super) runs: (DateTime<Utc>, RunId),
    pub(super) items: (String, ItemId),
    pub(super) changes: (DateTime<Utc>, ChangeId),
    pub(super) notifications: (DateTime<Utc>, NotificationId),
    pub(super) audit: (DateTime<Utc>, AuditEventId),
}

impl Hundredth {
    pub(super) async fn find(store: &Store, user: UserId, tenant: TenantId) -> Self {
        let runs = store.runs(user, &RunFilter::default(), before()).await;
        let items = store.items(tenant, &ItemFilter::default(), before()).await;
        let all = ChangeFilter::default();
        let changes = store.changes(tenant, &all, before()).await;
        let notifications = store
            .notifications(user, &NotificationFilter::unread(false), before())
            .await;
        let all = AuditFilter::default();
        let audit = store.audit_events(tenant, &all, before()).await;
        Self {
            runs: last(runs.unwrap(), |row| (row.run.created_at, row.run.id)),
            items: last(items.unwrap(), |row| (row.name.clone(), row.id)),
            changes: last(changes.unwrap(), |row| (row.occurred_at, row.id)),
            notifications: last(notifications.unwrap(), |row| (row.created_at, row.id)),
            audit: last(audit.unwrap(), |row| (row.occurred_at, row.id)),
        }
    }
}

const fn before<K>() -> PageRequest<K> {
    PageRequest::first(BEFORE)
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "rows are read for nothing else"
)]
fn last<R, K>(rows: Vec<R>, key: impl Fn(&R) -> K) -> K {
    let whole = i64::try_from(rows.len()).unwrap() == BEFORE;
    let at = if whole {
        rows.len() - 1
    } else {
        rows.len() / 2
    };
    key(&rows[at])
}

/// How many runs there are, page by page.
pub(super) async fn all_runs(store: &Store, user: UserId) -> usize {
    let (mut after, mut count) = (None, 0);
    loop {
        let page = PageRequest::after(500, after);
        let rows = store.runs(user, &RunFilter::default(), page).await.unwrap();
        let Some(last) = rows.last() else {
            return count;
        };
        count += rows.len();
        after = Some((last.run.created_at, last.run.id));
    }
}
