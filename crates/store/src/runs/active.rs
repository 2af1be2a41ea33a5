//! Runs that are active or have just ended, for a screen that shows what is going on.

use std::collections::HashMap;

use atlas_domain::ids::UserId;
use atlas_domain::run::{OperationKind, Status};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::list::{RunFilter, of_filtered_tenants, of_tenants, views};
use super::view::{Keys, RunView, listed};
use crate::error::StoreError;
use crate::functions::{seconds_ago, sorted};
use crate::keyset::Direction;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::operation_runs;

/// For how long runs that have ended stay in the list of active runs, in seconds: a widget shows the
/// outcome of the runs that it followed.
const JUST_ENDED: i32 = 60;

/// From this number on, active runs are found quickly in the order of all runs.
const MANY: i64 = 200;

type Key = (DateTime<Utc>, Uuid);

/// Runs that are active or have just ended.
#[derive(Debug, Clone)]
pub struct ActiveRuns {
    /// The reader's own first, and each newest first.
    pub runs: Vec<RunView<OperationKind>>,
    /// Whether there are more than that.
    pub more: bool,
}

impl Store {
    /// Runs that are active, and those that ended within the last minute: of the filter, tenants, kinds
    /// and initiator count.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active_runs(
        &self,
        user: UserId,
        filter: &RunFilter,
        limit: u16,
    ) -> Result<ActiveRuns, StoreError> {
        let own = RunFilter {
            initiator: Some(user),
            ..filter.clone()
        };
        let most = usize::from(limit);
        let (rows, roles, order, more) = self
            .read(async |connection| {
                let roles = filter.visible_tenants(connection, user).await?;
                let tenants: Vec<Uuid> = roles.keys().copied().collect();
                let mut keys = Vec::new();
                if filter.initiator.is_none() {
                    keys = newest(connection, &own, &tenants, limit).await?;
                }
                if keys.len() <= most {
                    let all = newest(connection, filter, &tenants, limit).await?;
                    let others: Vec<Key> =
                        all.into_iter().filter(|key| !keys.contains(key)).collect();
                    keys.extend(others);
                }
                let more = keys.len() > most;
                keys.truncate(most);
                let order: HashMap<Uuid, usize> = keys
                    .iter()
                    .enumerate()
                    .map(|(at, (_, id))| (*id, at))
                    .collect();
                let rows = listed(connection, keys, Direction::Descending).await?;
                Ok((rows, roles, order, more))
            })
            .await?;
        let mut runs = views(rows, &roles)?;
        runs.sort_by_key(|view| order.get(&view.run.id.into_uuid()).copied());
        Ok(ActiveRuns { runs, more })
    }
}

/// The newest keys, one more than are shown.
async fn newest(
    connection: &mut AsyncPgConnection,
    filter: &RunFilter,
    tenants: &[Uuid],
    limit: u16,
) -> QueryResult<Vec<Key>> {
    let page = PageRequest::first(i64::from(limit) + 1);
    let keys = || filter.keys(&page);
    // Few of many active runs are one user's: they are not looked for among all runs of that user.
    let are_many = filter.initiator.is_none() && many_are_active(connection).await?;
    let active = active(of_filtered_tenants(keys(), tenants), are_many);
    let recently = seconds_ago(JUST_ENDED);
    let ended = of_tenants(keys(), tenants)
        .filter(operation_runs::status.eq(Status::Completed.as_str()))
        .filter(operation_runs::completed_at.gt(recently.nullable()));
    let mut found: Vec<Key> = active.union_all(ended).load(connection).await?;
    found.sort_unstable_by(|one, other| other.cmp(one));
    found.truncate(usize::from(limit) + 1);
    Ok(found)
}

const ACTIVE: [&str; 2] = [Status::Queued.as_str(), Status::Running.as_str()];

/// The keys that are of active runs. Many are soon found in the order of all runs. Few are found by
/// the index of active runs and sorted: the planner may believe that they still are as many as when
/// statistics were collected, and would look for them among all runs.
fn active(keys: Keys, are_many: bool) -> Keys {
    let active = keys.filter(operation_runs::status.eq_any(ACTIVE));
    if are_many {
        active
    } else {
        let time = sorted(operation_runs::created_at);
        active.order((time.desc(), operation_runs::id.desc()))
    }
}

/// Counted in the order of the index of active runs, so that no other one is read.
async fn many_are_active(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let some: Vec<Uuid> = some_active().load(connection).await?;
    Ok(i64::try_from(some.len()).is_ok_and(|count| count >= MANY))
}

fn some_active() -> operation_runs::BoxedQuery<'static, Pg, SqlUuid> {
    operation_runs::table
        .filter(operation_runs::status.eq_any(ACTIVE))
        .order((
            operation_runs::tenant_id,
            operation_runs::kind,
            operation_runs::identity,
        ))
        .select(operation_runs::tenant_id)
        .limit(MANY)
        .into_boxed()
}

#[cfg(test)]
mod tests {
    use atlas_test_support::TestDatabase;

    use super::super::list::tests::SEED;
    use super::*;
    use crate::explain::{connect, pages, plan};

    #[tokio::test]
    async fn active_runs_are_found_by_their_index_when_statistics_know_of_many_and_none_is_left() {
        let database = TestDatabase::create().await;
        let client = database.connection().await;
        client.batch_execute(SEED).await.unwrap();
        for sql in [
            "ALTER TABLE operation_runs SET (autovacuum_enabled = off)",
            "UPDATE operation_runs SET status = 'queued', outcome = NULL, completed_at = NULL
            WHERE created_at > now() - interval '2000 minutes'",
            "ANALYZE operation_runs",
            "UPDATE operation_runs SET status = 'completed', outcome = 'succeeded',
                completed_at = now() - interval '1 hour' WHERE status = 'queued'",
            // Entries of rows before an update are no part of what is shown.
            "VACUUM operation_runs",
        ] {
            client.batch_execute(sql).await.unwrap();
        }
        let every = client.query("SELECT id FROM tenants", &[]).await.unwrap();
        let every: Vec<Uuid> = every.into_iter().map(|row| row.get(0)).collect();
        let connection = &mut connect(&database).await;
        let first = PageRequest::first(20);
        let keys = || of_tenants(RunFilter::default().keys(&first), &every);
        let among_all = plan(connection, active(keys(), true)).await;
        assert!(pages(&among_all) > 100, "{among_all}");
        assert!(!many_are_active(connection).await.unwrap());
        let few = plan(connection, active(keys(), false)).await;
        assert!(pages(&few) < 60, "{few}");
        let counted = plan(connection, some_active()).await;
        assert!(counted.contains("operation_runs_one_active"), "{counted}");
        assert!(pages(&counted) < 60, "{counted}");
    }

    #[tokio::test]
    async fn a_users_active_runs_are_found_by_the_index_of_active_runs() {
        let database = TestDatabase::create().await;
        let client = database.connection().await;
        client.batch_execute(SEED).await.unwrap();
        client
            .batch_execute("VACUUM ANALYZE operation_runs")
            .await
            .unwrap();
        let every = client.query("SELECT id FROM tenants", &[]).await.unwrap();
        let every: Vec<Uuid> = every.into_iter().map(|row| row.get(0)).collect();
        let user = client
            .query_one("SELECT md5('user 0')::uuid", &[])
            .await
            .unwrap();
        let own = RunFilter {
            initiator: Some(UserId::from_uuid(user.get(0))),
            ..RunFilter::default()
        };
        let connection = &mut connect(&database).await;
        let page = PageRequest::first(21);
        let found = plan(
            connection,
            active(of_tenants(own.keys(&page), &every), false),
        )
        .await;
        assert!(pages(&found) < 60, "{found}");
    }
}
