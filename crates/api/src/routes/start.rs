//! Starting a run of any kind: admission, and the ring for the workers.

use actix_web::http::header::{self, HeaderName};
use actix_web::web;
use atlas_domain::access::priority::can_set_priority;
use atlas_domain::access::{Permission, Role, SyncPermit};
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::run::identity::RunIdentity;
use atlas_domain::run::{OperationKind, OperationRun, Priority, RunInputs};
use atlas_queue::RedisFault;
use atlas_store::{Admission, AdmitError, DispatchFailure, RunView, StartRun, UsedKey};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::STARTS;
use chrono::{DateTime, Utc};
use serde_json::json;
use utoipa::IntoResponses;

use crate::access::{self, MemberScope};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example;
use crate::extract::idempotency_key::start_key;
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
            forbidden(),
            key_reused_refusal(),
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

/// The refusal of a member who may not start, or may not start before others.
pub(super) fn forbidden() -> Refusal {
    access::refusal(Permission::CanSyncTenant)
        .with(access::not_permitted(Permission::CanSetPriority))
}

/// The refusal of a key that belongs to another start.
pub(super) fn key_reused_refusal() -> Refusal {
    Refusal::new(
        "IdempotencyKeyReused",
        "The idempotency key was used for another request.",
    )
    .with(key_reused(example::moment()))
}

fn key_reused(first_seen_at: DateTime<Utc>) -> Problem {
    Problem::new(
        ProblemKind::IdempotencyKeyReused,
        "The idempotency key was used for another start in the last 24 hours.",
    )
    .with("first_seen_at", json!(first_seen_at))
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
        AdmitError::NotMember => Problem::not_found(),
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
        AdmitError::KeyReused(used) => key_reused(used.used_at),
        AdmitError::Store(error) => error.into(),
    }
}

/// How a start is to be recorded, beside what it reads.
pub(super) struct Wishes {
    pub(super) key: Option<String>,
    pub(super) priority: Priority,
    pub(super) retry_of: Option<RunId>,
}

/// Starts a run. Only some members may start one before those of others.
pub(super) async fn start(
    permit: SyncPermit,
    inputs: RunInputs,
    wishes: Wishes,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let priority = wishes.priority.value();
    let key = wishes.key.map(|key| {
        let identity = RunIdentity::of(permit.tenant_id(), &inputs);
        start_key(key, &identity, wishes.retry_of, priority)
    });
    let start = StartRun {
        run_id: RunId::mint(&*state.clock, &*state.entropy),
        inputs,
        request_id: context.id,
        origin: context.origin.clone(),
        retry_of: wishes.retry_of,
        priority,
        key,
    };
    admit_and_ring(permit, start, context, state).await
}

/// Refuses a priority that the member may not set, and records that.
pub(super) async fn check_priority(
    priority: Priority,
    scope: &impl MemberScope,
    denied: AuditAction,
    state: &AppState,
    context: &RequestContext,
) -> Result<(), Problem> {
    if priority == Priority::Normal {
        return Ok(());
    }
    let permit = scope.permit_now(can_set_priority, denied, state, context);
    permit.await.map(drop)
}

/// Records or joins the run and rings for the workers.
async fn admit_and_ring(
    permit: SyncPermit,
    start: StartRun,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let (tenant, user, role) = (permit.tenant_id(), permit.user_id(), permit.role());
    let (kind, retry_of) = (start.inputs.kind(), start.retry_of);
    let admission = match state.store.admit(permit, start).await {
        Ok(admission) => admission,
        Err(error) => return Err(refused(error, tenant, user, retry_of, &context, &state).await),
    };
    match &admission {
        Admission::Created(_) => STARTS.add(&[kind.as_str(), "created"], 1),
        Admission::Joined(_) => STARTS.add(&[kind.as_str(), "joined"], 1),
        // It was counted when it was made.
        Admission::Repeated(_) => {}
    }
    match admission {
        Admission::Joined(run) => Ok(accepted(Disposition::Joined, run, role, &state).light()),
        Admission::Repeated(used) => repeated(&used, user, &state).await,
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

/// What a start that was not admitted is answered with. A role that changed since the permit was given
/// is recorded as it is before one is given.
async fn refused(
    error: AdmitError,
    tenant: TenantId,
    user: UserId,
    retry_of: Option<RunId>,
    context: &RequestContext,
    state: &AppState,
) -> Problem {
    state.memberships.remove(&(user, tenant));
    if !matches!(error, AdmitError::NotPermitted) {
        return not_admitted(error, tenant);
    }
    let member = match state.store.membership(tenant, user).await {
        Ok(Some(member)) => member,
        Ok(None) => return Problem::not_found(),
        Err(error) => return error.into(),
    };
    let (target, denied) = match retry_of {
        None => (("tenant", tenant.to_string()), AuditAction::RunStartDenied),
        Some(run) => (
            ("operation_run", run.to_string()),
            AuditAction::RunRetryDenied,
        ),
    };
    let permission = Permission::CanSyncTenant;
    let denied = access::deny(member, target, permission, denied, state, context).await;
    denied.unwrap_or_else(|failure| failure)
}

/// The answer of a start that was made before: its run as it is now.
async fn repeated(
    used: &UsedKey,
    user: UserId,
    state: &AppState,
) -> Result<Answer<StartedRun>, Problem> {
    let view = state.store.run_view(user, used.run_id).await?;
    let RunView { run, role } = view.ok_or_else(Problem::not_found)?;
    let disposition = if used.joined {
        Disposition::Joined
    } else {
        Disposition::Created
    };
    let name = HeaderName::from_static("idempotent-replayed");
    Ok(accepted(disposition, run, role, state)
        .header(name, "true")
        .light())
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
