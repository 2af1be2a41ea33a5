//! Starting a run of any kind: admission, and the ring for the workers.

use actix_web::http::header;
use actix_web::web;
use atlas_domain::access::{Permission, Role, SyncPermit};
use atlas_domain::ids::{RunId, TenantId};
use atlas_domain::run::{OperationKind, OperationRun, RunInputs};
use atlas_queue::RedisFault;
use atlas_store::{Admission, AdmitError, DispatchFailure, RunView, StartRun};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::STARTS;
use serde_json::json;
use utoipa::IntoResponses;

use crate::access;
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example;
use crate::links::Links;
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::wire::run::{self as wire, Disposition, StartedRun};

/// After how many seconds a start that Redis did not take is worth repeating.
const RETRY_AFTER: u64 = 5;

/// The refusals of a start.
pub(super) struct StartRefusals;

impl IntoResponses for StartRefusals {
    fn responses() -> Responses {
        let not_admitted = |error| not_admitted(error, example::TENANT);
        refusals([
            access::refusal(Permission::CanSyncTenant),
            Refusal::new(
                "Conflict",
                "The tenant is disabled, or it is not connected.",
            )
            .with(not_admitted(AdmitError::TenantDisabled))
            .with(not_admitted(AdmitError::NotConnected)),
            queue_refusal(),
        ])
    }
}

/// The refusal of a start that Redis did not take.
pub(super) fn queue_refusal() -> Refusal {
    Refusal::new(
        "QueueUnavailable",
        "The job queue is not available and the run has ended as failed; or the database is not \
         available; or the request timed out.",
    )
    .with(queue_unavailable(example::RUN, &example::links()))
}

fn queue_unavailable(run: RunId, links: &Links) -> Problem {
    Problem::new(
        ProblemKind::QueueUnavailable,
        "The run could not be handed to the workers and has ended as failed.",
    )
    .with("run_id", run.to_string())
    .with("links", json!(links.run(run)))
    .retry_after(RETRY_AFTER)
}

fn tenant_refusal(kind: ProblemKind, tenant: TenantId, detail: &str, hint: &str) -> Problem {
    Problem::new(kind, detail)
        .with("tenant_id", tenant.to_string())
        .with("hint", hint)
}

pub(super) fn not_admitted(error: AdmitError, tenant: TenantId) -> Problem {
    match error {
        AdmitError::NotPermitted => access::not_permitted(Permission::CanSyncTenant),
        AdmitError::TenantDisabled => tenant_refusal(
            ProblemKind::TenantDisabled,
            tenant,
            "The tenant is disabled and is not synced.",
            "An operator of the installation can enable it.",
        ),
        AdmitError::NotConnected => tenant_refusal(
            ProblemKind::TenantNotConnected,
            tenant,
            "No credentials for Microsoft Graph are stored for the tenant.",
            "An operator of the installation stores them with: atlas tenant credentials set",
        ),
        AdmitError::Store(error) => error.into(),
    }
}

/// Starts a run that repeats no other.
pub(super) async fn start(
    permit: SyncPermit,
    inputs: RunInputs,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let start = StartRun {
        run_id: RunId::mint(&*state.clock, &*state.entropy),
        inputs,
        request_id: context.id,
        origin: context.origin.clone(),
        retry_of: None,
        priority: 0,
    };
    admit_and_ring(permit, start, context, state).await
}

/// Records or joins the run and rings for the workers.
pub(super) async fn admit_and_ring(
    permit: SyncPermit,
    start: StartRun,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let (tenant, role) = (permit.tenant_id(), permit.role());
    let kind = start.inputs.kind();
    let admission = state.store.admit(permit, start).await;
    let admission = admission.map_err(|error| not_admitted(error, tenant))?;
    let disposition = match admission {
        Admission::Created(_) => "created",
        Admission::Joined(_) => "joined",
    };
    STARTS.add(&[kind.as_str(), disposition], 1);
    match admission {
        Admission::Joined(run) => Ok(accepted(Disposition::Joined, run, role, &state)),
        Admission::Created(run) => {
            crash_point!("api.after_commit");
            match state.doorbell.ring(run.id, Some(&context.trace)).await {
                // Rung, or so many are outstanding that workers find it by themselves.
                Ok(_) => {
                    crash_point!("api.after_push");
                    Ok(accepted(Disposition::Created, run, role, &state))
                }
                Err(fault) => not_rung(run.id, kind, fault, role, &state).await,
            }
        }
    }
}

/// The run ends as failed and its initiator is notified, unless a worker has it after all.
async fn not_rung(
    run: RunId,
    kind: OperationKind,
    fault: RedisFault,
    role: Role,
    state: &AppState,
) -> Result<Answer<StartedRun>, Problem> {
    crash_point!("api.before_fail_dispatch");
    match state.store.fail_dispatch(run, kind).await? {
        DispatchFailure::Taken(run) => Ok(accepted(Disposition::Created, run, role, state)),
        DispatchFailure::Failed(run) => Err(queue_unavailable(run.id, &state.links).because(fault)),
    }
}

fn accepted(
    disposition: Disposition,
    run: OperationRun,
    role: Role,
    state: &AppState,
) -> Answer<StartedRun> {
    let now = state.clock.now();
    let location = state.links.run(run.id).self_;
    let run = wire::OperationRun::new(RunView { run, role }, &state.links, now);
    let ask_again = run.ask_again(now);
    Answer::accepted(StartedRun { disposition, run })
        .header(header::LOCATION, &location)
        .ask_again(ask_again)
}
