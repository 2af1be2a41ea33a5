//! Asking for the work of a run again.

use actix_web::{HttpRequest, post, web};
use atlas_domain::access::{SyncPermit, can_sync_tenant};
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::RunId;
use atlas_domain::run::{RetryScope, RunInputs, Status};
use atlas_store::{SeenRun, StartRun};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{membership, record_denial, run_problem};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::extract::actor::Actor;
use crate::extract::body::JsonBody;
use crate::extract::path::path_id;
use crate::extract::query::QueryReader;
use crate::problem::{Problem, ProblemKind};
use crate::routes::start::{admit_and_ring, not_permitted};
use crate::state::AppState;
use crate::wire::run::StartedRun;

/// What of a run is asked for again. The member may be left out, and so may the whole body.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = RetryRequest)]
pub(crate) struct RetryBody {
    /// How much.
    #[schema(default = "all")]
    scope: Option<Scope>,
}

/// How much of a run is asked for again.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RetryScope)]
pub(crate) enum Scope {
    /// All that the run was asked with.
    All,
    /// Only the policy types that the run failed to read or did not come to.
    FailedOnly,
}

const MEMBERS: [&str; 1] = ["scope"];

impl From<Scope> for RetryScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => Self::All,
            Scope::FailedOnly => Self::FailedOnly,
        }
    }
}

/// Retry an operation run
///
/// Asks for the work of a run that has ended again. The run stays as it is; the new one names it in
/// `retry_of`. Like a start it joins the same run when that is active, answers 503 with the links of
/// a failed run when the job queue is not available, and is always safe to repeat. With the scope
/// `failed_only` the new run reads only the policy types that this one failed to read or did not
/// come to; when there is none, it is refused with 409. So is a run that has not ended.
#[utoipa::path(
    tag = "operation-runs",
    request_body(content = RetryBody, description = "How much; all when left out."),
    responses((status = 202, description = "A run was recorded, or joined.", body = StartedRun)),
)]
#[post("/operation-runs/{run_id}/retry")]
pub(crate) async fn retry_operation_run(
    actor: Actor,
    request: HttpRequest,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let run_id = path_id(&request, "run_id")?;
    let seen = state.store.seen_run(actor.user_id(), run_id).await?;
    let seen = seen.ok_or_else(Problem::not_found)?;
    let permit = permit(&actor, &seen, &state, &context).await?;
    query.finish()?;
    let body: RetryBody = body.read(&MEMBERS).await?.unwrap_or_default();
    let scope = body
        .scope
        .map_or_else(RetryScope::default, RetryScope::from);
    let start = StartRun {
        run_id: RunId::mint(&*state.clock, &*state.entropy),
        inputs: inputs(&actor, seen, scope, &state).await?,
        request_id: context.id,
        retry_of: Some(run_id),
        priority: 0,
    };
    admit_and_ring(permit, start, context, state).await
}

/// The proof that the caller may start what is to be repeated; a refusal is recorded.
async fn permit(
    actor: &Actor,
    seen: &SeenRun,
    state: &AppState,
    context: &RequestContext,
) -> Result<SyncPermit, Problem> {
    match can_sync_tenant(&membership(actor, seen)) {
        Ok(permit) => Ok(permit),
        Err(denied) => {
            let action = AuditAction::RunRetryDenied;
            record_denial(state, seen, actor, context, action, denied).await?;
            Err(not_permitted())
        }
    }
}

async fn inputs(
    actor: &Actor,
    seen: SeenRun,
    scope: RetryScope,
    state: &AppState,
) -> Result<RunInputs, Problem> {
    if seen.run.state.status() != Status::Completed {
        return Err(run_problem(
            ProblemKind::RunNotTerminal,
            "The run has not ended; what is still active cannot be repeated.",
            seen,
            state,
        ));
    }
    let results = match scope {
        RetryScope::All => Vec::new(),
        RetryScope::FailedOnly => {
            let results = state
                .store
                .run_results(actor.user_id(), seen.run.id)
                .await?;
            results.ok_or_else(Problem::not_found)?
        }
    };
    seen.run.inputs.for_retry(scope, &results).map_err(|_| {
        run_problem(
            ProblemKind::RunNotRetryable,
            "The run read every policy type that it was asked for; nothing of it failed.",
            seen,
            state,
        )
    })
}
