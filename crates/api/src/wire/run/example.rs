//! The run of the document's examples, in each of its states.

use atlas_domain::access::Role;
use atlas_domain::ids::{RunId, WorkerId};
use atlas_domain::run::{
    CANCEL_GRACE, CancelRequest, InventoryCounts, InventoryProgress, OperationKind, OperationRun,
    Outcome, ProgressPhase, RunCounts, RunInputs, RunPriority, RunState, WaitReason,
};
use atlas_domain::selection::SelectionRequest;
use atlas_store::RunView;
use chrono::TimeDelta;

use crate::example::{self, Example, links, moment};
use crate::links::RunLinks;
use crate::wire::run::{self as wire, Disposition, StartedRun};

/// The run that [`retry`] repeats.
const RETRIED: RunId = RunId::from_uuid(example::id(0x0197c19f_7a10_7c3e_9d52_3b4c5d6e7f80));

impl Example for wire::OperationRun {
    fn example() -> Self {
        shown(running(inputs()))
    }
}

impl Example for StartedRun {
    fn example() -> Self {
        created(queued(inputs()))
    }
}

impl Example for RunLinks {
    fn example() -> Self {
        links().run(example::RUN)
    }
}

impl Example for InventoryCounts {
    fn example() -> Self {
        Self {
            types_succeeded: 37,
            types_failed: 0,
            types_skipped: 1,
            types_incomplete: 0,
            items_seen: 1_204,
            items_created: 12,
            items_changed: 3,
            items_reassigned: 2,
            items_missing: 1,
            items_back: 0,
            values_read: 15,
            values_verified: 98,
        }
    }
}

/// A sync of groups that was recorded.
pub(crate) fn directory_groups_sync() -> StartedRun {
    created(queued(RunInputs::DirectoryGroupsSync))
}

/// A run that repeats another.
pub(crate) fn retry() -> StartedRun {
    created(OperationRun {
        retry_of: Some(RETRIED),
        ..queued(inputs())
    })
}

/// A run whose worker was asked to stop.
pub(crate) fn asked_to_stop() -> wire::OperationRun {
    shown(with_cancel(running(inputs())))
}

/// A run that was cancelled while it was queued.
pub(crate) fn cancelled() -> wire::OperationRun {
    let state = RunState::Completed {
        outcome: Outcome::Cancelled,
        completed_at: moment(),
        counts: RunCounts::none(OperationKind::InventorySync),
    };
    shown(with_cancel(run(inputs(), state, 0)))
}

/// A run that has ended, as lists show it.
pub(crate) fn completed_of_list() -> wire::OperationRun {
    listed(completed(OperationKind::InventorySync))
}

/// A running run, as lists show it.
pub(crate) fn running_of_list() -> wire::OperationRun {
    listed(running(OperationKind::InventorySync))
}

/// A running run, as the store reads it.
pub(crate) fn running_view() -> RunView {
    view(running(inputs()))
}

/// A run that has ended, as the store reads it.
pub(crate) fn completed_view() -> RunView {
    view(completed(inputs()))
}

fn created(run: OperationRun) -> StartedRun {
    StartedRun {
        disposition: Disposition::Created,
        run: shown(run),
    }
}

fn shown(run: OperationRun) -> wire::OperationRun {
    wire::OperationRun::new(view(run), &links(), moment())
}

fn listed(run: OperationRun<OperationKind>) -> wire::OperationRun {
    wire::OperationRun::listed(view(run), &links(), moment())
}

fn view<I>(run: OperationRun<I>) -> RunView<I> {
    RunView {
        run,
        role: Role::Operator,
    }
}

fn inputs() -> RunInputs {
    let request = SelectionRequest {
        policy_types: Some(vec![
            "deviceCompliancePolicy".to_owned(),
            "mobileApp".to_owned(),
        ]),
        ..SelectionRequest::default()
    };
    let selection = request.resolve().expect("the example selects policy types");
    RunInputs::InventorySync(selection)
}

fn queued<I>(inputs: I) -> OperationRun<I> {
    let state = RunState::Queued {
        not_before: moment(),
        expires_at: moment() + TimeDelta::hours(24),
        wait: Some(WaitReason::TenantBusy),
    };
    run(inputs, state, 0)
}

fn running<I>(inputs: I) -> OperationRun<I> {
    let state = RunState::Running {
        worker_id: WorkerId::from_name("worker-1-0197c19a3f2e7d10".to_owned()),
        heartbeat_at: moment() - TimeDelta::seconds(3),
        lease_expires_at: moment() + TimeDelta::seconds(42),
    };
    let progress = InventoryProgress {
        phase: ProgressPhase::Collecting,
        completed: 9,
        failed: 0,
        skipped: 1,
        total: 38,
        items_seen: 214,
    };
    OperationRun {
        progress: Some(progress.into()),
        ..run(inputs, state, 1)
    }
}

fn completed<I>(inputs: I) -> OperationRun<I> {
    let state = RunState::Completed {
        outcome: Outcome::Succeeded,
        completed_at: moment(),
        counts: InventoryCounts::example().into(),
    };
    run(inputs, state, 1)
}

fn with_cancel<I>(run: OperationRun<I>) -> OperationRun<I> {
    OperationRun {
        cancel: Some(CancelRequest {
            requested_at: moment(),
            requested_by: Some((example::USER, example::USER_NAME.to_owned())),
            reason: Some("Started for the wrong tenant.".to_owned()),
            deadline_at: moment() + CANCEL_GRACE,
        }),
        ..run
    }
}

fn run<I>(inputs: I, state: RunState, attempt: i32) -> OperationRun<I> {
    let created_at = moment() - TimeDelta::seconds(20);
    OperationRun {
        id: example::RUN,
        tenant_id: example::TENANT,
        tenant_name: example::TENANT_NAME.to_owned(),
        inputs,
        initiator_id: example::USER,
        initiator_name: example::USER_NAME.to_owned(),
        retry_of: None,
        scheduled: false,
        priority: RunPriority::Normal,
        attempt,
        failures: 0,
        max_failures: 5,
        created_at,
        updated_at: created_at,
        started_at: (attempt > 0).then_some(created_at),
        progress: None,
        error: None,
        cancel: None,
        state,
    }
}
