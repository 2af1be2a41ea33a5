//! Counts of inventory items.

use actix_web::{get, web};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::inventory::InventorySummary;

/// Get the inventory summary
///
/// Returns the number of items in the tenant, in total and per policy type, as of the last sync that
/// read the policy type.
#[utoipa::path(
    tag = "inventory",
    responses((
        status = 200,
        description = "The counts.",
        body = InventorySummary,
        example = InventorySummary::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-summary")]
pub(crate) async fn get_inventory_summary(
    scope: TenantScope,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<InventorySummary>, Problem> {
    query.finish()?;
    let types = state.store.inventory_summary(scope.tenant_id()).await?;
    Ok(Answer::ok(InventorySummary::new(types)))
}
