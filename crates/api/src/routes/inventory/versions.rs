//! What items contain, and what they contained before.

use actix_web::{HttpRequest, get, web};
use atlas_domain::ids::{ItemId, TenantId};
use atlas_domain::inventory::difference::content_difference;
use atlas_store::{AssignmentIds, ItemVersion, WhichVersion};

use super::items::not_known_then;
use crate::answer::Answer;
use crate::example::Example;
use crate::extract::path::{path_id, path_number};
use crate::extract::query::{QueryReader, past_moment};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::{FieldProblem, Problem};
use crate::state::AppState;
use crate::wire::version::{InventoryItemContent, InventoryItemDifference, InventoryItemVersion};

/// With what a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    /// The version before it.
    Previous,
    /// The newest version.
    Current,
    Number(i32),
}

/// Get the content of an inventory item
///
/// Returns the properties, settings and assignments of the item as a sync last read them, or as they
/// were known at an earlier time. Secrets and scripts are not stored.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "as_of" = Option<chrono::DateTime<chrono::Utc>>, Query,
            description = "What was known at this time, which is not in the future. Without it: what is known now.",
            example = "2026-05-01T00:00:00Z",
        ),
    ),
    responses((
        status = 200,
        description = "The content.",
        body = InventoryItemContent,
        example = InventoryItemContent::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}/content")]
pub(crate) async fn get_inventory_item_content(
    scope: TenantScope,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<InventoryItemContent>, Problem> {
    let item = path_id(&request, "item_id")?;
    let as_of = query.one("as_of", past_moment(state.clock.now()));
    query.finish()?;
    let which = as_of.map_or(WhichVersion::Current, WhichVersion::AsOf);
    content(&state, scope.tenant_id(), item, which).await
}

/// List the versions of an inventory item
///
/// Lists the item's versions, newest first. A change of its content or assignments makes a version, and
/// so does its return after it was deleted. Versions older than the installation keeps are not listed.
#[utoipa::path(
    tag = "inventory",
    responses((
        status = 200,
        description = "A page of versions.",
        body = Page<InventoryItemVersion>,
        example = Page::<InventoryItemVersion>::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}/versions")]
pub(crate) async fn list_inventory_item_versions(
    scope: TenantScope,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventoryItemVersion>>, Problem> {
    let item: ItemId = path_id(&request, "item_id")?;
    let paging = Paging::<(), i32>::read(&mut query);
    query.finish()?;
    let page = paging.request().map(|((), number)| number);
    let versions = state
        .store
        .item_versions(scope.tenant_id(), item, page)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(paging.page(
        &state.links,
        versions,
        |version| ((), version.number),
        InventoryItemVersion::from,
    ))
}

/// Get a version of an inventory item
///
/// Returns the properties, settings and assignments of the item in this version.
#[utoipa::path(
    tag = "inventory",
    responses((
        status = 200,
        description = "The content of the version.",
        body = InventoryItemContent,
        example = InventoryItemContent::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}/versions/{version_number}")]
pub(crate) async fn get_inventory_item_version(
    scope: TenantScope,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<InventoryItemContent>, Problem> {
    let item = path_id(&request, "item_id")?;
    let number = path_number(&request, "version_number")?;
    query.finish()?;
    let which = WhichVersion::Number(number);
    content(&state, scope.tenant_id(), item, which).await
}

/// Compare two versions of an inventory item
///
/// Returns what differs between this version and another one of the same item, from the earlier to the
/// later version. The first version has no previous one.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "against" = Option<String>, Query,
            description = "The other version: its number, `previous` (the default) or `current`.",
            max_length = 10, pattern = "^(previous|current|[1-9][0-9]{0,9})$", example = "previous",
        ),
    ),
    responses((
        status = 200,
        description = "The differences.",
        body = InventoryItemDifference,
        example = InventoryItemDifference::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}/versions/{version_number}/diff")]
pub(crate) async fn compare_inventory_item_versions(
    scope: TenantScope,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<InventoryItemDifference>, Problem> {
    let item = path_id(&request, "item_id")?;
    let number: i32 = path_number(&request, "version_number")?;
    let against = query.one("against", against).unwrap_or(Against::Previous);
    query.finish()?;
    let other = match against {
        Against::Previous => WhichVersion::Number(number - 1),
        Against::Current => WhichVersion::Current,
        Against::Number(other) => WhichVersion::Number(other),
    };
    let tenant = scope.tenant_id();
    let this = version(&state, tenant, item, WhichVersion::Number(number)).await?;
    let other = state.store.item_version(tenant, item, other).await?;
    let other = other.ok_or_else(no_such_version)?;
    let (from, to) = if other.version.number <= this.version.number {
        (other, this)
    } else {
        (this, other)
    };
    let contents = from.content.as_ref().zip(to.content.as_ref());
    let difference = contents.map(|(old, new)| content_difference(old, new));
    let fields = difference.iter().flat_map(|one| &one.fields);
    let policy_type = to.item.policy_type.as_str();
    let fields = fields.map(|one| (policy_type, one.field.as_str()));
    let known = state.store.settings_of_fields(fields).await?;
    let difference = InventoryItemDifference::new(from, to, difference, &known);
    let ids = AssignmentIds::within(difference.assignments());
    let names = state.store.assignment_names(tenant, ids).await?;
    Ok(Answer::ok(difference.with_names(&names)))
}

/// The version is there, and the one that it is to be compared with is not, or not any more.
fn no_such_version() -> Problem {
    let detail = "The item does not have this version.";
    let error = FieldProblem::in_parameter("against", "no_such_version", detail);
    Problem::invalid(vec![error])
}

fn against(given: &str) -> Result<Against, String> {
    match given {
        "previous" => Ok(Against::Previous),
        "current" => Ok(Against::Current),
        _ => match given.parse() {
            Ok(number @ 1..) => Ok(Against::Number(number)),
            _ => Err("Must be previous, current, or the number of a version.".to_owned()),
        },
    }
}

/// What the version contains, with names of its settings.
async fn content(
    state: &AppState,
    tenant: TenantId,
    item: ItemId,
    which: WhichVersion,
) -> Result<Answer<InventoryItemContent>, Problem> {
    let version = version(state, tenant, item, which).await?;
    let policy_type = version.item.policy_type.as_str();
    let fields = version.content.iter().flat_map(|content| content.keys());
    let fields = fields.map(|field| (policy_type, field.as_str()));
    let known = state.store.settings_of_fields(fields).await?;
    let content = InventoryItemContent::new(version, &known);
    let ids = AssignmentIds::within(content.assignments());
    let names = state.store.assignment_names(tenant, ids).await?;
    Ok(Answer::ok(content.with_names(&names)))
}

async fn version(
    state: &AppState,
    tenant: TenantId,
    item: ItemId,
    which: WhichVersion,
) -> Result<ItemVersion, Problem> {
    let version = state.store.item_version(tenant, item, which).await?;
    match (version, which) {
        (Some(version), _) => Ok(version),
        (None, WhichVersion::AsOf(_)) => Err(not_known_then(state, tenant, item).await?),
        (None, _) => Err(Problem::not_found()),
    }
}
