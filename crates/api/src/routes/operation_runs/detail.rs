//! One run.

use actix_web::{HttpRequest, get, web};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::path::path_id;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run::OperationRun;

/// Get an operation run
///
/// While the run is active `Retry-After` says when to look again. With `If-None-Match` a run that
/// has not changed costs no body.
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
    actor: Actor,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<OperationRun>, Problem> {
    let run_id = path_id(&request, "run_id")?;
    query.finish()?;
    let seen = state.store.seen_run(actor.user_id(), run_id).await?;
    let seen = seen.ok_or_else(Problem::not_found)?;
    let now = state.clock.now();
    let run = OperationRun::new(seen, &state.links, now);
    let ask_again = run.ask_again(now);
    Ok(Answer::ok(run).ask_again(ask_again))
}
