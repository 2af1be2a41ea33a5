//! Counts.

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
/// How many items the tenant has, in all and per policy type. The counts are exact as of the last
/// sync that read the type.
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
