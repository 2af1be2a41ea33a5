//! How much work waits.

use actix_web::{get, web};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::operator::{Operator, OperatorsOnly};
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::system::QueueList;

/// List queues
///
/// How the runs of each kind stand in the whole installation, over all tenants; numbers only. The
/// list is complete: it has no pages. Only operators of the installation may read it.
#[utoipa::path(
    tag = "system",
    responses(
        (
            status = 200,
            description = "All queues.",
            body = QueueList,
            example = QueueList::example,
        ),
        OperatorsOnly,
    ),
)]
#[get("/system/queues")]
pub(crate) async fn list_queues(
    _operator: Operator,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<QueueList>, Problem> {
    query.finish()?;
    Ok(Answer::ok(QueueList::new(state.store.queue_stats().await?)))
}
