//! Cancels a run.

use actix_web::http::header;
use actix_web::{post, web};
use atlas_domain::access::Permission;
use atlas_domain::access::cancellation::can_cancel_run;
use atlas_domain::audit::AuditAction;
use atlas_domain::run::CancelReason;
use atlas_store::{CancelError, Cancellation, RunView};
use chrono::{DateTime, Utc};
use utoipa::IntoResponses;

use super::run_problem;
use crate::access::{self, MemberScope};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::{self, Example};
use crate::extract::body::JsonBody;
use crate::extract::query::QueryReader;
use crate::extract::run_scope::RunScope;
use crate::links::Links;
use crate::problem::{FieldProblem, Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::wire::cancel::CancelBody;
use crate::wire::run::{self, OperationRun};

const MEMBERS: [&str; 1] = ["reason"];

fn already_ended(view: RunView, links: &Links, now: DateTime<Utc>) -> Problem {
    let detail = "The run has ended; there is nothing to cancel.";
    run_problem(ProblemKind::RunAlreadyTerminal, detail, view, links, now)
}

/// The refusals of a cancellation.
struct CancelRefusals;

impl IntoResponses for CancelRefusals {
    fn responses() -> Responses {
        let view = run::example::completed_view();
        refusals([
            access::refusal(Permission::CanCancelRun),
            Refusal::new("NotCancellable", "The run has ended.").with(already_ended(
                view,
                &example::links(),
                example::moment(),
            )),
        ])
    }
}

/// Cancel an operation run
///
/// A queued run is cancelled immediately (200). For a running run, its worker is asked to stop (202) and
/// the run ends as cancelled by `cancel.deadline_at` at the latest. Data that was already stored is kept.
/// The request is idempotent. If the run has ended with another outcome, the response is 409 with the
/// member `run`.
#[utoipa::path(
    tag = "operation-runs",
    request_body(
        content = Option<CancelBody>,
        description = "The reason. Optional.",
        example = CancelBody::example,
    ),
    responses(
        (
            status = 200,
            description = "The run is cancelled.",
            body = OperationRun,
            example = run::example::cancelled,
        ),
        (
            status = 202,
            description = "The worker was asked to stop the run.",
            body = OperationRun,
            headers(("Location"), ("Retry-After")),
            example = run::example::asked_to_stop,
        ),
        CancelRefusals,
    ),
)]
#[post("/operation-runs/{run_id}/cancel")]
pub(crate) async fn cancel_operation_run(
    scope: RunScope,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<OperationRun>, Problem> {
    let denied = AuditAction::RunCancelDenied;
    let permit = scope
        .permit(can_cancel_run, denied, &state, &context)
        .await?;
    query.finish()?;
    let reason = reason(body).await?;
    let (run_id, role) = (scope.run_id(), permit.role());
    let asked =
        state
            .store
            .cancel_run(permit, run_id, reason.as_ref(), context.id, &context.origin);
    let now = state.clock.now();
    match asked.await {
        Ok(Cancellation::Cancelled(run)) => {
            let view = RunView { run, role };
            Ok(Answer::ok(OperationRun::new(view, &state.links, now)))
        }
        Ok(Cancellation::Requested(run)) => {
            let run = OperationRun::new(RunView { run, role }, &state.links, now);
            let ask_again = run.ask_again(now);
            Ok(Answer::accepted(run)
                .header(header::LOCATION, &state.links.run(run_id).self_)
                .ask_again(ask_again))
        }
        Err(CancelError::NotPermitted) => Err(access::not_permitted(Permission::CanCancelRun)),
        Err(CancelError::AlreadyTerminal(run)) => Err(already_ended(
            RunView { run: *run, role },
            &state.links,
            now,
        )),
        Err(CancelError::Store(error)) => Err(error.into()),
    }
}

async fn reason(body: JsonBody) -> Result<Option<CancelReason>, Problem> {
    let body: CancelBody = body.read(&MEMBERS).await?.unwrap_or_default();
    let Some(text) = body.reason else {
        return Ok(None);
    };
    CancelReason::parse(&text).map_err(|error| Problem::invalid(vec![FieldProblem::from(error)]))
}
