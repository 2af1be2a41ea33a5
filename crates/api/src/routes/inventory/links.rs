//! Links between inventory items and other objects.

use std::slice;

use actix_web::{HttpRequest, get, web};
use atlas_domain::guid::fold_guids;
use atlas_domain::ids::{ItemId, LinkId, TenantId};
use atlas_domain::inventory::link::{LinkKind, LinkTarget, TargetKind};
use atlas_store::{AssignmentIds, AssignmentNames, LinkDirection, LinkFilter, LinkView};

use crate::answer::Answer;
use crate::example::{self, Example};
use crate::extract::path::path_id;
use crate::extract::query::{OneOf, QueryReader, Words, flag, text, word};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::inventory::example::link_of_item;
use crate::wire::link::InventoryLink;

/// The longest id of a target.
const MAX_ID: usize = 1_000;

/// The directions in which an item's links may be asked for, in the order of the document.
const DIRECTIONS: [LinkDirection; 3] = [LinkDirection::Out, LinkDirection::In, LinkDirection::Both];

impl Words for LinkDirection {
    fn all() -> slice::Iter<'static, Self> {
        DIRECTIONS.iter()
    }

    fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Both => "both",
        }
    }
}

type LinkDirectionWord = OneOf<LinkDirection>;
type LinkKindWord = OneOf<LinkKind>;
type TargetKindWord = OneOf<TargetKind>;

/// List the links of an inventory item
///
/// Lists the objects that the item refers to or is assigned to (`out`, the default), and the items that
/// refer to it (`in`). An item that no longer exists has no outgoing links.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "direction" = inline(Option<LinkDirectionWord>), Query,
            description = "Direction of the links, seen from the item.",
            example = json!(LinkDirection::Both.word()),
        ),
    ),
    responses((
        status = 200,
        description = "A page of links.",
        body = Page<InventoryLink>,
        example = links_of_item,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}/links")]
pub(crate) async fn list_inventory_item_links(
    scope: TenantScope,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventoryLink>>, Problem> {
    let item_id: ItemId = path_id(&request, "item_id")?;
    let direction = query.one("direction", word).unwrap_or(LinkDirection::Out);
    let paging = Paging::<(), LinkId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let item = state.store.item(tenant, item_id).await?;
    let item = item.ok_or_else(Problem::not_found)?;
    let page = paging.request().map(|((), id)| id);
    let links = state
        .store
        .item_links(tenant, &item, direction, page)
        .await?;
    let names = filter_names(&state, tenant, &links).await?;
    Ok(paging.page(
        &state.links,
        links,
        |link| ((), link.id),
        |link| InventoryLink::new(link, Some(item_id)).with_names(&names),
    ))
}

fn links_of_item() -> Page<InventoryLink> {
    Page::of(link_of_item())
}

/// List inventory links
///
/// Lists the links of all items in the tenant by target. Links whose target does not exist are marked
/// as `dangling`.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "kind" = inline(Option<LinkKindWord>), Query,
            description = "Only links of this kind.",
            example = json!(LinkKind::AssignedTo.as_str()),
        ),
        (
            "target_kind" = inline(Option<TargetKindWord>), Query,
            description = "Only links to targets of this kind.",
            example = json!(TargetKind::Group.as_str()),
        ),
        (
            "target_id" = Option<String>, Query,
            description = "Only links to the target with this identifier. Requires `target_kind`; GUIDs are case-insensitive.",
            max_length = 1000, example = json!(example::GROUP),
        ),
        (
            "dangling" = Option<bool>, Query,
            description = "Only links whose target does not exist (`true`), or only other links (`false`).",
            example = true,
        ),
    ),
    responses((
        status = 200,
        description = "A page of links.",
        body = Page<InventoryLink>,
        example = Page::<InventoryLink>::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-links")]
pub(crate) async fn list_inventory_links(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventoryLink>>, Problem> {
    let filter = LinkFilter {
        kind: query.one("kind", word),
        target_kind: query.one("target_kind", word),
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
    let names = filter_names(&state, tenant, &links).await?;
    Ok(paging.page(
        &state.links,
        links,
        |link| (link.target.clone(), link.id),
        |link| InventoryLink::new(link, None).with_names(&names),
    ))
}

/// The names of the assignment filters of the links.
async fn filter_names(
    state: &AppState,
    tenant: TenantId,
    links: &[LinkView],
) -> Result<AssignmentNames, Problem> {
    let ids = AssignmentIds::within(links.iter().map(|link| &link.qualifier));
    Ok(state.store.assignment_names(tenant, ids).await?)
}
