//! Operation runs.

mod counts;
pub(crate) mod example;
mod heartbeat;
mod selection;
mod status;

use atlas_domain::ids::RunId;
use atlas_domain::run as domain;
use atlas_domain::run::{ProgressPhase, RetryScope, RunAction, RunState};
use atlas_store::RunView;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::links::{Links, RunLinks};
use crate::wire::cancel::Cancel;
use crate::wire::run_error::RunError;
use heartbeat::{Heartbeat, HeartbeatState};

pub(crate) use counts::OperationRunCounts;
pub(crate) use selection::{Priority, Selection, Verify};
pub(crate) use status::{Outcome, Status};

/// Seconds that a caller is asked to wait between polls of a run, at most.
pub(crate) const LONGEST_WAIT: i64 = 30;

/// A background operation on one tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OperationRun {
    /// Its identifier.
    pub(crate) id: Uuid,
    /// The kind of operation, such as `inventory_sync`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// The tenant.
    tenant: TenantReference,
    /// The status.
    pub(crate) status: Status,
    /// How the run ended. Present exactly when the status is `completed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// The user who started it.
    initiator: Initiator,
    /// Whether a schedule started it, on behalf of its initiator. Absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled: Option<bool>,
    /// Which of the runs that wait goes first: `high`, `normal`, or `low` for runs that a schedule started.
    /// New priorities may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    priority: &'static str,
    /// What an `inventory_sync` reads. Omitted in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    selection: Option<Selection>,
    /// Number of attempts: how often a worker has taken up the run.
    #[schema(minimum = 0)]
    attempt: i32,
    /// Number of failed attempts.
    #[schema(minimum = 0)]
    failures: i32,
    /// Number of failed attempts after which the run ends as failed.
    #[schema(minimum = 1)]
    max_failures: i32,
    /// When the run was created.
    created_at: DateTime<Utc>,
    /// When the run last changed.
    updated_at: DateTime<Utc>,
    /// When a worker first took up the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    /// When the run ended. Present exactly when the status is `completed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
    /// The progress that its worker last reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    /// Why the run waits, if it is queued and the reason is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<Wait>,
    /// The heartbeat of its worker, while the run is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat: Option<Heartbeat>,
    /// The last error: of an attempt while the run is active, of the run when it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
    /// Numbers of what the run did. Present when the status is `completed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
    /// The run that this run repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_of: Option<Uuid>,
    /// The request to cancel the run, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<Cancel>,
    /// What you can do with the run now: `cancel`, `retry`. New actions may be added.
    #[schema(max_items = 20)]
    actions: Vec<&'static str>,
    /// The scopes with which you can retry the run now: `all`, and `failed_only` if something of it failed.
    /// Empty if you cannot. New scopes may be added.
    #[schema(max_items = 20)]
    retry_scopes: Vec<&'static str>,
    /// Addresses of the run.
    links: RunLinks,
}

/// The answer to a start.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StartedRun {
    /// Whether the run was created or joined.
    pub(crate) disposition: Disposition,
    /// The run.
    pub(crate) run: OperationRun,
}

/// The effect of a start.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Disposition {
    /// A new run was created.
    Created,
    /// An equal run was already active.
    Joined,
}

/// A reference to a tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TenantReference {
    /// Its identifier.
    pub(crate) id: Uuid,
    /// Its name.
    #[schema(max_length = 256)]
    pub(crate) name: String,
}

/// The user who started a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Initiator {
    /// The user's identifier.
    pub(crate) id: Uuid,
    /// The user's name.
    #[schema(max_length = 256)]
    pub(crate) display: String,
}

/// The progress of a run, in policy types.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Progress {
    /// The current phase. New phases may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    phase: &'static str,
    /// The number of this phase, from 1.
    #[schema(minimum = 1)]
    phase_index: u32,
    /// Number of phases.
    #[schema(minimum = 1)]
    phase_count: usize,
    /// Types that were read completely.
    completed: u32,
    /// Types that failed.
    failed: u32,
    /// Types that were skipped for a reason in their result.
    skipped: u32,
    /// Types to read in total.
    total: u32,
    /// Objects seen so far.
    items_seen: u64,
}

/// Why a run waits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Wait {
    /// `tenant_busy`, `paused`, `backoff`, `handed_back` or `worker_lost`. New reasons may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    reason: &'static str,
    /// The earliest time at which the run starts.
    not_before: DateTime<Utc>,
}

/// Numbers of what a run did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Types that were read completely.
    types_succeeded: u32,
    /// Types that failed.
    types_failed: u32,
    /// Types that were skipped for a reason in their result.
    types_skipped: u32,
    /// Types whose list was read completely, but not all of their assignments or links.
    types_incomplete: u32,
    /// Objects seen.
    items_seen: u64,
    /// Objects seen for the first time.
    items_created: u64,
    /// Objects whose content differs from the last time.
    items_changed: u64,
    /// Objects whose assignments differ from the last time.
    items_reassigned: u64,
    /// Objects that are no longer there.
    items_missing: u64,
    /// Objects that had been missing and are there again.
    items_back: u64,
    /// Objects whose values were read because they are new or moved, or because nothing shows whether
    /// they moved.
    values_read: u64,
    /// Objects whose values were read although nothing moved.
    values_verified: u64,
}

impl OperationRun {
    /// How a run looks at `now` to somebody with this role in its tenant.
    pub(crate) fn new(view: RunView, links: &Links, now: DateTime<Utc>) -> Self {
        let inputs = &view.run.inputs;
        let (kind, selection) = (inputs.kind(), inputs.selection().map(Selection::from));
        Self {
            selection,
            ..Self::of_kind(kind, view, links, now)
        }
    }

    /// A run as lists answer it: without its selection.
    pub(crate) fn listed(
        view: RunView<domain::OperationKind>,
        links: &Links,
        now: DateTime<Utc>,
    ) -> Self {
        Self::of_kind(view.run.inputs, view, links, now)
    }

    fn of_kind<I>(
        kind: domain::OperationKind,
        view: RunView<I>,
        links: &Links,
        now: DateTime<Utc>,
    ) -> Self {
        let RunView { run, role } = view;
        let actions = run
            .actions(role)
            .into_iter()
            .map(RunAction::as_str)
            .collect();
        let retry_scopes = run.retry_scopes(kind, role);
        let retry_scopes = retry_scopes.into_iter().map(RetryScope::as_str).collect();
        let ended = match run.state {
            RunState::Completed {
                outcome,
                completed_at,
                ..
            } => Some((outcome, completed_at)),
            RunState::Queued { .. } | RunState::Running { .. } => None,
        };
        let mut shown = Self {
            id: run.id.into_uuid(),
            kind: kind.as_str(),
            tenant: TenantReference {
                id: run.tenant_id.into_uuid(),
                name: run.tenant_name,
            },
            status: run.state.status().into(),
            outcome: run.state.outcome().map(Outcome::from),
            initiator: Initiator {
                id: run.initiator_id.into_uuid(),
                display: run.initiator_name,
            },
            scheduled: run.scheduled.then_some(true),
            priority: run.priority.as_str(),
            selection: None,
            attempt: run.attempt,
            failures: run.failures,
            max_failures: run.max_failures,
            created_at: run.created_at,
            updated_at: run.updated_at,
            started_at: run.started_at,
            completed_at: None,
            progress: run.progress.map(Progress::from),
            wait: None,
            heartbeat: None,
            error: run.error.map(RunError::from),
            counts: None,
            retry_of: run.retry_of.map(RunId::into_uuid),
            cancel: run.cancel.map(|request| Cancel::new(request, ended)),
            actions,
            retry_scopes,
            links: links.run(run.id),
        };
        match run.state {
            RunState::Queued {
                not_before, wait, ..
            } => {
                shown.wait = wait.map(|reason| Wait {
                    reason: reason.as_str(),
                    not_before,
                });
            }
            RunState::Running {
                worker_id,
                heartbeat_at,
                lease_expires_at,
            } => {
                let state = HeartbeatState::at(now, heartbeat_at, lease_expires_at);
                shown.heartbeat = Some(Heartbeat {
                    last_at: heartbeat_at,
                    state,
                    worker_id: worker_id.as_str().to_owned(),
                });
            }
            RunState::Completed {
                completed_at,
                counts,
                ..
            } => {
                shown.completed_at = Some(completed_at);
                shown.counts = Some(counts.into());
            }
        }
        shown
    }

    /// Which run it is, and when it last changed.
    pub(crate) fn as_of(&self) -> (RunId, DateTime<Utc>) {
        (RunId::from_uuid(self.id), self.updated_at)
    }

    /// The progress that its worker last reported.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// The run without what moves while nothing happens: what its entity tag is made of.
    pub(crate) fn steady(&self) -> Self {
        let mut steady = self.clone();
        steady.updated_at = self.created_at;
        if let Some(heartbeat) = &mut steady.heartbeat {
            heartbeat.last_at = self.created_at;
        }
        steady
    }

    /// The same of several.
    pub(crate) fn all_steady(runs: &[Self]) -> Vec<Self> {
        runs.iter().map(Self::steady).collect()
    }

    /// After how many seconds it is worth asking again; `None` when nothing changes any more.
    pub(crate) fn ask_again(&self, now: DateTime<Utc>) -> Option<u64> {
        if self.status == Status::Completed {
            return None;
        }
        let age = now.signed_duration_since(self.created_at).num_seconds();
        let due_in = self.wait.as_ref().map_or(0, |wait| {
            wait.not_before.signed_duration_since(now).num_seconds()
        });
        // Watched closely at first; what runs for long is asked for less often.
        let usual = if age < 120 { 1 } else { 3 };
        u64::try_from(due_in.clamp(usual, LONGEST_WAIT)).ok()
    }
}

impl From<domain::Progress> for Progress {
    fn from(progress: domain::Progress) -> Self {
        let progress = domain::InventoryProgress::from(progress);
        Self {
            phase: match progress.phase {
                ProgressPhase::Planning => "planning",
                ProgressPhase::Collecting => "collecting",
                ProgressPhase::Finishing => "finishing",
            },
            phase_index: progress.phase.index(),
            phase_count: ProgressPhase::ALL.len(),
            completed: progress.completed,
            failed: progress.failed,
            skipped: progress.skipped,
            total: progress.total,
            items_seen: progress.items_seen,
        }
    }
}

impl From<domain::RunCounts> for Counts {
    fn from(counts: domain::RunCounts) -> Self {
        let counts = domain::InventoryCounts::from(counts);
        Self {
            types_succeeded: counts.types_succeeded,
            types_failed: counts.types_failed,
            types_skipped: counts.types_skipped,
            types_incomplete: counts.types_incomplete,
            items_seen: counts.items_seen,
            items_created: counts.items_created,
            items_changed: counts.items_changed,
            items_reassigned: counts.items_reassigned,
            items_missing: counts.items_missing,
            items_back: counts.items_back,
            values_read: counts.values_read,
            values_verified: counts.values_verified,
        }
    }
}
