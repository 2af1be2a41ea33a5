//! Repeats a run.

use actix_web::{post, web};
use atlas_domain::access::can_sync_tenant;
use atlas_domain::audit::AuditAction;
use atlas_domain::run::{RetryScope, RunInputs, Status};
use atlas_store::{AdmitError, RunView};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

use super::run_problem;
use crate::access::MemberScope;
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::{self, Example};
use crate::extract::body::JsonBody;
use crate::extract::idempotency_key::IdempotencyKey;
use crate::extract::query::QueryReader;
use crate::extract::run_scope::RunScope;
use crate::links::Links;
use crate::problem::{Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::routes::start::{
    Wishes, check_priority, forbidden, key_reused_refusal, not_admitted, queue_refusal, start,
};
use crate::state::AppState;
use crate::wire::run::{self, StartedRun};

/// What the new run repeats. The member and the body itself are optional.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = RetryRequest)]
pub(crate) struct RetryBody {
    /// The part of the run that is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = "all")]
    scope: Option<Scope>,
    /// Whether the run goes before others that wait. Requires the permission `can_set_priority` if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = "normal")]
    priority: Option<run::Priority>,
}

/// The part of a run that is repeated.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RetryScope)]
pub(crate) enum Scope {
    /// The whole run.
    All,
    /// Policy types that the run failed to read or did not reach.
    FailedOnly,
}

impl Example for RetryBody {
    fn example() -> Self {
        Self {
            scope: Some(Scope::FailedOnly),
            priority: None,
        }
    }
}

const MEMBERS: [&str; 2] = ["scope", "priority"];

impl From<Scope> for RetryScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => Self::All,
            Scope::FailedOnly => Self::FailedOnly,
        }
    }
}

fn not_terminal(view: RunView, links: &Links, now: DateTime<Utc>) -> Problem {
    let detail = "The run has not ended; what is still active cannot be repeated.";
    run_problem(ProblemKind::RunNotTerminal, detail, view, links, now)
}

fn nothing_failed(view: RunView, links: &Links, now: DateTime<Utc>) -> Problem {
    let detail = "The run read every policy type that it was asked for; nothing of it failed.";
    run_problem(ProblemKind::RunNotRetryable, detail, view, links, now)
}

/// The refusals of a retry: its own, and those of a start.
struct RetryRefusals;

impl IntoResponses for RetryRefusals {
    fn responses() -> Responses {
        let (links, now) = (example::links(), example::moment());
        let not_admitted = |error| not_admitted(error, example::TENANT);
        refusals([
            forbidden(),
            key_reused_refusal(),
            Refusal::new(
                "NotRetryable",
                "The run has not ended or has nothing to retry, or the tenant is disabled or not \
                 connected.",
            )
            .with(not_terminal(run::example::running_view(), &links, now))
            .with(nothing_failed(run::example::completed_view(), &links, now))
            .with(not_admitted(AdmitError::TenantDisabled))
            .with(not_admitted(AdmitError::NotConnected)),
            queue_refusal(),
        ])
    }
}

/// Retry an operation run
///
/// Creates a run that repeats a completed run and refers to it in `retry_of`; the completed run does not
/// change. Like a start, a retry joins an active run with the same selection, and responds with 503 and
/// the links of a failed run if the job queue is not available. With the scope `failed_only`, the new run
/// reads only the policy types that the completed run failed to read or did not reach. If there are none,
/// or the run has not ended, the response is 409 with the member `run`.
#[utoipa::path(
    tag = "operation-runs",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(
        content = Option<RetryBody>,
        description = "What to repeat. If omitted, the whole run.",
        example = RetryBody::example,
    ),
    responses(
        (
            status = 202,
            description = "The new run was created or joined.",
            body = StartedRun,
            headers(("Location"), ("Retry-After"), ("Idempotent-Replayed")),
            example = run::example::retry,
        ),
        RetryRefusals,
    ),
)]
#[post("/operation-runs/{run_id}/retry")]
pub(crate) async fn retry_operation_run(
    scope: RunScope,
    key: IdempotencyKey,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let denied = AuditAction::RunRetryDenied;
    let permit = scope
        .permit(can_sync_tenant, denied, &state, &context)
        .await?;
    query.finish()?;
    let body: RetryBody = body.read(&MEMBERS).await?.unwrap_or_default();
    let how_much = body
        .scope
        .map_or_else(RetryScope::default, RetryScope::from);
    let priority = body.priority.unwrap_or_default().into();
    check_priority(priority, &scope, denied, &state, &context).await?;
    let wishes = Wishes {
        key: key.read()?,
        priority,
        retry_of: Some(scope.run_id()),
    };
    let inputs = inputs(scope, how_much, &state).await?;
    start(permit, inputs, wishes, context, state).await
}

async fn inputs(
    scope: RunScope,
    how_much: RetryScope,
    state: &AppState,
) -> Result<RunInputs, Problem> {
    let view = scope.into_view();
    if view.run.state.status() != Status::Completed {
        return Err(not_terminal(view, &state.links, state.clock.now()));
    }
    let results = match how_much {
        RetryScope::All => Vec::new(),
        RetryScope::FailedOnly => state.store.run_results(&view).await?,
    };
    let inputs = view.run.inputs.for_retry(how_much, &results);
    inputs.map_err(|_| nothing_failed(view, &state.links, state.clock.now()))
}
