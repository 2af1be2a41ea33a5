//! Tenants of the caller.

use actix_web::{get, web};
use atlas_domain::ids::TenantId;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::query::{QueryReader, ascending};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::tenant::Tenant;

/// List tenants
///
/// Lists your tenants by name, ascending unless `sort` says otherwise, with your role and permissions and the state of their syncs.
#[utoipa::path(
    tag = "tenants",
    params((
        "sort" = Option<String>, Query,
        description = "The order: by ascending names (`name`, the default) or by descending names (`-name`).",
        max_length = 5, pattern = "^(name|-name)$", example = "-name",
    )),
    responses((
        status = 200,
        description = "A page of tenants.",
        body = Page<Tenant>,
        example = Page::<Tenant>::example,
    )),
)]
#[get("/tenants")]
pub(crate) async fn list_tenants(
    actor: Actor,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<Tenant>>, Problem> {
    let ascending = query.one("sort", ascending("name")).unwrap_or(true);
    let paging = Paging::<String, TenantId>::read(&mut query);
    query.finish()?;
    let (user, page) = (actor.user_id(), paging.request());
    let tenants = state.store.tenants_of(user, !ascending, page).await?;
    Ok(paging.page(
        &state.links,
        tenants,
        |tenant| (tenant.name.clone(), tenant.id),
        Tenant::from,
    ))
}

/// Get a tenant
///
/// Returns the tenant with your role and permissions and the state of its syncs.
#[utoipa::path(
    tag = "tenants",
    responses((
        status = 200,
        description = "The tenant.",
        body = Tenant,
        example = Tenant::example,
    )),
)]
#[get("/tenants/{tenant_id}")]
pub(crate) async fn get_tenant(
    scope: TenantScope,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Tenant>, Problem> {
    query.finish()?;
    let (tenant, user) = (scope.tenant_id(), scope.user_id());
    let tenant = state.store.tenant_of(tenant, user).await?;
    let tenant = tenant.ok_or_else(Problem::not_found)?;
    Ok(Answer::ok(Tenant::from(tenant)))
}
