//! A database of a German server with a tenant in it, and sessions that stand in the store's way.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{NotificationId, WorkerId};
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{Claim, Lease};
use atlas_store::{
    Heartbeat, NotificationFilter, PageRequest, Pooling, Store, StoreError, StoreOptions,
};
use atlas_test_support::{Member, Scenario, TestDatabase, TestTenant, eventually};
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::servers::PostgresServer;

/// Two selections, so that two runs of a tenant may be queued.
pub(super) const SELECTIONS: [&str; 2] = [
    r#"{"policy_types":["mobileApp"]}"#,
    r#"{"policy_types":["policySet"]}"#,
];
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// A database of a German server, with a tenant and an operator in it.
pub(super) struct Stage {
    // Dropped before its server.
    pub(super) database: TestDatabase,
    pub(super) server: PostgresServer,
    pub(super) store: Store,
    scenario: Scenario,
    pub(super) tenant: TestTenant,
    pub(super) operator: Member,
}

impl Stage {
    /// A fresh one.
    pub(super) async fn set() -> Self {
        // Long enough for a test to make the second half of a deadlock, and shorter than the limit of
        // a wait for a lock.
        let server = PostgresServer::start_german(&["deadlock_timeout=3s"]).await;
        let database = TestDatabase::create_at(server.url()).await;
        let store = database.store();
        let scenario = Scenario::new(&store);
        let tenant = scenario.tenant("Contoso").await;
        let operator = scenario.member(tenant.id, Role::Operator).await;
        Self {
            database,
            server,
            store,
            scenario,
            tenant,
            operator,
        }
    }

    /// Runs SQL past the store.
    pub(super) async fn execute(&self, sql: &str) {
        let connection = self.database.connection().await;
        connection.batch_execute(sql).await.unwrap();
    }

    /// Starts a sync.
    pub(super) async fn queue(&self, selection: &str) {
        let (tenant, user) = (self.tenant.id, self.operator.id);
        self.scenario.queued_run(tenant, user, selection).await;
    }

    /// A run that a worker of this name has.
    pub(super) async fn claimed(&self, worker: &str) -> Claim {
        self.queue(SELECTIONS[0]).await;
        let claim = self.store.claim_next(&terms(worker)).await;
        claim.unwrap().unwrap()
    }

    /// Renews the lease, beside the test.
    pub(super) fn renew(&self, lease: &Lease) -> JoinHandle<Result<Heartbeat, StoreError>> {
        let (store, lease) = (self.store.clone(), lease.clone());
        tokio::spawn(async move { store.heartbeat(&lease, LEASE, None).await })
    }

    /// Reads the operator's notifications, beside the test.
    pub(super) fn list(&self) -> JoinHandle<Result<(), StoreError>> {
        let (store, user) = (self.store.clone(), self.operator.id);
        tokio::spawn(async move {
            let page = PageRequest::first(50);
            store
                .notifications(user, &NotificationFilter::unread(false), page)
                .await
                .map(drop)
        })
    }

    /// The newest notification.
    pub(super) async fn notification(&self) -> NotificationId {
        let page = PageRequest::first(1);
        let all = NotificationFilter::unread(false);
        let listed = self.store.notifications(self.operator.id, &all, page);
        listed.await.unwrap()[0].id
    }

    /// A session past the store that holds what `sql` locks.
    pub(super) async fn holding(&self, sql: &str) -> Client {
        let client = self.database.connection().await;
        client.batch_execute("BEGIN").await.unwrap();
        client.batch_execute(sql).await.unwrap();
        client
    }

    /// Waits until a statement of the store waits for a lock, and returns its session.
    pub(super) async fn blocked(&self) -> i32 {
        let client = self.database.connection().await;
        eventually("a statement to wait for a lock", || async {
            let sql = "SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'test'
                    AND wait_event_type = 'Lock'";
            client.query_opt(sql, &[]).await.unwrap()
        })
        .await
        .get(0)
    }

    /// Calls a function with the number of a session.
    pub(super) async fn signal(&self, function: &str, session: i32) {
        let client = self.database.connection().await;
        let sql = format!("SELECT {function}($1)");
        client.query_one(&sql, &[&session]).await.unwrap();
    }

    /// A store without a connection, that soon gives up on one.
    pub(super) fn impatient(&self) -> Store {
        let options = StoreOptions {
            database_url: SecretString::from(self.database.url()),
            pooling: Pooling::Session,
            pool_size: 1,
            read_pool_size: 1,
            application_name: "impatient".to_owned(),
            acquire_timeout: Duration::from_secs(10),
        };
        Store::new(&options, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap()
    }
}

/// What a worker of this name claims with.
pub(super) fn terms(worker: &str) -> LeaseTerms {
    LeaseTerms {
        worker_id: WorkerId::from_name(worker.to_owned()),
        duration: LEASE,
    }
}
