//! Who changed items: audit logs are read once since the last time, and changes get the actors that
//! their events name. Nothing else depends on that: a run without the logs ends as it would have ended.
//!
//! The logs are read while lists are read, as far as their events have room, and stored when these are:
//! events of objects that are no items are not stored. What happens in between is found by the next
//! run, as events are that become visible late.

use std::collections::{BTreeMap, VecDeque};
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
use futures::future::{Either, select, try_join_all};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

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
const MOST_PAGES: usize = 100;
/// After so long a run reads no further page.
const LONGEST: Duration = Duration::from_secs(60);

/// When so many events of a log wait to be stored, no further page is requested. An event has some
/// hundred bytes.
const MOST_WAITING: usize = 2_000;

/// How reading a log ended.
enum LogEnd {
    Read,
    /// There is more; the next run goes on.
    Cut,
    Failed(GraphError),
}

/// How asking for a page of a log ended; `None` is the end of the log.
type NextPage = Result<Option<ActivityPage>, LogEnd>;

/// A log that was read from its beginning on, as far as its events have room.
struct OpenLog {
    log: ActivityLog,
    /// When it was first asked for.
    opened_at: DateTime<Utc>,
    reader: ActivityReader,
    waiting: VecDeque<ActivityPage>,
    /// How asking for a further page ended, where that was.
    next: Option<NextPage>,
}

/// The logs that report changes of what a run reads.
pub(super) struct OpenLogs(Result<Vec<OpenLog>, StoreError>);

impl OpenLog {
    async fn open(
        tenant: TenantGraph,
        log: ActivityLog,
        since: DateTime<Utc>,
        opened_at: DateTime<Utc>,
    ) -> Self {
        let mut opened = Self {
            log,
            opened_at,
            reader: tenant.activity_log(log, since),
            waiting: VecDeque::new(),
            next: None,
        };
        let until = Instant::now() + LONGEST;
        let mut events = 0;
        while events < MOST_WAITING && opened.waiting.len() < MOST_PAGES {
            match next_page(&mut opened.reader, until).await {
                Ok(Some(page)) => {
                    events += page.events.len();
                    // While its events wait to be stored, lists may need its place.
                    opened.waiting.push_back(page.out_of_place());
                }
                end => {
                    opened.next = Some(end);
                    break;
                }
            }
        }
        opened
    }

    /// The next page.
    async fn page(&mut self, until: Instant) -> NextPage {
        match (self.waiting.pop_front(), self.next.take()) {
            (Some(page), next) => {
                self.next = next;
                Ok(Some(page))
            }
            (None, Some(next)) => next,
            (None, None) => next_page(&mut self.reader, until).await,
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
            // A task of its own: a page has a thousand events, and lists are read meanwhile.
            let opening = OpenLog::open(tenant.clone(), log, since, now).in_current_span();
            AbortOnDropHandle::new(tokio::spawn(opening))
        });
        let opened = try_join_all(logs).await;
        OpenLogs(opened.map_err(|error| StoreError::Unavailable(error.into())))
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
        mut opened: OpenLog,
    ) -> Result<(ActivityLog, LogEnd), WriteError> {
        let log = opened.log;
        let until = Instant::now() + LONGEST;
        for _ in 0..MOST_PAGES {
            let page = match opened.page(until).await {
                Err(end) => return Ok((log, end)),
                Ok(None) => {
                    self.store
                        .store_activity(lease, log, &[], Some(opened.opened_at))
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
