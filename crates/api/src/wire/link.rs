//! Links of inventory items.

use atlas_domain::ids::ItemId;
use atlas_domain::inventory::link;
use atlas_store::{AssignmentNames, ItemName, LinkView};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::assignment_target::AssignmentTarget;
use crate::wire::change::ItemReference;

/// A link from an item to an object that it refers to or is assigned to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryLink {
    /// Its identifier.
    id: Uuid,
    /// `out` or `in`, seen from the item in the path. Absent in the list of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    direction: Option<&'static str>,
    /// The item that has the link.
    item: ItemReference,
    /// The kind of link, such as `assigned_to` or `scoped_by`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// The target.
    target: LinkTarget,
    /// Where the link was read: `object`, `assignments` or `related`. New sources may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    source: &'static str,
    /// Further properties, such as `intent`, `filter_id` or `filter_type`.
    #[schema(value_type = Object)]
    qualifier: Value,
    /// The assignment filter in `qualifier.filter_id`, if its name is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<AssignmentTarget>,
    /// Whether the target is missing: it would be in the inventory if it existed, because all policy types
    /// it could belong to were read completely. Updated at the end of each sync.
    dangling: bool,
}

/// The target of a link.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LinkTarget {
    /// The kind of target, such as `group`, `assignment_filter` or `special`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// Its identifier, unique among targets of its kind.
    #[schema(max_length = 1024)]
    id: String,
    /// Its name, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    name: Option<String>,
    /// Identifier of the target in the inventory, if it is an item.
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<Uuid>,
    /// Key of the policy type of that item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    policy_type: Option<String>,
}

impl InventoryLink {
    /// How a link looks, from one of its items or from outside.
    pub(crate) fn new(link: LinkView, seen_from: Option<ItemId>) -> Self {
        Self {
            id: link.id.into_uuid(),
            direction: seen_from.map(|item| if item == link.item.id { "out" } else { "in" }),
            item: link.item.into(),
            kind: link.kind.as_str(),
            target: LinkTarget::new(link.target, link.target_item, link.target_group),
            source: link.source.as_str(),
            qualifier: link.qualifier,
            filter: None,
            dangling: link.dangling,
        }
    }
}

impl InventoryLink {
    /// The same with the name of its assignment filter.
    pub(crate) fn with_names(mut self, names: &AssignmentNames) -> Self {
        let filter = self.qualifier["filter_id"].as_str();
        let filter = filter.and_then(|id| names.filter(id));
        self.filter = filter.map(AssignmentTarget::of_filter);
        self
    }
}

impl LinkTarget {
    /// With what is known of the item or group that it is.
    pub(crate) fn new(
        target: link::LinkTarget,
        item: Option<ItemName>,
        group: Option<String>,
    ) -> Self {
        let (name, item_id, policy_type) = match item {
            Some(item) => (
                Some(item.name),
                Some(item.id.into_uuid()),
                Some(item.policy_type),
            ),
            None => (group, None, None),
        };
        Self {
            kind: target.kind.as_str(),
            id: target.id,
            name,
            item_id,
            policy_type,
        }
    }
}
