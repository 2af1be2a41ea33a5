//! Asking for the work of a run again.

use actix_web::{HttpRequest, post, web};
use atlas_domain::access::{SyncPermit, can_sync_tenant};
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::RunId;
use atlas_domain::run::{RetryScope, RunInputs, Status};
use atlas_store::{AdmitError, SeenRun, StartRun};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

use super::{membership, record_denial, run_problem};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::{self, Example};
use crate::extract::actor::Actor;
use crate::extract::body::JsonBody;
use crate::extract::path::path_id;
use crate::extract::query::QueryReader;
use crate::links::Links;
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::routes::start::{admit_and_ring, not_admitted, not_permitted, queue_refusal};
use crate::state::AppState;
use crate::wire::run::{self, StartedRun};

/// What of a run is asked for again. The member may be left out, and so may the whole body.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = RetryRequest)]
pub(crate) struct RetryBody {
    /// How much.
    #[serde(skip_serializing_if = "Option::is_none")]
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

impl Example for RetryBody {
    fn example() -> Self {
        Self {
            scope: Some(Scope::FailedOnly),
        }
    }
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

fn not_terminal(seen: SeenRun, links: &Links, now: DateTime<Utc>) -> Problem {
    let detail = "The run has not ended; what is still active cannot be repeated.";
    run_problem(ProblemKind::RunNotTerminal, detail, seen, links, now)
}

fn nothing_failed(seen: SeenRun, links: &Links, now: DateTime<Utc>) -> Problem {
    let detail = "The run read every policy type that it was asked for; nothing of it failed.";
    run_problem(ProblemKind::RunNotRetryable, detail, seen, links, now)
}

/// The refusals of a retry: its own, and those of a start.
struct RetryRefusals;

impl IntoResponses for RetryRefusals {
    fn responses() -> Responses {
        let (links, now) = (example::links(), example::moment());
        let not_admitted = |error| not_admitted(error, example::TENANT);
        refusals([
            Refusal::new("Forbidden", "Your role does not permit this.").with(not_permitted()),
            Refusal::new(
                "NotRetryable",
                "The run has not ended, or nothing of it failed, or the tenant cannot be synced as \
                 it is.",
            )
            .with(not_terminal(run::example::seen_running(), &links, now))
            .with(nothing_failed(run::example::seen_completed(), &links, now))
            .with(not_admitted(AdmitError::TenantDisabled))
            .with(not_admitted(AdmitError::NotConnected)),
            queue_refusal(),
        ])
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
    request_body(
        content = Option<RetryBody>,
        description = "How much; all when left out.",
        example = RetryBody::example,
    ),
    responses(
        (
            status = 202,
            description = "A run was recorded, or joined.",
            body = StartedRun,
            headers(("Location"), ("Retry-After")),
            example = run::example::retry,
        ),
        RetryRefusals,
    ),
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
        return Err(not_terminal(seen, &state.links, state.clock.now()));
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
    let inputs = seen.run.inputs.for_retry(scope, &results);
    inputs.map_err(|_| nothing_failed(seen, &state.links, state.clock.now()))
}
