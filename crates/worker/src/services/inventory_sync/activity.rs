//! Who changed items: audit logs are read once since the last time, and changes get the actors that
//! their events name. Nothing else depends on that: a run without the logs ends as it would have ended.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use atlas_graph::{GraphError, TenantGraph, activity_logs};
use atlas_store::WriteError;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::InventorySyncService;

/// Logs are read again from so long before the last reading: events become visible late. Microsoft's are
/// 5 to 15 minutes late.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// The first reading of a log begins so long before.
const FIRST: TimeDelta = TimeDelta::days(1);
/// No reading begins longer before: older events are not kept.
const OLDEST: TimeDelta = TimeDelta::days(30);
/// Pages of a log that one run reads at most: a hundred thousand events. Later runs go on from there.
const MOST_PAGES: u32 = 100;
/// After so long a run reads no further page.
const LONGEST: Duration = Duration::from_secs(60);

/// How reading a log ended.
enum LogEnd {
    Read,
    /// There is more; the next run goes on.
    Cut,
    Failed(GraphError),
}

impl InventorySyncService {
    /// Reads the logs that report changes of these types, and gives changes their actors.
    pub(super) async fn find_actors(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        keys: &[PolicyTypeKey],
    ) {
        if let Err(error) = self.read_and_attribute(lease, tenant, keys).await {
            tracing::warn!(error = %Causes(&error), "changes were not given their actors");
        }
    }

    async fn read_and_attribute(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        keys: &[PolicyTypeKey],
    ) -> Result<(), WriteError> {
        let read_to = self.store.activity_logs(lease.tenant_id).await?;
        let logs = activity_logs(keys).into_iter();
        let reads = logs.map(|log| self.read_log(lease, tenant, log, read_to.get(&log).copied()));
        let mut unread = BTreeMap::new();
        for (log, end) in futures::future::try_join_all(reads).await? {
            if let Some(failure) = failure(tenant, log, end) {
                tracing::warn!(%log, code = failure.code.as_str(), "an audit log was not read to its end");
                unread.insert(log, failure);
            }
        }
        // What an earlier attempt recorded does not hold any more.
        if !unread.is_empty() || lease.attempt > 1 {
            self.store.record_unread_logs(lease, &unread).await?;
        }
        let changes = self.store.attribute_changes(lease).await?;
        tracing::debug!(changes, "changes were given actors");
        Ok(())
    }

    async fn read_log(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        log: ActivityLog,
        read_to: Option<DateTime<Utc>>,
    ) -> Result<(ActivityLog, LogEnd), WriteError> {
        let now = self.clock.now();
        let since = read_to.map_or(now - FIRST, |time| (time - OVERLAP).max(now - OLDEST));
        let until = Instant::now() + LONGEST;
        let mut reader = tenant.activity_log(log, since);
        for _ in 0..MOST_PAGES {
            let page = match tokio::time::timeout_at(until, reader.next_page()).await {
                Err(_) => return Ok((log, LogEnd::Cut)),
                Ok(Err(error)) => return Ok((log, LogEnd::Failed(error))),
                Ok(Ok(None)) => {
                    self.store
                        .store_activity(lease, log, &[], Some(now))
                        .await?;
                    return Ok((log, LogEnd::Read));
                }
                Ok(Ok(Some(page))) => page,
            };
            // The place that was reached: events that follow are later, as far as the log has an order.
            let reached = page.latest.filter(|_| page.in_order);
            if !page.events.is_empty() {
                self.store
                    .store_activity(lease, log, &page.events, reached)
                    .await?;
            }
        }
        Ok((log, LogEnd::Cut))
    }
}

fn failure(tenant: &TenantGraph, log: ActivityLog, end: LogEnd) -> Option<Failure> {
    match end {
        LogEnd::Read => None,
        LogEnd::Failed(error) => Some(tenant.activity_log_failure(log, &error)),
        LogEnd::Cut => Some(Failure::transient(
            FailureCode::PAGING_REFUSED,
            "The log has more events than one run reads. The next run goes on where this one ended.",
        )),
    }
}
