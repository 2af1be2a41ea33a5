//! The worker processes.

use actix_web::{get, web};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::operator::{Operator, OperatorsOnly};
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::system::WorkerList;

/// List workers
///
/// Lists the worker processes of the installation with the state that they last reported. Workers that
/// were shut down are not listed; workers that stopped reporting are listed as `silent` for a day. The
/// list is not paginated. Requires the permission `can_operate_installation`.
#[utoipa::path(
    tag = "system",
    responses(
        (
            status = 200,
            description = "All workers.",
            body = WorkerList,
            example = WorkerList::example,
        ),
        OperatorsOnly,
    ),
)]
#[get("/system/workers")]
pub(crate) async fn list_workers(
    operator: Operator,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<WorkerList>, Problem> {
    query.finish()?;
    let workers = state.store.workers(operator.permit()).await?;
    Ok(Answer::ok(WorkerList::new(workers)))
}
