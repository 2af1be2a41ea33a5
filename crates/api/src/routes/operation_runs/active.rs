//! Runs that are active or have just ended.

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run::{OperationRun, example};

/// Runs at most.
const LIMIT: i64 = 20;
/// After how many seconds to ask again while nothing is active.
const IDLE: u64 = 10;

/// Active runs, and runs that have just ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveOperationRuns {
    /// The runs, newest first.
    #[schema(max_items = 20)]
    items: Vec<OperationRun>,
}

impl Example for ActiveOperationRuns {
    fn example() -> Self {
        Self {
            items: vec![example::running_of_list()],
        }
    }
}

/// List active operation runs
///
/// Lists up to 20 runs in your tenants that are queued or running, or ended within the last minute;
/// newest first and without `selection`. Poll after the number of seconds in `Retry-After`.
#[utoipa::path(
    tag = "operation-runs",
    responses((
        status = 200,
        description = "Active and just ended runs.",
        body = ActiveOperationRuns,
        headers(("Retry-After")),
        example = ActiveOperationRuns::example,
    )),
)]
#[get("/operation-runs/active")]
pub(crate) async fn list_active_operation_runs(
    actor: Actor,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<ActiveOperationRuns>, Problem> {
    query.finish()?;
    let runs = state.store.active_runs(actor.user_id(), LIMIT).await?;
    let now = state.clock.now();
    let items: Vec<_> = runs
        .into_iter()
        .map(|view| OperationRun::listed(view, &state.links, now))
        .collect();
    let soonest = items.iter().filter_map(|run| run.ask_again(now)).min();
    Ok(Answer::ok(ActiveOperationRuns { items }).ask_again(soonest.or(Some(IDLE))))
}
