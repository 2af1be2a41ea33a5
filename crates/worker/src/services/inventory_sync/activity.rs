//! Who changed items: audit logs are read once since the last time, and changes get the actors that
//! their events name. Nothing else depends on that: a run without the logs ends as it would have ended.
//!
//! The first page of each log, which is nearly always the only one, is requested while lists are read,
//! and stored when they are: events of objects that are no items are not stored. What happens in between
//! is found by the next run, as events are that become visible late.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use atlas_graph::{ActivityPage, ActivityReader, GraphError, TenantGraph, activity_logs};
use atlas_store::{StoreError, WriteError};
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use futures::future::{Either, join_all, select, try_join_all};
use tokio::time::Instant;

use super::InventorySyncService;
use crate::interrupt::Interrupt;

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

/// How asking for a page of a log ended; `None` is the end of the log.
type NextPage = Result<Option<ActivityPage>, LogEnd>;

/// A log of which the first page was requested.
struct OpenLog {
    log: ActivityLog,
    /// When that was.
    opened_at: DateTime<Utc>,
    reader: ActivityReader,
    first: NextPage,
}

/// The logs that report changes of what a run reads.
pub(super) struct OpenLogs(Result<Vec<OpenLog>, StoreError>);

impl OpenLog {
    async fn open(
        tenant: &TenantGraph,
        log: ActivityLog,
        since: DateTime<Utc>,
        opened_at: DateTime<Utc>,
    ) -> Self {
        let mut reader = tenant.activity_log(log, since);
        let first = next_page(&mut reader, Instant::now() + LONGEST).await;
        // While its events wait to be stored, lists may need its place.
        let first = first.map(|page| page.map(ActivityPage::out_of_place));
        Self {
            log,
            opened_at,
            reader,
            first,
        }
    }
}

impl InventorySyncService {
    /// Awaits what reads the lists, and opens the logs that report changes of these types: beside it as
    /// soon as an endpoint has accepted the token, so that it is not the logs by which a token is
    /// known to be good.
    pub(super) async fn with_logs<T>(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        keys: &[PolicyTypeKey],
        collecting: impl Future<Output = Result<T, Interrupt>>,
    ) -> Result<(T, OpenLogs), Interrupt> {
        let collecting = std::pin::pin!(collecting);
        let opening = async {
            tenant.token_accepted().await;
            self.open_logs(lease, tenant, keys).await
        };
        let opening = opening.boxed();
        match select(collecting, opening).await {
            Either::Left((collected, opening)) => {
                let collected = collected?;
                let logs = if tenant.has_accepted_token() {
                    opening.await
                } else {
                    self.open_logs(lease, tenant, keys).await
                };
                Ok((collected, logs))
            }
            Either::Right((logs, collecting)) => Ok((collecting.await?, logs)),
        }
    }

    async fn open_logs(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        keys: &[PolicyTypeKey],
    ) -> OpenLogs {
        let read_to = match self.store.activity_logs(lease.tenant_id).await {
            Ok(read_to) => read_to,
            Err(error) => return OpenLogs(Err(error)),
        };
        let now = self.clock.now();
        let logs = activity_logs(keys).into_iter().map(|log| {
            let read_to = read_to.get(&log);
            let since = read_to.map_or(now - FIRST, |&time| (time - OVERLAP).max(now - OLDEST));
            OpenLog::open(tenant, log, since, now)
        });
        OpenLogs(Ok(join_all(logs).await))
    }

    /// Reads these logs to their ends, and gives changes their actors.
    pub(super) async fn find_actors(&self, lease: &Lease, tenant: &TenantGraph, logs: OpenLogs) {
        if let Err(error) = self.read_and_attribute(lease, tenant, logs).await {
            tracing::warn!(error = %Causes(&error), "changes were not given their actors");
        }
    }

    async fn read_and_attribute(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        OpenLogs(logs): OpenLogs,
    ) -> Result<(), WriteError> {
        let reads = logs?.into_iter().map(|log| self.read_log(lease, log));
        let mut unread = BTreeMap::new();
        for (log, end) in try_join_all(reads).await? {
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
        opened: OpenLog,
    ) -> Result<(ActivityLog, LogEnd), WriteError> {
        let OpenLog {
            log,
            opened_at,
            mut reader,
            first: mut next,
        } = opened;
        let until = Instant::now() + LONGEST;
        for further in (0..MOST_PAGES).rev() {
            let page = match next {
                Err(end) => return Ok((log, end)),
                Ok(None) => {
                    self.store
                        .store_activity(lease, log, &[], Some(opened_at))
                        .await?;
                    return Ok((log, LogEnd::Read));
                }
                Ok(Some(page)) => page,
            };
            // The place that was reached: events that follow are later, as far as the log has an order.
            let reached = page.latest.filter(|_| page.in_order);
            if !page.events.is_empty() {
                self.store
                    .store_activity(lease, log, &page.events, reached)
                    .await?;
            }
            drop(page);
            if further == 0 {
                break;
            }
            next = next_page(&mut reader, until).await;
        }
        Ok((log, LogEnd::Cut))
    }
}

async fn next_page(reader: &mut ActivityReader, until: Instant) -> NextPage {
    match tokio::time::timeout_at(until, reader.next_page()).await {
        Err(_) => Err(LogEnd::Cut),
        Ok(Err(error)) => Err(LogEnd::Failed(error)),
        Ok(Ok(page)) => Ok(page),
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
