//! How many runs a list has, by status and outcome.
//!
//! Runs are counted in the indexes of lists alone, newest first and up to a number, so that what this
//! costs does not grow with the lists. Those of a few tenants are read from one index in turn, each as
//! far as it is among the newest of all: a list for each of the tenants, as pages are read, would be
//! counted to its end once for every tenant.

use atlas_domain::ids::UserId;
use atlas_domain::run::{Outcome, Status};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::list::{FEW, RunFilter, are_few, of_tenants};
use super::row::parse_outcome;
use super::view::Runs;
use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::operation_runs;

/// Numbers of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountedRuns {
    groups: Vec<(Status, Option<Outcome>, i64)>,
}

impl CountedRuns {
    /// Of all that were counted.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.groups.iter().map(|(_, _, runs)| runs).sum()
    }

    /// How many of the runs that were counted have this status.
    #[must_use]
    pub fn with_status(&self, status: Status) -> i64 {
        let groups = self.groups.iter().filter(|(known, _, _)| *known == status);
        groups.map(|(_, _, runs)| runs).sum()
    }

    /// How many of them ended in this way.
    #[must_use]
    pub fn with_outcome(&self, outcome: Outcome) -> i64 {
        let groups = self.groups.iter();
        let groups = groups.filter(|(_, known, _)| *known == Some(outcome));
        groups.map(|(_, _, runs)| runs).sum()
    }

    fn parse(rows: Vec<Group>) -> Result<Self, StoreError> {
        let groups = rows.into_iter().map(|(status, outcome, runs)| {
            let status = status
                .parse()
                .map_err(|error| StoreError::corrupt("run", error))?;
            let outcome = outcome.map(|word| parse_outcome(Some(&word))).transpose()?;
            Ok((status, outcome, runs))
        });
        Ok(Self {
            groups: groups.collect::<Result<_, StoreError>>()?,
        })
    }
}

impl Store {
    /// How many runs there are of those that [`Store::runs`] lists: of the newest `cap` of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_runs(
        &self,
        user: UserId,
        filter: &RunFilter,
        cap: i64,
    ) -> Result<CountedRuns, StoreError> {
        let rows = self
            .read(async |connection| filter.count(connection, user, cap).await)
            .await?;
        CountedRuns::parse(rows)
    }
}

/// A status, an outcome, and how many runs have both.
type Group = (String, Option<String>, i64);

/// What is read of each run: its key, its status and its outcome.
type Counted = Runs<(Timestamptz, SqlUuid, Text, Nullable<Text>)>;

impl RunFilter {
    async fn count(
        &self,
        connection: &mut AsyncPgConnection,
        user: UserId,
        cap: i64,
    ) -> QueryResult<Vec<Group>> {
        let roles = self.visible_tenants(connection, user).await?;
        let tenants: Vec<Uuid> = roles.keys().copied().collect();
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let apart = !self.is_narrow()
            && i64::try_from(tenants.len()).is_ok_and(|count| count <= FEW)
            && are_few(connection, &tenants).await?;
        let lists = if apart {
            tenants.chunks(1)
        } else {
            tenants.chunks(tenants.len())
        };
        let lists = lists.map(|some| of_tenants(self.counted(), some)).collect();
        Tally { lists, cap }.load(connection).await
    }

    fn counted(&self) -> Counted {
        let (time, id) = (operation_runs::created_at, operation_runs::id);
        let (status, outcome) = (operation_runs::status, operation_runs::outcome);
        if self.outcome.is_empty() {
            return self.matching().select((time, id, status, outcome));
        }
        // What has an outcome is completed. The index of runs that went wrong does not hold it.
        let completed = Status::Completed.as_str().into_sql::<Text>();
        self.matching().select((time, id, completed, outcome))
    }
}

/// The newest rows of all lists, by status and outcome. diesel's builder lacks queries in the place of
/// a table. Several lists are each ordered and have no limit, so that PostgreSQL merges their indexes and
/// reads of each no more than is among the newest.
struct Tally {
    lists: Vec<Counted>,
    cap: i64,
}

impl Query for Tally {
    type SqlType = (Text, Nullable<Text>, BigInt);
}

impl QueryId for Tally {
    type QueryId = ();
    /// The lists are boxed queries.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Tally {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT status, outcome, count(*) FROM (SELECT status, outcome FROM (");
        for (place, list) in self.lists.iter().enumerate() {
            if place > 0 {
                out.push_sql(" UNION ALL ");
            }
            out.push_sql("(");
            QueryFragment::<Pg>::walk_ast(list, out.reborrow())?;
            // One list alone is ordered as the whole is.
            if self.lists.len() > 1 {
                out.push_sql(" ORDER BY created_at DESC, id DESC");
            }
            out.push_sql(")");
        }
        out.push_sql(
            ") list(created_at, id, status, outcome) ORDER BY created_at DESC, id DESC LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.cap)?;
        out.push_sql(") newest GROUP BY status, outcome");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::run::OperationKind;
    use atlas_test_support::TestDatabase;

    use super::super::list::tests::SEED;
    use super::*;
    use crate::explain::{connect, pages, plan};

    #[tokio::test]
    async fn runs_are_counted_in_an_index_alone_and_only_up_to_the_cap() {
        let database = TestDatabase::create().await;
        let client = database.connection().await;
        client.batch_execute(SEED).await.unwrap();
        let vacuum = "VACUUM ANALYZE operation_runs";
        client.batch_execute(vacuum).await.unwrap();
        let rows = client.query("SELECT id FROM tenants", &[]).await.unwrap();
        let every: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        let user = client.query_one("SELECT md5('user 1')::uuid", &[]).await;
        let user = UserId::from_uuid(user.unwrap().get(0));
        let connection = &mut connect(&database).await;
        let none = RunFilter::default;
        let of = |filter: RunFilter, tenants: &[Uuid], size: usize| Tally {
            lists: tenants
                .chunks(size)
                .map(|some| of_tenants(filter.counted(), some))
                .collect(),
            cap: 1_000,
        };
        let failed = RunFilter {
            outcome: vec![Outcome::Failed],
            ..none()
        };
        let groups = RunFilter {
            kind: vec![OperationKind::DirectoryGroupsSync],
            ..none()
        };
        let started = RunFilter {
            initiator: Some(user),
            ..none()
        };
        // Twenty entries of an index and more are on a page: a thousand touch fifty.
        for (tally, index, most) in [
            (of(none(), &every, 20), "operation_runs_by_time", 50),
            (of(groups, &every, 20), "operation_runs_by_time", 150),
            (of(failed, &every, 20), "operation_runs_not_succeeded", 50),
            (of(started, &every, 20), "operation_runs_by_initiator", 50),
            (of(none(), &every[..1], 1), "operation_runs_by_tenant", 50),
            (of(none(), &every[..4], 1), "operation_runs_by_tenant", 60),
        ] {
            let plan = plan(connection, tally).await;
            assert!(
                plan.contains(&format!("Index Only Scan Backward using {index}")),
                "{plan}"
            );
            assert!(pages(&plan) < most, "{plan}");
        }
    }
}
