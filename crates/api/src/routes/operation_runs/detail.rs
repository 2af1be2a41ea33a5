//! One run.

use actix_web::{get, web};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::QueryReader;
use crate::extract::run_scope::RunScope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run::OperationRun;

/// Get an operation run
///
/// Returns the run. While it is active, poll after the number of seconds in `Retry-After`, and send
/// `If-None-Match` to receive a body only when the run has changed: heartbeats and `updated_at` alone are
/// no change.
#[utoipa::path(
    tag = "operation-runs",
    responses((
        status = 200,
        description = "The run.",
        body = OperationRun,
        headers(("Retry-After")),
        example = OperationRun::example,
    )),
)]
#[get("/operation-runs/{run_id}")]
pub(crate) async fn get_operation_run(
    scope: RunScope,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<OperationRun>, Problem> {
    query.finish()?;
    let now = state.clock.now();
    let run = OperationRun::new(scope.into_view(), &state.links, now);
    let ask_again = run.ask_again(now);
    Ok(Answer::ok(run)
        .tagged_by(OperationRun::steady)
        .ask_again(ask_again))
}
