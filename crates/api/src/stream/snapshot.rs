//! The state with which a stream begins.

use atlas_domain::ids::UserId;
use atlas_domain::run::Status;
use atlas_store::{PageRequest, RunFilter, StoreError};

use super::hub::Topic;
use crate::state::AppState;
use crate::wire::run::OperationRun;
use crate::wire::stream::StreamSnapshot;

/// Runs that a snapshot has at most.
const MOST_RUNS: usize = 100;
/// Unread notifications are counted up to here.
const MOST_UNREAD: i64 = 100;

impl StreamSnapshot {
    /// The active runs of the topic that the user may see or, of a run, the run itself.
    pub(super) async fn read(
        state: &AppState,
        topic: Topic,
        user: UserId,
    ) -> Result<Self, StoreError> {
        let mut filter = RunFilter {
            status: vec![Status::Queued, Status::Running],
            ..RunFilter::default()
        };
        let mut unread = None;
        match topic {
            Topic::Tenant(tenant) => filter.tenant = vec![tenant],
            Topic::User(_) => {
                filter.initiator = Some(user);
                unread = Some(state.store.unread_count(user, MOST_UNREAD).await?);
            }
            Topic::Run(_, run) => {
                filter.status = Vec::new();
                filter.ids = vec![run];
            }
        }
        let limit = i64::try_from(MOST_RUNS + 1).unwrap_or(i64::MAX);
        let page = PageRequest::first(limit);
        let mut runs = state.store.runs(user, &filter, page).await?;
        let has_more = runs.len() > MOST_RUNS;
        runs.truncate(MOST_RUNS);
        let now = state.clock.now();
        let shown = |view| OperationRun::listed(view, &state.links, now);
        Ok(Self {
            operation_runs: runs.into_iter().map(shown).collect(),
            has_more,
            unread_notifications: unread,
        })
    }
}
