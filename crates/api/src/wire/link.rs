//! What leans on what in tenants.

use atlas_domain::ids::ItemId;
use atlas_store::LinkView;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::change::ItemReference;

/// A link from an item to something that it leans on or is aimed at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryLink {
    /// Its identifier.
    id: Uuid,
    /// Seen from the item that was asked for: out or in. Absent in the list of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    direction: Option<&'static str>,
    /// The item that it goes from.
    item: ItemReference,
    /// What it means, such as assigned_to or scoped_by. Clients must accept words that they do not
    /// know.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// Where it goes.
    target: LinkTarget,
    /// What told it: object, assignments or related. Clients must accept words that they do not
    /// know.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    source: &'static str,
    /// What else is said of it, such as intent, filter_id or filter_type.
    #[schema(value_type = Object)]
    qualifier: Value,
    /// The target could be in the inventory and is not, although all that could hold it was read to
    /// its end at least once. Judged at the end of each sync.
    dangling: bool,
}

/// What a link goes to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkTarget {
    /// What kind of thing, such as group, assignment_filter or special. Clients must accept words
    /// that they do not know.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// Its identifier among its kind.
    #[schema(max_length = 1024)]
    id: String,
    /// Its name, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    name: Option<String>,
    /// The item that it is, when the inventory has it, present or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<Uuid>,
    /// Key of that item's policy type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    policy_type: Option<String>,
}

impl InventoryLink {
    /// How a link looks, from one of its items or from outside.
    pub(crate) fn new(link: LinkView, seen_from: Option<ItemId>) -> Self {
        let (name, item_id, policy_type) = match link.target_item {
            Some(item) => (
                Some(item.name),
                Some(item.id.into_uuid()),
                Some(item.policy_type),
            ),
            None => (link.target_group, None, None),
        };
        Self {
            id: link.id.into_uuid(),
            direction: seen_from.map(|item| if item == link.item.id { "out" } else { "in" }),
            item: link.item.into(),
            kind: link.kind.as_str(),
            target: LinkTarget {
                kind: link.target.kind.as_str(),
                id: link.target.id,
                name,
                item_id,
                policy_type,
            },
            source: link.source.as_str(),
            qualifier: link.qualifier,
            dangling: link.dangling,
        }
    }
}
