//! Inventory items.

use actix_web::{HttpRequest, get, web};
use atlas_domain::ids::ItemId;
use atlas_store::ItemFilter;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::path::path_id;
use crate::extract::query::{QueryReader, flag, text};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::inventory::InventoryItem;

/// Policy types that may be named at most.
const MAX_TYPES: usize = 200;
/// The longest word of a filter.
const MAX_WORD: usize = 128;
/// The shortest text to search names for, in characters: no index has shorter ones.
const MIN_SEARCH: usize = 3;

/// List inventory items
///
/// Lists the policies and foundations of the tenant by name, as syncs last read them. Items that no
/// longer exist in Microsoft Graph have `missing_since`; exclude them with `missing=false`.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "policy_type" = Option<Vec<String>>, Query,
            description = "Only items of these policy types, by key.",
            max_items = 200, example = json!(["mobileApp"]),
        ),
        (
            "category" = Option<String>, Query,
            description = "Only items of this category.",
            example = "Apps",
        ),
        (
            "platform" = Option<String>, Query,
            description = "Only items whose platform contains this word, such as windows.",
            example = "windows",
        ),
        (
            "q" = Option<String>, Query,
            description = "Only items whose name contains this text, case-insensitive; at least three characters.",
            example = "baseline",
        ),
        (
            "missing" = Option<bool>, Query,
            description = "Only items that no longer exist (`true`), or only items that exist (`false`).",
            example = true,
        ),
        (
            "foundation" = Option<bool>, Query,
            description = "Only foundations (`true`), or only policies (`false`).",
            example = true,
        ),
    ),
    responses((
        status = 200,
        description = "A page of items.",
        body = Page<InventoryItem>,
        example = Page::<InventoryItem>::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items")]
pub(crate) async fn list_inventory_items(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventoryItem>>, Problem> {
    let filter = ItemFilter {
        policy_type: query.many("policy_type", MAX_TYPES, text(MAX_WORD)),
        category: query.one("category", text(MAX_WORD)),
        platform: query.one("platform", text(MAX_WORD)),
        q: query.one("q", search),
        missing: query.one("missing", flag),
        foundation: query.one("foundation", flag),
    };
    let paging = Paging::<String, ItemId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let items = state.store.items(tenant, &filter, paging.request()).await?;
    Ok(paging.page(
        &state.links,
        items,
        |item| (item.name.clone(), item.id),
        InventoryItem::from,
    ))
}

/// A text to search names for.
pub(super) fn search(given: &str) -> Result<String, String> {
    let given = text(MAX_WORD)(given)?;
    if given.chars().count() < MIN_SEARCH {
        return Err(format!("Must have at least {MIN_SEARCH} characters."));
    }
    Ok(given)
}

/// Get an inventory item
///
/// Returns the item as a sync last read it.
#[utoipa::path(
    tag = "inventory",
    responses((
        status = 200,
        description = "The item.",
        body = InventoryItem,
        example = InventoryItem::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}")]
pub(crate) async fn get_inventory_item(
    scope: TenantScope,
    request: HttpRequest,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<InventoryItem>, Problem> {
    let item_id = path_id(&request, "item_id")?;
    query.finish()?;
    let item = state.store.item(scope.tenant_id(), item_id).await?;
    let item = item.ok_or_else(Problem::not_found)?;
    Ok(Answer::ok(InventoryItem::from(item)))
}
