//! How many runs there are.

use actix_web::{get, web};
use atlas_domain::run::{OperationKind, Outcome, Status};

use super::OperationKindWord;
use super::list::filter;
use crate::answer::Answer;
use crate::example::{self, Example};
use crate::extract::actor::Actor;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run as wire;
use crate::wire::run::OperationRunCounts;

/// Runs are counted up to here.
const CAP: i64 = 10_000;

/// Count operation runs
///
/// Counts the runs of all your tenants by status and outcome, up to 10,000: if there are more, the newest
/// 10,000 are counted, and `capped` reports that there may be more. The filters are those of the list.
#[utoipa::path(
    tag = "operation-runs",
    params(
        (
            "tenant_id" = Option<Vec<Uuid>>, Query,
            description = "Only runs of these tenants.",
            max_items = 100, example = json!([example::TENANT]),
        ),
        (
            "kind" = inline(Option<Vec<OperationKindWord>>), Query,
            description = "Only runs of these kinds, such as inventory_sync.",
            max_items = 100, example = json!([OperationKind::InventorySync.as_str()]),
        ),
        (
            "status" = Option<Vec<wire::Status>>, Query,
            description = "Only runs with these statuses.",
            max_items = 100, example = json!([Status::Queued.as_str()]),
        ),
        (
            "outcome" = Option<Vec<wire::Outcome>>, Query,
            description = "Only runs with these outcomes.",
            max_items = 100, example = json!([Outcome::Failed.as_str()]),
        ),
        (
            "initiator" = Option<String>, Query,
            description = "Only runs that this user started: an identifier, or `me`.",
            min_length = 2, max_length = 36,
            pattern = "^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
            example = "me",
        ),
        (
            "created_after" = Option<DateTime<Utc>>, Query,
            description = "Only runs created after this time.",
            example = "2026-05-01T00:00:00Z",
        ),
        (
            "created_before" = Option<DateTime<Utc>>, Query,
            description = "Only runs created before this time.",
            example = "2026-06-01T00:00:00Z",
        ),
    ),
    responses((
        status = 200,
        description = "The counts.",
        body = OperationRunCounts,
        example = OperationRunCounts::example,
    )),
)]
#[get("/operation-runs/counts")]
pub(crate) async fn count_operation_runs(
    actor: Actor,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<OperationRunCounts>, Problem> {
    let filter = filter(&mut query, &actor);
    query.finish()?;
    let user = actor.user_id();
    let counted = state.store.count_runs(user, &filter, CAP).await?;
    Ok(Answer::ok(OperationRunCounts::new(&counted, CAP)))
}
