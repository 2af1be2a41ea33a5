//! Pressing sync.

use actix_web::http::header;
use actix_web::{post, web};
use atlas_domain::access::{Role, SyncPermit};
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{RunId, TenantId};
use atlas_domain::run::{OperationRun, RunInputs};
use atlas_domain::selection::{Selection, SelectionRequest};
use atlas_queue::RingError;
use atlas_store::{Admission, AdmitError, DispatchFailure, NewAuditEvent, SeenRun, StartRun};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::STARTS;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::context::RequestContext;
use crate::extract::body::JsonBody;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::{FieldProblem, Problem, ProblemKind};
use crate::state::AppState;
use crate::wire::run::{self as wire, Disposition, StartedRun};

/// After how many seconds a start that Redis did not take is worth repeating.
const RETRY_AFTER: u64 = 5;

/// The refusal of somebody who may not sync the tenant.
pub(super) fn not_permitted() -> Problem {
    Problem::new(
        ProblemKind::Forbidden,
        "Your role in this tenant does not permit you to sync it.",
    )
    .with("required_permission", "can_sync_tenant")
}

fn tenant_refusal(kind: ProblemKind, tenant: TenantId, detail: &str, hint: &str) -> Problem {
    Problem::new(kind, detail)
        .with("tenant_id", tenant.to_string())
        .with("hint", hint)
}

fn not_admitted(error: AdmitError, tenant: TenantId) -> Problem {
    match error {
        AdmitError::NotPermitted => not_permitted(),
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

/// What to read. Every member may be left out, and so may the whole body: the default is every
/// policy type, no category filter, with foundations and dependencies.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = SelectionRequest)]
pub(crate) struct SelectionBody {
    /// Keys of policy types, as GET /policy-types lists them. Foundations are not named here. An
    /// empty list selects none, which leaves the foundations.
    #[schema(max_items = 200)]
    policy_types: Option<Vec<String>>,
    /// Only policy types of these categories. An empty list is no filter.
    #[schema(max_items = 200)]
    categories: Option<Vec<String>>,
    /// Whether to read the objects that policies lean on.
    #[schema(default = true)]
    include_foundations: Option<bool>,
    /// Whether to record what items refer to.
    #[schema(default = true)]
    include_dependencies: Option<bool>,
}

const MEMBERS: [&str; 4] = [
    "policy_types",
    "categories",
    "include_foundations",
    "include_dependencies",
];

/// Start an inventory sync
///
/// Records a run that reads the tenant's policies from Microsoft Graph, or joins the run that is
/// active already with the same selection, and answers at once. Follow the run at `links.self`;
/// `Retry-After` says when to look. When the job queue is not available the run ends as failed and
/// the answer is 503 with its links: start again later. Repeating a start is always safe.
#[utoipa::path(
    tag = "inventory-sync",
    request_body(content = SelectionBody, description = "What to read; everything when left out."),
    responses((status = 202, description = "The run was recorded, or joined.", body = StartedRun)),
)]
#[post("/tenants/{tenant_id}/inventory-sync")]
pub(crate) async fn start_inventory_sync(
    scope: TenantScope,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let permit = permit(&scope, &state, &context).await?;
    query.finish()?;
    let selection = selection(body).await?;
    let start = StartRun {
        run_id: RunId::mint(&*state.clock, &*state.entropy),
        inputs: RunInputs::InventorySync(selection),
        request_id: context.id,
        retry_of: None,
        priority: 0,
    };
    admit_in_a_task(permit, start, context, state).await
}

/// Records or joins the run and rings for the workers, in a task of its own: a caller who hangs up
/// must not leave a run behind that nobody rang for.
pub(super) async fn admit_in_a_task(
    permit: SyncPermit,
    start: StartRun,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let admitted = actix_web::rt::spawn(admit_and_ring(permit, start, context, state));
    admitted
        .await
        .map_err(|error| Problem::internal().because(error))?
}

/// The proof that the caller may sync; a refusal is recorded.
async fn permit(
    scope: &TenantScope,
    state: &AppState,
    context: &RequestContext,
) -> Result<SyncPermit, Problem> {
    match scope.can_sync_tenant() {
        Ok(permit) => Ok(permit),
        Err(denied) => {
            let detail = json!({"role": denied.role.as_str()});
            record_denial(state, scope, context, detail).await?;
            Err(not_permitted())
        }
    }
}

async fn record_denial(
    state: &AppState,
    scope: &TenantScope,
    context: &RequestContext,
    detail: serde_json::Value,
) -> Result<(), Problem> {
    let tenant = scope.tenant_id();
    let event = NewAuditEvent {
        tenant: Some(tenant),
        actor_kind: ActorKind::User,
        actor: Some(scope.user_id().into_uuid()),
        action: AuditAction::RunStartDenied,
        target_kind: "tenant",
        target_id: tenant.to_string(),
        outcome: AuditOutcome::Denied,
        request_id: Some(context.id),
        detail: Some(detail),
    };
    Ok(state.store.record_audit(event).await?)
}

async fn selection(body: JsonBody) -> Result<Selection, Problem> {
    let request: Option<SelectionRequest> = body.read(&MEMBERS).await?;
    request
        .unwrap_or_default()
        .resolve()
        .map_err(|errors| Problem::invalid(errors.into_iter().map(FieldProblem::from).collect()))
}

async fn admit_and_ring(
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
                Err(error) => not_rung(run.id, error, role, &state).await,
            }
        }
    }
}

/// The run ends as failed and its initiator is told, unless a worker has it after all.
async fn not_rung(
    run: RunId,
    error: RingError,
    role: Role,
    state: &AppState,
) -> Result<Answer<StartedRun>, Problem> {
    crash_point!("api.before_fail_dispatch");
    match state.store.fail_dispatch(run).await? {
        DispatchFailure::Taken(run) => Ok(accepted(Disposition::Created, run, role, state)),
        DispatchFailure::Failed(run) => {
            let links = serde_json::to_value(state.links.run(run.id))
                .map_err(|error| Problem::internal().because(error))?;
            Err(Problem::new(
                ProblemKind::QueueUnavailable,
                "The run could not be handed to the workers and has ended as failed.",
            )
            .with("run_id", run.id.to_string())
            .with("links", links)
            .retry_after(RETRY_AFTER)
            .because(error))
        }
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
    let run = wire::OperationRun::new(SeenRun { run, role }, &state.links, now);
    let ask_again = run.ask_again(now);
    Answer::accepted(StartedRun { disposition, run })
        .header(header::LOCATION, &location)
        .ask_again(ask_again)
}
