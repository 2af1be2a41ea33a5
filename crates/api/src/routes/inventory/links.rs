//! What leans on what.

use actix_web::{HttpRequest, get, web};
use atlas_domain::guid::fold_guids;
use atlas_domain::ids::{ItemId, LinkId};
use atlas_domain::inventory::link::{LinkKind, LinkTarget, TargetKind};
use atlas_store::{LinkDirection, LinkFilter, PageRequest};

use crate::answer::Answer;
use crate::extract::path::path_id;
use crate::extract::query::{QueryReader, flag, text, word};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::link::InventoryLink;

/// The longest id of a target.
const MAX_ID: usize = 1_000;

/// The directions in which an item's links may be asked for, in the order of the document.
pub(crate) const DIRECTIONS: [LinkDirection; 3] =
    [LinkDirection::Out, LinkDirection::In, LinkDirection::Both];

/// The word by which a direction is asked for.
pub(crate) const fn direction_word(direction: LinkDirection) -> &'static str {
    match direction {
        LinkDirection::Out => "out",
        LinkDirection::In => "in",
        LinkDirection::Both => "both",
    }
}

/// List the links of an inventory item
///
/// What the item leans on and is aimed at (`out`, unless asked otherwise), and what leans on it
/// (`in`). An item that is no longer there has no links of its own.
#[utoipa::path(
    tag = "inventory",
    params(
        ("direction" = Option<String>, Query, description = "Which links, seen from the item."),
    ),
    responses((status = 200, description = "A page of links.", body = Page<InventoryLink>)),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}/links")]
pub(crate) async fn list_inventory_item_links(
    scope: TenantScope,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventoryLink>>, Problem> {
    let item_id: ItemId = path_id(&request, "item_id")?;
    let direction = query
        .one("direction", word(&DIRECTIONS, direction_word))
        .unwrap_or(LinkDirection::Out);
    let paging = Paging::<(), LinkId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let item = state.store.item(tenant, item_id).await?;
    let item = item.ok_or_else(Problem::not_found)?;
    let PageRequest { limit, after } = paging.request();
    let page = PageRequest {
        limit,
        after: after.map(|((), id)| id),
    };
    let links = state
        .store
        .item_links(tenant, &item, direction, page)
        .await?;
    Ok(paging.page(
        &state.links,
        links,
        |link| ((), link.id),
        |link| InventoryLink::new(link, Some(item_id)),
    ))
}

/// List inventory links
///
/// What the tenant's items lean on and are aimed at, by target. Links to targets that are not there
/// stay listed with `dangling`.
#[utoipa::path(
    tag = "inventory",
    params(
        ("kind" = Option<String>, Query, description = "Only links of this kind."),
        ("target_kind" = Option<String>, Query, description = "Only links to targets of this kind."),
        ("target_id" = Option<String>, Query, description = "Only links to the target with this identifier, in any case where it is a GUID; together with its kind."),
        ("dangling" = Option<bool>, Query, description = "Only links whose target could be in the inventory and is not, or only the others."),
    ),
    responses((status = 200, description = "A page of links.", body = Page<InventoryLink>)),
)]
#[get("/tenants/{tenant_id}/inventory-links")]
pub(crate) async fn list_inventory_links(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventoryLink>>, Problem> {
    let filter = LinkFilter {
        kind: query.one("kind", word(&LinkKind::ALL, LinkKind::as_str)),
        target_kind: query.one("target_kind", word(&TargetKind::ALL, TargetKind::as_str)),
        target_id: query
            .one("target_id", text(MAX_ID))
            .map(|id| fold_guids(&id).into_owned()),
        dangling: query.one("dangling", flag),
    };
    if filter.target_id.is_some() && !query.has("target_kind") {
        let detail = "Must stand together with target_kind: an id is one among its kind.";
        query.refuse("target_id", "incomplete", detail.to_owned());
    }
    let paging = Paging::<LinkTarget, LinkId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let links = state.store.links(tenant, &filter, paging.request()).await?;
    Ok(paging.page(
        &state.links,
        links,
        |link| (link.target.clone(), link.id),
        |link| InventoryLink::new(link, None),
    ))
}
