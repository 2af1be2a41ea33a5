//! Changes of inventory items.

use actix_web::{get, web};
use atlas_domain::ids::ChangeId;
use atlas_domain::inventory::change::ChangeKind;
use atlas_store::{AssignmentIds, ChangeFilter, ChangeView};
use chrono::{DateTime, Utc};

use crate::answer::Answer;
use crate::example::{self, Example};
use crate::extract::query::{
    OneOf, PolicyTypeWord, QueryReader, ascending, id, moment, policy_type, text, word,
};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::change::InventoryChange;

/// Policy types that may be named at most.
const MAX_TYPES: usize = 20;
/// The longest id or name of an actor.
const MAX_ACTOR: usize = 500;

type ChangeKindWord = OneOf<ChangeKind>;

/// List inventory changes
///
/// Lists the changes that syncs detected in the tenant's items, newest first unless `sort` says otherwise:
/// items that were created, changed, reassigned, deleted or restored. Changes of content are listed field by
/// field. The actors are those that the audit logs of Intune and Entra name; logs become complete some
/// minutes late.
#[utoipa::path(
    tag = "inventory",
    params(
        (
            "since" = Option<DateTime<Utc>>, Query,
            description = "Only changes that were recorded at or after this time.",
            example = "2026-05-01T00:00:00Z",
        ),
        (
            "item_id" = Option<uuid::Uuid>, Query,
            description = "Only changes of this item.",
            example = json!(example::ITEM),
        ),
        (
            "kind" = inline(Option<Vec<ChangeKindWord>>), Query,
            description = "Only changes of these kinds.",
            max_items = 5, example = json!([ChangeKind::Changed.as_str()]),
        ),
        (
            "policy_type" = inline(Option<Vec<PolicyTypeWord>>), Query,
            description = "Only changes of items of these policy types, by key.",
            max_items = 20, example = json!(["mobileApp"]),
        ),
        (
            "actor" = Option<String>, Query,
            description = "Only changes that list this actor, by id or name, in upper or lower case.",
            min_length = 1, max_length = 500, example = "anna@contoso.example",
        ),
        (
            "operation_run_id" = Option<uuid::Uuid>, Query,
            description = "Only changes that this run detected. Not with `actor`.",
            example = json!(example::RUN),
        ),
        (
            "sort" = Option<String>, Query,
            description = "The order: newest first (`-occurred_at`) or oldest first (`occurred_at`, the default with `operation_run_id`). Oldest first not with `actor`.",
            max_length = 12, pattern = "^(occurred_at|-occurred_at)$", example = "-occurred_at",
        ),
    ),
    responses((
        status = 200,
        description = "A page of changes.",
        body = Page<InventoryChange>,
        example = Page::<InventoryChange>::example,
    )),
)]
#[get("/tenants/{tenant_id}/inventory-changes")]
pub(crate) async fn list_inventory_changes(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<InventoryChange>>, Problem> {
    let mut filter = ChangeFilter {
        since: query.one("since", moment),
        item: query.one("item_id", id),
        kinds: query.many("kind", ChangeKind::ALL.len(), word),
        policy_types: query.many("policy_type", MAX_TYPES, policy_type),
        actor: query.one("actor", text(MAX_ACTOR)),
        run: query.one("operation_run_id", id),
        ascending: false,
    };
    let sort = query.one("sort", ascending("occurred_at"));
    filter.ascending = sort.unwrap_or(filter.run.is_some());
    for (name, is_given) in [
        ("operation_run_id", filter.run.is_some()),
        ("sort", filter.ascending),
    ] {
        if is_given && filter.actor.is_some() {
            let detail = "Leave this out, or actor: they are not found together.";
            query.refuse(name, "conflict", detail.to_owned());
        }
    }
    let paging = Paging::<DateTime<Utc>, ChangeId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let changes = state
        .store
        .changes(tenant, &filter, paging.request())
        .await?;
    let fields = changes.iter().flat_map(ChangeView::fields);
    let known = state.store.settings_of_fields(fields).await?;
    let ids = AssignmentIds::within(changes.iter().flat_map(ChangeView::assignments));
    let names = state.store.assignment_names(tenant, ids).await?;
    Ok(paging.page(
        &state.links,
        changes,
        |change| (change.occurred_at, change.id),
        |change| InventoryChange::new(change, &known).with_names(&names),
    ))
}
