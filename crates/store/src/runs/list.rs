//! Lists of runs: only those of tenants that the user belongs to.
//!
//! A page is found in an index that holds all that lists filter by, and its wide rows are read
//! afterwards. Which index that is, the planner decides, which sees the values: that of one tenant,
//! that of one initiator, that of runs that went wrong, or that of all runs by time. What it cannot
//! do, and would cost most, is to read the indexes of a few tenants side by side: see
//! [`RunFilter::is_narrow`] and [`are_few`].

use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::run::{OperationKind, Outcome, Status};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::seen::{BoxedKeys, KEY, Keys, SeenRow, SeenRun, seen};
use crate::error::StoreError;
use crate::first_of_each::{by_one, first_of_each, value};
use crate::functions::seconds_ago;
use crate::keyset::before;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{memberships, operation_runs, tenants};

/// Which runs to list; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of these tenants.
    pub tenant: Vec<TenantId>,
    /// Of these kinds.
    pub kind: Vec<OperationKind>,
    /// With these statuses.
    pub status: Vec<Status>,
    /// With these outcomes.
    pub outcome: Vec<Outcome>,
    /// Asked for by this user.
    pub initiator: Option<UserId>,
    /// Recorded later than this.
    pub created_after: Option<DateTime<Utc>>,
    /// Recorded earlier than this.
    pub created_before: Option<DateTime<Utc>>,
    /// These runs.
    pub ids: Vec<RunId>,
}

/// Where a page begins: after the run with this key.
type Page = PageRequest<(DateTime<Utc>, RunId)>;

/// For how long runs that have ended stay in the list of active runs, in seconds: a widget shows the
/// end of what it watched.
const JUST_ENDED: i32 = 60;

impl Store {
    /// Runs, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs(
        &self,
        user: UserId,
        filter: &RunFilter,
        page: Page,
    ) -> Result<Vec<SeenRun<OperationKind>>, StoreError> {
        let rows = self
            .read(async |connection| {
                let tenants = filter.visible_tenants(connection, user).await?;
                let keys: Keys = if filter.is_narrow() || !are_few(connection, &tenants).await? {
                    Box::new(of_tenants(filter.keys(&page), &tenants))
                } else {
                    let list = operation_runs::tenant_id.eq(value::<SqlUuid>());
                    let list = filter.keys(&page).filter(list);
                    let tenants = by_one::<SqlUuid, _>(tenants);
                    Box::new(first_of_each(KEY, tenants, list, page.limit))
                };
                seen(connection, user, keys, page.limit, false).await
            })
            .await?;
        listed(rows)
    }

    /// Active runs and those that ended within the last minute, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active_runs(
        &self,
        user: UserId,
        limit: i64,
    ) -> Result<Vec<SeenRun<OperationKind>>, StoreError> {
        let every = RunFilter::default();
        let first = PageRequest::first(limit);
        let rows = self
            .read(async |connection| {
                let tenants = every.visible_tenants(connection, user).await?;
                let keys = || of_tenants(every.keys(&first), &tenants);
                let active = [Status::Queued, Status::Running].map(Status::as_str);
                let active = keys().filter(operation_runs::status.eq_any(active));
                let recently = seconds_ago(JUST_ENDED);
                let ended = keys()
                    .filter(operation_runs::status.eq(Status::Completed.as_str()))
                    .filter(operation_runs::completed_at.gt(recently.nullable()));
                let keys = active.union_all(ended);
                seen(connection, user, Box::new(keys), limit, false).await
            })
            .await?;
        listed(rows)
    }
}

/// The keys that are of one of the tenants.
fn of_tenants(keys: BoxedKeys, tenants: &[Uuid]) -> BoxedKeys {
    match *tenants {
        [tenant] => keys.filter(operation_runs::tenant_id.eq(tenant)),
        _ => keys.filter(operation_runs::tenant_id.eq_any(tenants.to_vec())),
    }
}

/// Whether the tenants are several, but so few that reading as many rows of each as fill a page is
/// cheaper than to look for their rows among those of all tenants. With `n` of `all` tenants of one
/// size that is `n` pages against `all / n`.
async fn are_few(connection: &mut AsyncPgConnection, tenants: &[Uuid]) -> QueryResult<bool> {
    if tenants.len() < 2 {
        return Ok(false);
    }
    let all: i64 = tenants::table.count().get_result(connection).await?;
    let few = i64::try_from(tenants.len()).is_ok_and(|few| few.saturating_mul(few) <= all);
    Ok(few)
}

fn listed(rows: Vec<SeenRow>) -> Result<Vec<SeenRun<OperationKind>>, StoreError> {
    rows.into_iter().map(SeenRun::from_listed).collect()
}

impl RunFilter {
    /// The tenants that the list is of.
    async fn visible_tenants(
        &self,
        connection: &mut AsyncPgConnection,
        user: UserId,
    ) -> QueryResult<Vec<Uuid>> {
        let mut query = memberships::table
            .filter(memberships::user_id.eq(user.into_uuid()))
            .select(memberships::tenant_id)
            .into_boxed();
        if !self.tenant.is_empty() {
            let asked = self.tenant.iter().map(|id| id.into_uuid());
            query = query.filter(memberships::tenant_id.eq_any(asked));
        }
        query.load(connection).await
    }

    /// Whether few runs of all tenants are asked for, or those that an index of their own holds: in
    /// each tenant one would look for them through all of its runs.
    fn is_narrow(&self) -> bool {
        let leaves_out_most = (!self.status.is_empty()
            && !self.status.contains(&Status::Completed))
            || (!self.outcome.is_empty() && !self.outcome.contains(&Outcome::Succeeded));
        leaves_out_most || !self.ids.is_empty() || self.initiator.is_some()
    }

    /// The keys of the page, of any tenant.
    fn keys(&self, page: &Page) -> BoxedKeys {
        let mut keys = operation_runs::table
            .select(KEY)
            .order((operation_runs::created_at.desc(), operation_runs::id.desc()))
            .limit(page.limit)
            .into_boxed();
        if let Some((time, id)) = page.after {
            keys = keys.filter(before(KEY, (time, id.into_uuid())));
        }
        if !self.kind.is_empty() {
            let kinds = self.kind.iter().map(|kind| kind.as_str());
            keys = keys.filter(operation_runs::kind.eq_any(kinds));
        }
        if !self.status.is_empty() {
            let statuses = self.status.iter().map(|status| status.as_str());
            keys = keys.filter(operation_runs::status.eq_any(statuses));
        }
        if !self.outcome.is_empty() {
            let outcomes = self.outcome.iter().map(|outcome| outcome.as_str());
            keys = keys.filter(operation_runs::outcome.eq_any(outcomes));
        }
        if let Some(user) = self.initiator {
            keys = keys.filter(operation_runs::initiator_id.eq(user.into_uuid()));
        }
        if let Some(time) = self.created_after {
            keys = keys.filter(operation_runs::created_at.gt(time));
        }
        if let Some(time) = self.created_before {
            keys = keys.filter(operation_runs::created_at.lt(time));
        }
        if !self.ids.is_empty() {
            let ids = self.ids.iter().map(|id| id.into_uuid());
            keys = keys.filter(operation_runs::id.eq_any(ids));
        }
        keys
    }
}
