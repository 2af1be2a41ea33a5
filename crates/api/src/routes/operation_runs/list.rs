//! Runs, newest first.

use actix_web::{get, web};
use atlas_domain::ids::RunId;
use atlas_domain::run::{OperationKind, Outcome, Status};
use atlas_store::RunFilter;
use chrono::{DateTime, Utc};

use super::{MAX_VALUES, OperationKindWord};
use crate::answer::Answer;
use crate::example;
use crate::extract::actor::Actor;
use crate::extract::query::{QueryReader, ascending, id, moment, word};
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run as wire;

/// List operation runs
///
/// Lists the runs of all your tenants without `selection`, newest first unless `sort` says otherwise.
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
        (
            "ids" = Option<Vec<Uuid>>, Query,
            description = "Only these runs, at most 100.",
            max_items = 100, example = json!([example::RUN]),
        ),
        (
            "sort" = Option<String>, Query,
            description = "The order: newest first (`-created_at`, the default) or oldest first (`created_at`).",
            max_length = 11, pattern = "^(created_at|-created_at)$", example = "created_at",
        ),
    ),
    responses((
        status = 200,
        description = "A page of runs.",
        body = Page<wire::OperationRun>,
        example = page,
    )),
)]
#[get("/operation-runs")]
pub(crate) async fn list_operation_runs(
    actor: Actor,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<wire::OperationRun>>, Problem> {
    let filter = RunFilter {
        ids: query.many("ids", MAX_VALUES, id),
        ascending: query.one("sort", ascending("created_at")).unwrap_or(false),
        ..filter(&mut query, &actor)
    };
    let paging = Paging::<DateTime<Utc>, RunId>::read(&mut query);
    query.finish()?;
    let user = actor.user_id();
    let runs = state.store.runs(user, &filter, paging.request()).await?;
    let now = state.clock.now();
    let page = paging.page(
        &state.links,
        runs,
        |view| (view.run.created_at, view.run.id),
        |view| wire::OperationRun::listed(view, &state.links, now),
    );
    Ok(page.tagged_by(|page| {
        let runs = wire::OperationRun::all_steady(&page.items);
        (runs, page.next_cursor.clone(), page.previous_cursor.clone())
    }))
}

fn page() -> Page<wire::OperationRun> {
    Page::of(wire::example::completed_of_list())
}

/// Reads what a list of runs is filtered by, and what counts of it are.
pub(super) fn filter(query: &mut QueryReader, actor: &Actor) -> RunFilter {
    RunFilter {
        status: query.many("status", MAX_VALUES, word),
        outcome: query.many("outcome", MAX_VALUES, word),
        created_after: query.one("created_after", moment),
        created_before: query.one("created_before", moment),
        ..super::filter(query, actor)
    }
}
