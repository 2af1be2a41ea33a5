//! The store against a real PostgreSQL: each test has a database of its own.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod actors;
mod admission;
mod admission_together;
mod as_of;
mod both_ways;
mod cancellation;
mod changes;
mod credentials;
mod events;
mod fold_guids;
mod inventory;
mod item_search;
mod lifecycle;
mod links;
mod machine;
mod notifications;
mod operations;
mod page_lists;
mod people;
mod reads;
mod refused;
mod run_lists;
mod scale;
mod schedules;
mod schema;
mod settings;
mod streams;
mod tenants;
mod versions;
mod webhooks;

use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::ids::WorkerId;
use atlas_domain::run::lease::LeaseTerms;
use atlas_store::Store;
use atlas_test_support::{Member, Scenario, TestDatabase, TestTenant, eventually};

/// A tenant with an operator in a database of its own.
struct Stage {
    database: TestDatabase,
    store: Store,
    scenario: Scenario,
    tenant: TestTenant,
    operator: Member,
}

impl Stage {
    async fn set() -> Self {
        let database = TestDatabase::create().await;
        let store = database.store();
        let scenario = Scenario::new(&store);
        let tenant = scenario.tenant("Contoso").await;
        let operator = scenario.member(tenant.id, Role::Operator).await;
        Self {
            database,
            store,
            scenario,
            tenant,
            operator,
        }
    }

    async fn count(&self, sql: &str) -> i64 {
        self.database
            .connection()
            .await
            .query_one(sql, &[])
            .await
            .unwrap()
            .get(0)
    }

    async fn execute(&self, sql: &str) {
        self.database
            .connection()
            .await
            .batch_execute(sql)
            .await
            .unwrap();
    }

    /// Waits until another session of this test's database waits for a lock.
    async fn somebody_waits(&self) {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("somebody to wait for a lock", || async {
            (self.count(waiting).await > 0).then_some(())
        })
        .await;
    }
}

fn terms(worker: &str) -> LeaseTerms {
    LeaseTerms {
        worker_id: WorkerId::from_name(worker.to_owned()),
        duration: Duration::from_secs(45),
    }
}
