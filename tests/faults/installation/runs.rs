//! What the database holds: how many runs there are, and how they end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use atlas_test_support::{TestTenant, eventually};

use super::Installation;
use crate::invariants;

/// How long a run may be nobody's after the worst fault: a lease of two seconds, a sweep, and the
/// 15 seconds after which PostgreSQL ends a transaction that a stopped process holds open.
const BOUND: Duration = Duration::from_secs(18);

impl Installation {
    /// One number from the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let connection = self.database.connection().await;
        connection.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Waits until a number from the database is `wanted`.
    pub(crate) async fn number_becomes(&self, sql: &str, wanted: i64) {
        let connection = self.database.connection().await;
        let connection = &connection;
        eventually(sql, || async {
            let number: i64 = connection.query_one(sql, &[]).await.unwrap().get(0);
            (number == wanted).then_some(())
        })
        .await;
    }

    /// Waits until every run has ended.
    pub(crate) async fn quiesce(&self) {
        self.quiesce_within(BOUND * 3).await;
    }

    pub(crate) async fn quiesce_within(&self, patience: Duration) {
        assert!(self.ends_within(patience).await, "not every run has ended");
    }

    /// Whether every run ends in this time. What is left otherwise is said.
    pub(crate) async fn ends_within(&self, patience: Duration) -> bool {
        let connection = self.database.connection().await;
        let deadline = Instant::now() + patience;
        let left = "SELECT coalesce(string_agg(status || ' ' || attempt, ', '), '')
            FROM (SELECT status, attempt FROM operation_runs WHERE status <> 'completed' LIMIT 5) r";
        loop {
            let left: String = connection.query_one(left, &[]).await.unwrap().get(0);
            if left.is_empty() {
                return true;
            }
            if Instant::now() >= deadline {
                eprintln!("still there: {left}");
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every run of the tenant has ended.
    pub(crate) async fn tenant_ends_within(&self, tenant: TestTenant, patience: Duration) {
        let connection = self.database.connection().await;
        let deadline = Instant::now() + patience;
        let left = "SELECT count(*) FROM operation_runs
            WHERE tenant_id = $1::text::uuid AND status <> 'completed'";
        let tenant = tenant.id.to_string();
        loop {
            let left: i64 = connection.query_one(left, &[&tenant]).await.unwrap().get(0);
            if left == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "{left} runs have not ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How the tenant's last run ended.
    pub(crate) async fn last_outcome(&self, tenant: TestTenant) -> String {
        let connection = self.database.connection().await;
        let sql = "SELECT outcome FROM operation_runs
            WHERE tenant_id = $1::text::uuid AND status = 'completed' ORDER BY id DESC LIMIT 1";
        let row = connection.query_one(sql, &[&tenant.id.to_string()]).await;
        row.unwrap().get(0)
    }

    /// Waits until every run has ended, and checks what must hold then.
    pub(crate) async fn check(&self) {
        self.quiesce().await;
        self.assert_invariants().await;
    }

    pub(crate) async fn assert_invariants(&self) {
        let connection = self.database.connection().await;
        let breaches = invariants::breaches(self, &connection).await;
        assert!(breaches.is_empty(), "{breaches:#?}");
    }

    /// How many runs ended how.
    pub(crate) async fn outcomes(&self) -> BTreeMap<String, i64> {
        let connection = self.database.connection().await;
        let sql =
            "SELECT outcome, count(*) FROM operation_runs WHERE outcome IS NOT NULL GROUP BY 1";
        let rows = connection.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}
