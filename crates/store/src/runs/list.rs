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
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::RunRow;
use super::view::{KEY, Keys, Roles, RunView, Runs, listed};
use crate::error::StoreError;
use crate::first_of_each::{by_one, first_of_each, value};
use crate::functions::coalesce;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{memberships, operation_runs, tenants};

/// Which runs to list; the default lists all.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub tenant: Vec<TenantId>,
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
    pub ids: Vec<RunId>,
    /// Oldest first.
    pub ascending: bool,
}

/// Which page: beside the run with this key.
type Page = PageRequest<(DateTime<Utc>, RunId)>;

/// Up to this number, tenants are few, unless they are all: a page of each costs less than walking
/// over the runs of all other tenants when these had no runs for months.
pub(super) const FEW: i64 = 50;

impl Store {
    /// Runs, newest first unless the filter says otherwise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs(
        &self,
        user: UserId,
        filter: &RunFilter,
        page: Page,
    ) -> Result<Vec<RunView<OperationKind>>, StoreError> {
        let (rows, roles) = self
            .read(async |connection| filter.page(connection, user, &page).await)
            .await?;
        views(rows, &roles)
    }
}

/// The runs, or their keys, that are of one of the tenants.
pub(super) fn of_tenants<S>(keys: Runs<S>, tenants: &[Uuid]) -> Runs<S> {
    match *tenants {
        [tenant] => keys.filter(operation_runs::tenant_id.eq(tenant)),
        _ => keys.filter(operation_runs::tenant_id.eq_any(tenants.to_vec())),
    }
}

/// The keys that are of one of the tenants. Many tenants are no condition of an index: to look for the
/// few active runs in each of them costs more than to read all.
pub(super) fn of_filtered_tenants(keys: Keys, tenants: &[Uuid]) -> Keys {
    if i64::try_from(tenants.len()).is_ok_and(|count| count <= FEW) {
        return of_tenants(keys, tenants);
    }
    let tenant = coalesce(operation_runs::tenant_id, operation_runs::tenant_id);
    keys.filter(tenant.eq_any(tenants.to_vec()))
}

/// The first of the keys that are of each of the tenants.
fn of_each(
    keys: Keys,
    tenants: Vec<Uuid>,
    direction: Direction,
    limit: i64,
) -> impl Query<SqlType = (Timestamptz, SqlUuid)> + QueryFragment<Pg> + QueryId + Send {
    let list = keys.filter(operation_runs::tenant_id.eq(value::<SqlUuid>()));
    first_of_each(KEY, direction, by_one::<SqlUuid, _>(tenants), list, limit)
}

/// Whether the tenants are several, but so few that reading as many rows of each as fill a page is
/// cheaper than to look for their rows among those of all tenants. With `n` of `all` tenants of one
/// size that is `n` pages against `all / n`.
pub(super) async fn are_few(
    connection: &mut AsyncPgConnection,
    tenants: &[Uuid],
) -> QueryResult<bool> {
    if tenants.len() < 2 {
        return Ok(false);
    }
    let all: i64 = tenants::table.count().get_result(connection).await?;
    let few = i64::try_from(tenants.len()).unwrap_or(i64::MAX);
    Ok(few < all && (few <= FEW || few.saturating_mul(few) <= all))
}

pub(super) fn views(
    rows: Vec<RunRow>,
    roles: &Roles,
) -> Result<Vec<RunView<OperationKind>>, StoreError> {
    rows.into_iter()
        .filter_map(|row| RunView::from_listed(row, roles).transpose())
        .collect()
}

impl RunFilter {
    /// The rows of the page, and the reader's roles.
    pub(crate) async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        user: UserId,
        page: &Page,
    ) -> QueryResult<(Vec<RunRow>, Roles)> {
        let roles = self.visible_tenants(connection, user).await?;
        let tenants: Vec<Uuid> = roles.keys().copied().collect();
        let keys = if self.is_narrow() || !are_few(connection, &tenants).await? {
            let keys = of_tenants(self.keys(page), &tenants);
            keys.load(connection).await?
        } else {
            let keys = of_each(
                self.keys(page),
                tenants,
                page.reads(self.direction()),
                page.limit,
            );
            keys.load(connection).await?
        };
        Ok((listed(connection, keys, self.direction()).await?, roles))
    }

    const fn direction(&self) -> Direction {
        Direction::ascending(self.ascending)
    }

    /// The tenants that the list is of, with what the reader is in each.
    pub(super) async fn visible_tenants(
        &self,
        connection: &mut AsyncPgConnection,
        user: UserId,
    ) -> QueryResult<Roles> {
        let mut query = memberships::table
            .filter(memberships::user_id.eq(user.into_uuid()))
            .select((memberships::tenant_id, memberships::role))
            .into_boxed();
        if !self.tenant.is_empty() {
            let asked = self.tenant.iter().map(|id| id.into_uuid());
            query = query.filter(memberships::tenant_id.eq_any(asked));
        }
        let roles: Vec<(Uuid, String)> = query.load(connection).await?;
        Ok(roles.into_iter().collect())
    }

    /// Whether few runs of all tenants are asked for, or those that an index of their own holds: in
    /// each tenant one would look for them through all of its runs.
    pub(super) fn is_narrow(&self) -> bool {
        let leaves_out_most = (!self.status.is_empty()
            && !self.status.contains(&Status::Completed))
            || (!self.outcome.is_empty() && !self.outcome.contains(&Outcome::Succeeded));
        leaves_out_most || !self.ids.is_empty() || self.initiator.is_some()
    }

    /// The keys of the page, of any tenant.
    pub(super) fn keys(&self, page: &Page) -> Keys {
        let direction = page.reads(self.direction());
        let mut keys = self
            .matching()
            .select(KEY)
            .order(ordered(KEY, direction))
            .limit(page.limit);
        if let Some((time, id)) = page.key() {
            keys = keys.filter(beyond(KEY, (*time, id.into_uuid()), direction));
        }
        keys
    }

    /// The runs that are asked for, of any tenant.
    pub(super) fn matching(&self) -> Runs {
        // Runs of kinds that this version does not know are left out.
        let kinds = match &self.kind[..] {
            [] => OperationKind::WORDS.to_vec(),
            some => some.iter().map(|kind| kind.as_str()).collect(),
        };
        let mut runs = operation_runs::table
            .filter(operation_runs::kind.eq_any(kinds))
            .into_boxed();
        if !self.status.is_empty() {
            let statuses = self.status.iter().map(|status| status.as_str());
            runs = runs.filter(operation_runs::status.eq_any(statuses));
        }
        if !self.outcome.is_empty() {
            let outcomes = self.outcome.iter().map(|outcome| outcome.as_str());
            runs = runs.filter(operation_runs::outcome.eq_any(outcomes));
        }
        if let Some(user) = self.initiator {
            runs = runs.filter(operation_runs::initiator_id.eq(user.into_uuid()));
        }
        if let Some(time) = self.created_after {
            runs = runs.filter(operation_runs::created_at.gt(time));
        }
        if let Some(time) = self.created_before {
            runs = runs.filter(operation_runs::created_at.lt(time));
        }
        if !self.ids.is_empty() {
            let ids = self.ids.iter().map(|id| id.into_uuid());
            runs = runs.filter(operation_runs::id.eq_any(ids));
        }
        runs
    }
}

#[cfg(test)]
pub(super) mod tests {
    use atlas_domain::run::{OperationKind, Outcome, Status};
    use atlas_test_support::TestDatabase;

    use super::*;
    use crate::explain::{connect, pages, plan};

    /// Forty thousand runs of twenty tenants and two users.
    pub(crate) const SEED: &str = "
        INSERT INTO users (id, email, display_name)
        SELECT md5('user ' || n)::uuid, n::text, n::text FROM generate_series(0, 1) n;
        INSERT INTO tenants (id, name, directory_id)
        SELECT md5('tenant ' || n)::uuid, n::text, md5(n::text)::uuid FROM generate_series(0, 19) n;
        INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, status, outcome, inputs,
            initiator_id, completed_at, created_at)
        SELECT md5('run ' || n)::uuid, md5('tenant ' || n % 20)::uuid,
            CASE WHEN n % 5 = 0 THEN 'directory_groups_sync' ELSE 'inventory_sync' END, n::text, 'x',
            CASE WHEN n > 39980 THEN 'queued' ELSE 'completed' END,
            CASE WHEN n <= 39980 THEN CASE WHEN n % 50 = 7 THEN 'failed' ELSE 'succeeded' END END, '{}',
            md5('user ' || (n % 1000 / 998))::uuid, CASE WHEN n <= 39980 THEN clock_timestamp() END,
            clock_timestamp() - (40000 - n) * interval '1 minute'
        FROM generate_series(1, 40000) n";

    #[tokio::test]
    async fn every_list_finds_its_page_in_an_index_and_touches_few_pages() {
        let database = TestDatabase::create().await;
        let client = database.connection().await;
        client.batch_execute(SEED).await.unwrap();
        client
            .batch_execute("VACUUM ANALYZE operation_runs")
            .await
            .unwrap();
        let id = |row: tokio_postgres::Row| row.get::<_, Uuid>(0);
        let every = client.query("SELECT id FROM tenants", &[]).await.unwrap();
        let every: Vec<Uuid> = every.into_iter().map(id).collect();
        let user = client
            .query_one("SELECT md5('user 1')::uuid", &[])
            .await
            .unwrap();
        let user = UserId::from_uuid(id(user));
        let connection = &mut connect(&database).await;
        let page = PageRequest::first(51);
        let none = RunFilter::default;
        for (filter, index) in [
            (none(), "operation_runs_by_time"),
            (
                RunFilter {
                    kind: vec![OperationKind::DirectoryGroupsSync],
                    ..none()
                },
                "operation_runs_by_time",
            ),
            (
                RunFilter {
                    outcome: vec![Outcome::Failed],
                    ..none()
                },
                "operation_runs_not_succeeded",
            ),
            (
                RunFilter {
                    initiator: Some(user),
                    ..none()
                },
                "operation_runs_by_initiator",
            ),
            (
                RunFilter {
                    status: vec![Status::Queued],
                    ..none()
                },
                "operation_runs_",
            ),
        ] {
            let plan = plan(connection, of_tenants(filter.keys(&page), &every)).await;
            assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{plan}");
            assert!(pages(&plan) < 100, "{plan}");
        }
        let one = plan(connection, of_tenants(none().keys(&page), &every[..1])).await;
        assert!(
            one.contains("operation_runs_by_tenant") && pages(&one) < 20,
            "{one}"
        );
        let few = plan(
            connection,
            of_each(
                none().keys(&page),
                every[..4].to_vec(),
                Direction::Descending,
                51,
            ),
        )
        .await;
        assert!(
            few.contains("operation_runs_by_tenant") && pages(&few) < 50,
            "{few}"
        );
        assert!(are_few(connection, &every[..4]).await.unwrap());
        assert!(are_few(connection, &every[..19]).await.unwrap());
        assert!(!are_few(connection, &every).await.unwrap());
    }
}
