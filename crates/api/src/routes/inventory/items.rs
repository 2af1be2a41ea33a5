//! Inventory items.

use actix_web::{HttpRequest, get, web};
use atlas_domain::ids::{ItemId, TenantId};
use atlas_domain::policy_types::registry;
use atlas_store::ItemFilter;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::path::path_id;
use crate::extract::query::{
    CategoryWord, PolicyTypeWord, QueryReader, ascending, category, flag, past_moment, policy_type,
    text,
};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::Paging;
use crate::problem::{Problem, ProblemKind};
use crate::state::AppState;
use crate::wire::item::{InventoryItem, InventoryItemPage, PolicyTypeReading};

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
///
/// With `as_of`, lists the items that existed at that time with what was known of them then, by the names
/// that they had, and `readings` says how old and how complete that was. Retention deletes old versions:
/// items whose version of that time is not stored any more are not listed. Before anything of the tenant
/// was stored, nothing is found.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "policy_type" = inline(Option<Vec<PolicyTypeWord>>), Query,
            description = "Only items of these policy types, by key.",
            max_items = 200, example = json!(["mobileApp"]),
        ),
        (
            "category" = inline(Option<CategoryWord>), Query,
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
            min_length = 3, example = "baseline",
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
        (
            "as_of" = Option<chrono::DateTime<chrono::Utc>>, Query,
            description = "What was known at this time, which is not in the future. Not with `missing=true`.",
            example = "2026-05-01T00:00:00Z",
        ),
        (
            "sort" = Option<String>, Query,
            description = "The order: by ascending names (`name`, the default) or by descending names (`-name`).",
            max_length = 5, pattern = "^(name|-name)$", example = "-name",
        ),
    ),
    responses((
        status = 200,
        description = "A page of items.",
        body = InventoryItemPage,
        example = InventoryItemPage::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items")]
pub(crate) async fn list_inventory_items(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<InventoryItemPage>, Problem> {
    let filter = ItemFilter {
        policy_type: query.many("policy_type", MAX_TYPES, policy_type),
        category: query.one("category", category),
        platform: query.one("platform", text(MAX_WORD)),
        q: query.one("q", search),
        missing: query.one("missing", flag),
        foundation: query.one("foundation", flag),
        descending: !query.one("sort", ascending("name")).unwrap_or(true),
    };
    let as_of = query.one("as_of", past_moment(state.clock.now()));
    if as_of.is_some() && filter.missing == Some(true) {
        let detail = "Leave out missing: items that did not exist at that time are not listed.";
        query.refuse("missing", "conflict", detail.to_owned());
    }
    let paging = Paging::<String, ItemId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let Some(time) = as_of else {
        let items = state.store.items(tenant, &filter, paging.request()).await?;
        return Ok(paging.page_with(
            &state.links,
            items,
            |item| (item.name.clone(), item.id),
            InventoryItem::from,
            |page| InventoryItemPage::new(page, None),
        ));
    };
    let since = state.store.stored_since(tenant).await?;
    if since.is_none_or(|since| time < since) {
        return Err(before_anything(since));
    }
    let types = listed_types(&filter);
    let readings = state.store.readings_before(tenant, &types, time).await?;
    let items = state
        .store
        .items_as_of(tenant, &filter, time, paging.request())
        .await?;
    let of_type = |key: &str| readings.iter().find(|one| one.policy_type == key);
    Ok(paging.page_with(
        &state.links,
        items,
        |item| (item.version.name.clone(), item.id),
        |item| {
            let reading = of_type(&item.policy_type);
            InventoryItem::as_of(item, reading)
        },
        |page| {
            let readings = readings.iter();
            let readings = readings.map(|one| PolicyTypeReading::new(one, time));
            InventoryItemPage::new(page, Some(readings.collect()))
        },
    ))
}

/// The policy types of a list, by key.
fn listed_types(filter: &ItemFilter) -> Vec<&'static str> {
    let named = &filter.policy_type;
    let category = filter.category.as_ref();
    let all = registry().all().iter().filter(|one| {
        (named.is_empty() || named.contains(&one.key))
            && category.is_none_or(|category| *category == one.category)
            && filter
                .foundation
                .is_none_or(|wanted| wanted == one.foundation)
    });
    all.map(|one| one.key.as_str()).collect()
}

/// A moment within a sentence.
fn text_of(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Nothing of the tenant was stored at the time that was asked for.
fn before_anything(since: Option<DateTime<Utc>>) -> Problem {
    let detail = match since {
        Some(since) => format!(
            "Nothing of this tenant was stored before {}.",
            text_of(since)
        ),
        None => "Nothing of this tenant is stored yet.".to_owned(),
    };
    Problem::new(ProblemKind::NotFound, detail)
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
/// Returns the item as a sync last read it. With `as_of`, returns it as it was known at that time, with
/// the `version` that was valid then and the last `reading` of its policy type before; an item that did not
/// exist then is not found.
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
        description = "The item.",
        body = InventoryItem,
        example = InventoryItem::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-items/{item_id}")]
pub(crate) async fn get_inventory_item(
    scope: TenantScope,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<InventoryItem>, Problem> {
    let item_id = path_id(&request, "item_id")?;
    let as_of = query.one("as_of", past_moment(state.clock.now()));
    query.finish()?;
    let tenant = scope.tenant_id();
    let Some(time) = as_of else {
        let item = state.store.item(tenant, item_id).await?;
        let item = item.ok_or_else(Problem::not_found)?;
        return Ok(Answer::ok(InventoryItem::from(item)));
    };
    let Some(item) = state.store.item_as_of(tenant, item_id, time).await? else {
        return Err(not_known_then(&state, tenant, item_id).await?);
    };
    let types = [item.policy_type.as_str()];
    let readings = state.store.readings_before(tenant, &types, time).await?;
    let reading = readings.first();
    let shown = reading.map(|one| PolicyTypeReading::new(one, time));
    Ok(Answer::ok(
        InventoryItem::as_of(item, reading).with_reading(shown),
    ))
}

/// The item has no version of the time that was asked for, or is none of the tenant's.
pub(super) async fn not_known_then(
    state: &AppState,
    tenant: TenantId,
    item: ItemId,
) -> Result<Problem, Problem> {
    let Some(item) = state.store.item(tenant, item).await? else {
        return Ok(Problem::not_found());
    };
    let detail = format!(
        "The item did not exist at that time, or its version is not stored any more. It was first read at {}.",
        text_of(item.first_seen_at)
    );
    Ok(Problem::new(ProblemKind::NotFound, detail))
}
