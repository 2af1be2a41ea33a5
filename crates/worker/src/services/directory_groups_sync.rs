//! The service behind `directory_groups_sync`: brings what is stored of a directory's groups up to
//! date: from the delta link of the last reading where there is one, else from the beginning.
//!
//! Groups that the database refuses, and rows that cannot be read, are left out. The run ends
//! `partially_succeeded` and names them; what else was read is stored, but nothing is marked as gone,
//! and the next reading does not go on from this one's end: Graph would not send those groups
//! again.

use std::sync::Arc;

use atlas_domain::directory::merged;
use atlas_domain::failure::{Failure, FailureCode, RowDefect, RowProblem, RowProblems};
use atlas_domain::run::{
    Claim, Completion, GroupCounts, GroupsProgress, Lease, Outcome, ProgressPhase,
};
use atlas_graph::{GROUPS_PERMISSION, GraphError, GraphErrorKind, GroupPage, TenantGraph};
use atlas_store::{GroupEffect, GroupTally, MARKED_AT_ONCE, Store};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::inventory_sync::rows_not_stored;
use crate::interrupt::{Interrupt, with_retries};
use crate::progress::{ProgressBoard, Tracker};
use crate::service::RunService;
use crate::sign_in::SignIn;

/// Progress and counts of one sync of groups.
type GroupsTracker<'a> = Tracker<'a, GroupsProgress, GroupCounts>;

/// Syncs the groups of one directory per call.
pub(super) struct DirectoryGroupsSyncService {
    store: Store,
    sign_in: Arc<SignIn>,
}

/// How far the delta query was read.
enum Reading {
    /// To its end. Everything that it returned is stored, but for what was left out.
    ToEnd(EndOfReading),
    /// The link that it went on from can no longer be used. What it returned before is stored.
    OutOfDate,
}

/// What a reading that came to its end leaves.
struct EndOfReading {
    /// The delta link with which the next reading goes on.
    link: String,
    /// Rows that were altered or left out because they could not be read as they were sent.
    unreadable: RowProblems,
    /// Groups that the database refused.
    not_stored: RowProblems,
    /// Whether a row or a group was left out.
    incomplete: bool,
}

impl RunService<()> for DirectoryGroupsSyncService {
    fn work<'a>(
        &'a self,
        claim: &'a Claim,
        (): &'a (),
        board: &'a ProgressBoard,
    ) -> BoxFuture<'a, Result<Completion, Interrupt>> {
        async move {
            let tracker = GroupsTracker::new(board);
            let end = self.sync(&claim.lease, &tracker).await?;
            Ok(completion(tracker.counts(), end))
        }
        .boxed()
    }
}

impl DirectoryGroupsSyncService {
    /// A service that signs in with these credentials.
    #[must_use]
    pub(super) const fn new(store: Store, sign_in: Arc<SignIn>) -> Self {
        Self { store, sign_in }
    }

    /// Reads what changed since the last reading, or every group, and stores it.
    async fn sync(
        &self,
        lease: &Lease,
        tracker: &GroupsTracker<'_>,
    ) -> Result<EndOfReading, Interrupt> {
        let since = with_retries(|| self.store.group_delta_link(lease.tenant_id)).await?;
        let tenant = self.sign_in.to(lease.tenant_id).await?;
        tracker.update(|progress, _| progress.phase = ProgressPhase::Collecting);
        if let Some(link) = &since
            && let Reading::ToEnd(end) = self.read(lease, &tenant, Some(link), tracker).await?
        {
            tracker.update(|progress, _| progress.phase = ProgressPhase::Finishing);
            if !end.incomplete {
                with_retries(|| self.store.groups_read_to_end(lease, &end.link, false)).await?;
            }
            tracker.update(|progress, _| progress.read_to_end = true);
            return Ok(end);
        }
        if since.is_some() {
            tracing::info!("the last reading cannot be gone on from; reading all groups");
        }
        // A link that has just been given is good; if not, a later attempt begins again.
        let Reading::ToEnd(end) = self.read(lease, &tenant, None, tracker).await? else {
            let failure = Failure::transient(
                FailureCode::GRAPH_INVALID_RESPONSE,
                "Microsoft Graph reported changes of groups that it had not reported before.",
            );
            return Err(Interrupt::of(failure, None));
        };
        tracker.update(|progress, _| progress.phase = ProgressPhase::Finishing);
        if !end.incomplete {
            self.mark_gone(lease, tracker).await?;
            with_retries(|| self.store.groups_read_to_end(lease, &end.link, true)).await?;
        }
        tracker.update(|progress, _| progress.read_to_end = true);
        Ok(end)
    }

    /// Marks the groups that a reading of all groups did not contain.
    async fn mark_gone(&self, lease: &Lease, tracker: &GroupsTracker<'_>) -> Result<(), Interrupt> {
        loop {
            let gone = with_retries(|| self.store.mark_groups_gone(lease)).await?;
            tracker.update(|progress, counts| *counts = counted(progress.seen, gone.so_far));
            if gone.marked < u64::from(MARKED_AT_ONCE) {
                return Ok(());
            }
        }
    }

    /// Reads to the end, and stores each page while the next one is on its way.
    async fn read(
        &self,
        lease: &Lease,
        tenant: &TenantGraph,
        since: Option<&str>,
        tracker: &GroupsTracker<'_>,
    ) -> Result<Reading, Interrupt> {
        let mut reader = tenant.groups(since);
        let mut ahead = reader.next_page().await;
        let mut not_stored = RowProblems::default();
        loop {
            let page = match ahead {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(GraphError {
                    kind: GraphErrorKind::PageExpired | GraphErrorKind::Paging(_),
                    ..
                }) if since.is_some() => return Ok(Reading::OutOfDate),
                Err(error) => return Err(not_read(tenant, &error)),
            };
            let (stored, next) =
                tokio::join!(self.store_page(lease, page, tracker), reader.next_page());
            let stored = stored?;
            // Where all groups are read, the row with the name may be one that was left out.
            let explained = since.is_none() && reader.lost_rows();
            if stored.nameless > 0 && !explained {
                return Ok(Reading::OutOfDate);
            }
            for group in stored.refused {
                not_stored.add(RowProblem {
                    position: None,
                    id: Some(group.to_string()),
                    defect: RowDefect::NotStored,
                });
            }
            ahead = next;
        }
        // The reader refuses a list that ends without a link.
        Ok(reader.delta_link().map_or(Reading::OutOfDate, |link| {
            Reading::ToEnd(EndOfReading {
                link: link.to_owned(),
                incomplete: reader.lost_rows() || !not_stored.is_empty(),
                unreadable: reader.row_problems().clone(),
                not_stored,
            })
        }))
    }

    /// Takes the page, so that its place is free as soon as it is stored.
    async fn store_page(
        &self,
        lease: &Lease,
        page: GroupPage,
        tracker: &GroupsTracker<'_>,
    ) -> Result<GroupEffect, Interrupt> {
        let updates = merged(page.updates);
        let effect = with_retries(|| self.store.store_groups(lease, &updates)).await?;
        tracker.update(|progress, counts| {
            progress.seen += effect.seen;
            *counts = counted(progress.seen, effect.so_far);
        });
        Ok(effect)
    }
}

fn completion(counts: GroupCounts, end: EndOfReading) -> Completion {
    let error = match (end.not_stored.is_empty(), end.unreadable.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Failure::rows_unreadable(end.unreadable)),
        (false, _) => {
            let mut failure = rows_not_stored(end.not_stored);
            failure.rows.get_or_insert_default().extend(end.unreadable);
            Some(failure)
        }
    };
    Completion {
        outcome: match error {
            Some(_) => Outcome::PartiallySucceeded,
            None => Outcome::Succeeded,
        },
        counts: counts.into(),
        error,
    }
}

/// `so_far` has what all attempts changed; `seen` is of this attempt.
const fn counted(seen: u64, so_far: GroupTally) -> GroupCounts {
    GroupCounts {
        seen,
        created: so_far.created,
        changed: so_far.changed,
        missing: so_far.removed,
        back: so_far.back,
    }
}

fn not_read(tenant: &TenantGraph, error: &GraphError) -> Interrupt {
    let mut failure = tenant.whose_fault(error).failure(&[]);
    if failure.code == FailureCode::PERMISSION_MISSING {
        failure.missing_permissions = vec![GROUPS_PERMISSION.to_owned()];
        failure = failure.with_hint(format!(
            "Grant the application permission {GROUPS_PERMISSION} in Microsoft Entra and give \
             admin consent."
        ));
    }
    Interrupt::of(failure, error.retry_after())
}
