//! Stopping a run.

use actix_web::http::header;
use actix_web::{HttpRequest, post, web};
use atlas_domain::access::cancellation::{CancelPermit, can_cancel_run};
use atlas_domain::audit::AuditAction;
use atlas_domain::run::CancelReason;
use atlas_store::{CancelError, Cancellation, SeenRun};
use chrono::{DateTime, Utc};
use utoipa::IntoResponses;

use super::{membership, record_denial, run_problem};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::{self, Example};
use crate::extract::actor::Actor;
use crate::extract::body::JsonBody;
use crate::extract::path::path_id;
use crate::extract::query::QueryReader;
use crate::links::Links;
use crate::problem::{FieldProblem, Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::wire::cancel::CancelBody;
use crate::wire::run::{self, OperationRun};

const MEMBERS: [&str; 1] = ["reason"];

fn not_permitted() -> Problem {
    Problem::new(
        ProblemKind::Forbidden,
        "Your role in the run's tenant does not permit you to cancel its runs.",
    )
    .with("required_permission", "can_cancel_run")
}

fn already_ended(seen: SeenRun, links: &Links, now: DateTime<Utc>) -> Problem {
    let detail = "The run has ended; there is nothing to cancel.";
    run_problem(ProblemKind::RunAlreadyTerminal, detail, seen, links, now)
}

/// The refusals of a cancellation.
struct CancelRefusals;

impl IntoResponses for CancelRefusals {
    fn responses() -> Responses {
        let seen = run::example::seen_completed();
        refusals([
            Refusal::new("CancelForbidden", "Your role does not permit this.")
                .with(not_permitted()),
            Refusal::new("NotCancellable", "The run has ended.").with(already_ended(
                seen,
                &example::links(),
                example::moment(),
            )),
        ])
    }
}

/// Cancel an operation run
///
/// A queued run ends as cancelled at once (200). The worker of a running run is asked to stop (202):
/// it learns of it within seconds, and by `cancel.deadline_at` the run ends as cancelled whatever
/// its worker does. What was read until then stays. Repeating a cancellation is always safe: it
/// answers the same and changes nothing. A run that has ended otherwise is refused with 409 and
/// shown in the member `run`.
#[utoipa::path(
    tag = "operation-runs",
    request_body(
        content = Option<CancelBody>,
        description = "Why; nothing when left out.",
        example = CancelBody::example,
    ),
    responses(
        (
            status = 200,
            description = "The run has ended as cancelled.",
            body = OperationRun,
            example = run::example::cancelled,
        ),
        (
            status = 202,
            description = "The worker of the run is asked to stop.",
            body = OperationRun,
            headers(("Location"), ("Retry-After")),
            example = run::example::asked_to_stop,
        ),
        CancelRefusals,
    ),
)]
#[post("/operation-runs/{run_id}/cancel")]
pub(crate) async fn cancel_operation_run(
    actor: Actor,
    request: HttpRequest,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<OperationRun>, Problem> {
    let run_id = path_id(&request, "run_id")?;
    let seen = state.store.seen_run(actor.user_id(), run_id).await?;
    let seen = seen.ok_or_else(Problem::not_found)?;
    let permit = permit(&actor, &seen, &state, &context).await?;
    query.finish()?;
    let reason = reason(body).await?;
    let role = permit.role();
    let asked = state
        .store
        .cancel_run(permit, run_id, reason.as_ref(), context.id);
    let now = state.clock.now();
    match asked.await {
        Ok(Cancellation::Cancelled(run)) => {
            let seen = SeenRun { run, role };
            Ok(Answer::ok(OperationRun::new(seen, &state.links, now)))
        }
        Ok(Cancellation::Requested(run)) => {
            let run = OperationRun::new(SeenRun { run, role }, &state.links, now);
            let ask_again = run.ask_again(now);
            Ok(Answer::accepted(run)
                .header(header::LOCATION, &state.links.run(run_id).self_)
                .ask_again(ask_again))
        }
        Err(CancelError::NotPermitted) => Err(not_permitted()),
        Err(CancelError::AlreadyTerminal(run)) => Err(already_ended(
            SeenRun { run: *run, role },
            &state.links,
            now,
        )),
        Err(CancelError::Store(error)) => Err(error.into()),
    }
}

/// The proof that the caller may cancel; a refusal is recorded.
async fn permit(
    actor: &Actor,
    seen: &SeenRun,
    state: &AppState,
    context: &RequestContext,
) -> Result<CancelPermit, Problem> {
    match can_cancel_run(&membership(actor, seen)) {
        Ok(permit) => Ok(permit),
        Err(denied) => {
            let action = AuditAction::RunCancelDenied;
            record_denial(state, seen, actor, context, action, denied).await?;
            Err(not_permitted())
        }
    }
}

async fn reason(body: JsonBody) -> Result<Option<CancelReason>, Problem> {
    let body: CancelBody = body.read(&MEMBERS).await?.unwrap_or_default();
    let Some(text) = body.reason else {
        return Ok(None);
    };
    CancelReason::parse(&text).map_err(|error| Problem::invalid(vec![FieldProblem::from(error)]))
}
