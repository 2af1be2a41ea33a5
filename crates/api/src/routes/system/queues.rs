//! Numbers of runs per kind.

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
/// Lists the numbers of queued and running runs per kind, over all tenants. The list is not paginated.
/// Requires the permission `can_operate_installation`.
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
