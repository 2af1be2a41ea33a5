//! Runs that are active or have just ended.

use actix_web::{get, web};
use atlas_domain::run::OperationKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::OperationKindWord;
use crate::answer::Answer;
use crate::example::{self as story, Example};
use crate::extract::actor::Actor;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run::{OperationRun, example};

/// Runs at most.
const LIMIT: u16 = 20;
/// After how many seconds to ask again while nothing is active.
const IDLE: u64 = 10;

/// Active runs, and runs that have just ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveOperationRuns {
    /// The runs: yours first, and each newest first.
    #[schema(max_items = 20)]
    items: Vec<OperationRun>,
    /// Whether there are more than these.
    more: bool,
}

impl Example for ActiveOperationRuns {
    fn example() -> Self {
        Self {
            items: vec![example::running_of_list()],
            more: false,
        }
    }
}

/// List active operation runs
///
/// Lists up to 20 runs in your tenants that are queued or running, or ended within the last minute: those
/// that you started first, each newest first and without `selection`. Poll after the number of seconds in `Retry-After`.
#[utoipa::path(
    tag = "operation-runs",
    params(
        (
            "tenant_id" = Option<Vec<Uuid>>, Query,
            description = "Only runs of these tenants.",
            max_items = 100, example = json!([story::TENANT]),
        ),
        (
            "kind" = inline(Option<Vec<OperationKindWord>>), Query,
            description = "Only runs of these kinds, such as inventory_sync.",
            max_items = 100, example = json!([OperationKind::InventorySync.as_str()]),
        ),
        (
            "initiator" = Option<String>, Query,
            description = "Only runs that this user started: an identifier, or `me`.",
            min_length = 2, max_length = 36,
            pattern = "^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
            example = "me",
        ),
    ),
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
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<ActiveOperationRuns>, Problem> {
    let filter = super::filter(&mut query, &actor);
    query.finish()?;
    let user = actor.user_id();
    let active = state.store.active_runs(user, &filter, LIMIT).await?;
    let now = state.clock.now();
    let items: Vec<_> = active
        .runs
        .into_iter()
        .map(|view| OperationRun::listed(view, &state.links, now))
        .collect();
    let soonest = items.iter().filter_map(|run| run.ask_again(now)).min();
    let more = active.more;
    Ok(Answer::ok(ActiveOperationRuns { items, more })
        .tagged_by(|answer| (OperationRun::all_steady(&answer.items), more))
        .ask_again(soonest.or(Some(IDLE))))
}
