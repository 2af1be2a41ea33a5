//! Rows that somebody else holds, and who waits for them.

use atlas_test_support::{TestTenant, eventually};
use tokio_postgres::Client;

use crate::installation::Installation;

/// A tenant's fence, so that nobody may raise it. $1 is the tenant.
pub(crate) const FENCE_SHARED: &str =
    "SELECT FROM tenant_fences WHERE tenant_id = $1::text::uuid FOR SHARE";
/// A tenant's fence, so that nobody may write for the tenant.
pub(crate) const FENCE: &str =
    "SELECT FROM tenant_fences WHERE tenant_id = $1::text::uuid FOR UPDATE";
/// A tenant's running run.
pub(crate) const RUN: &str = "SELECT FROM operation_runs
    WHERE tenant_id = $1::text::uuid AND status = 'running' FOR UPDATE";

/// A session in whose transaction a row is locked.
pub(crate) struct Holder(Client);

impl Holder {
    /// Locks the one row that the statement finds of this tenant.
    pub(crate) async fn of(installation: &Installation, row: &str, tenant: TestTenant) -> Self {
        let session = installation.database.connection().await;
        session.batch_execute("BEGIN").await.unwrap();
        let locked = session.execute(row, &[&tenant.id.to_string()]).await;
        assert_eq!(locked.unwrap(), 1);
        Self(session)
    }

    /// Lets go of it.
    pub(crate) async fn release(self) {
        self.0.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// A statement that waits for a row: its session and its beginning.
pub(crate) type Waiter = (i32, String);

async fn waiters(session: &Client) -> Vec<Waiter> {
    let sql = "SELECT pid, query_start::text FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let rows = session.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits until a statement waits for a row.
pub(crate) async fn somebody_waits(installation: &Installation) -> Waiter {
    let session = installation.database.connection().await;
    eventually("a statement to wait for a row", async || {
        waiters(&session).await.first().cloned()
    })
    .await
}

/// Waits until this statement waits no more.
pub(crate) async fn gives_up(installation: &Installation, waiter: &Waiter) {
    let session = installation.database.connection().await;
    eventually("a statement to give up waiting for a row", async || {
        (!waiters(&session).await.contains(waiter)).then_some(())
    })
    .await;
}
