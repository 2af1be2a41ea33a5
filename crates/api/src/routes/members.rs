//! The members of a tenant.

use actix_web::{get, web};
use atlas_domain::ids::UserId;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::member::Member;

/// List members
///
/// Lists the members of the tenant by name, with their roles: the users that filters by initiator and
/// actor can name.
#[utoipa::path(
    tag = "tenants",
    responses((
        status = 200,
        description = "A page of members.",
        body = Page<Member>,
        example = Page::<Member>::example,
    )),
)]
#[get("/tenants/{tenant_id}/members")]
pub(crate) async fn list_members(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<Member>>, Problem> {
    let paging = Paging::<String, UserId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let members = state.store.member_page(tenant, paging.request()).await?;
    Ok(paging.page(
        &state.links,
        members,
        |member| (member.display_name.clone(), member.id),
        Member::from,
    ))
}
