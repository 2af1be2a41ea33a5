//! The history of a tenant's syncs.

use actix_web::{get, web};
use atlas_domain::ids::RunId;
use chrono::{DateTime, Utc};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::inventory::InventorySyncRun;

/// List inventory sync runs
///
/// Lists the inventory syncs of the tenant that a worker has started, newest first, with their results.
#[utoipa::path(
    tag = "inventory",
    responses((
        status = 200,
        description = "A page of syncs.",
        body = Page<InventorySyncRun>,
        example = Page::<InventorySyncRun>::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-sync-runs")]
pub(crate) async fn list_inventory_sync_runs(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventorySyncRun>>, Problem> {
    let paging = Paging::<DateTime<Utc>, RunId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let syncs = state.store.sync_runs(tenant, paging.request()).await?;
    Ok(paging.page(
        &state.links,
        syncs,
        |sync| (sync.created_at, sync.run_id),
        |sync| InventorySyncRun::new(sync, &state.links),
    ))
}
