//! Stored groups, by name.

use actix_web::{get, web};
use atlas_domain::directory::{GroupType, LONGEST_SEARCH};
use atlas_domain::ids::GroupId;
use atlas_store::{GroupFilter, GroupPlace};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::{OneOf, QueryReader, text, word};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::Paging;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::directory_group::{CacheState, DirectoryGroup, DirectoryGroupPage};

type GroupTypeWord = OneOf<GroupType>;

/// List directory groups
///
/// Lists the stored groups of the tenant's directory by name. With `q`, groups whose name begins with
/// the text come first, then groups whose name contains it, then similar names; texts of fewer than
/// three characters match only the beginning of names. The response comes from the database:
/// `data_as_of` is the time of the last sync, and `hint` explains how to update it. Deleted groups are
/// not listed.
#[utoipa::path(
    tag = "directory-groups",
    params(
        (
            "q" = Option<String>, Query,
            description = "Search text for the name, case-insensitive.",
            max_length = 256, example = "all st",
        ),
        (
            "type" = inline(Option<GroupTypeWord>), Query,
            description = "Only groups of this type.",
            example = json!(GroupType::Security.as_str()),
        ),
    ),
    responses((
        status = 200,
        description = "A page of groups.",
        body = DirectoryGroupPage,
        example = DirectoryGroupPage::example,
    )),
)]
#[get("/tenants/{tenant_id}/directory-groups")]
pub(crate) async fn list_directory_groups(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<DirectoryGroupPage>, Problem> {
    let filter = GroupFilter {
        q: query.one("q", text(LONGEST_SEARCH)),
        group_type: query.one("type", word),
    };
    let paging = Paging::<GroupPlace, GroupId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    // First how old they are, so that groups are at least as new as is said.
    let reading = state.store.group_reading(tenant).await?;
    let groups = state.store.groups(tenant, &filter, paging.request());
    let groups = groups.await?;
    let now = state.clock.now();
    Ok(paging.page_with(
        &state.links,
        groups,
        |group| (group.place.clone(), group.id),
        DirectoryGroup::from,
        |page| DirectoryGroupPage::new(page, CacheState::new(reading.as_ref(), now)),
    ))
}
