//! What changed in tenants.

use atlas_store::{ChangeDetail, ChangeView, FieldDifference, ItemName};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::inventory::without_nulls;

/// Something that happened to an item, as a sync saw it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryChange {
    /// Its identifier.
    id: Uuid,
    /// When a sync recorded it. It happened between the sync before and this one.
    occurred_at: DateTime<Utc>,
    /// created, changed, reassigned, gone or back. Clients must accept words that they do not know.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// The item that it happened to.
    item: ItemReference,
    /// The run that saw it.
    operation_run_id: Uuid,
    /// What differs in its content, for changed; absent when the content before is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentDifference>,
    /// What differs in its assignments, for reassigned; absent when those before are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignments: Option<AssignmentsDifference>,
}

/// An item that something else refers to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ItemReference {
    /// Its identifier here.
    id: Uuid,
    /// Key of its policy type.
    #[schema(max_length = 128)]
    policy_type: String,
    /// Its identifier in Microsoft Graph, with GUIDs in lower case. Of a policy type that is one object
    /// in each tenant: the key of the policy type.
    #[schema(max_length = 1024)]
    external_id: String,
    /// Its name, as it was last seen.
    #[schema(max_length = 4096)]
    name: String,
}

/// What differs in the content of an item. Secrets, scripts and times are no part of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContentDifference {
    /// The first fields that differ, by name.
    #[schema(max_items = 100)]
    fields: Vec<FieldChange>,
    /// How many fields differ, which may be more.
    field_count: u64,
}

/// A field that differs. Lists are compared as a whole; very long values are told as their SHA-256
/// and length.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// Where it stands in the object: a JSON pointer (RFC 6901).
    #[schema(max_length = 65536)]
    field: String,
    /// What it was; absent when it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Value>,
    /// What it is; absent when it is no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Value>,
}

/// What differs in the assignments of an item, in Microsoft Graph's own terms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssignmentsDifference {
    /// The first of those that are new.
    #[schema(max_items = 100, value_type = Vec<Object>)]
    added: Vec<Value>,
    /// How many are new, which may be more.
    added_count: u64,
    /// The first of those that are no more.
    #[schema(max_items = 100, value_type = Vec<Object>)]
    removed: Vec<Value>,
    /// How many are no more, which may be more.
    removed_count: u64,
}

impl From<ChangeView> for InventoryChange {
    fn from(change: ChangeView) -> Self {
        let (content, assignments) = match change.detail {
            Some(ChangeDetail::Content {
                fields,
                field_count,
            }) => {
                let fields = fields.into_iter().map(FieldChange::from).collect();
                let content = ContentDifference {
                    fields,
                    field_count,
                };
                (Some(content), None)
            }
            Some(ChangeDetail::Assignments {
                added,
                added_count,
                removed,
                removed_count,
            }) => {
                let assignments = AssignmentsDifference {
                    added: added.into_iter().map(without_nulls).collect(),
                    added_count,
                    removed: removed.into_iter().map(without_nulls).collect(),
                    removed_count,
                };
                (None, Some(assignments))
            }
            None => (None, None),
        };
        Self {
            id: change.id.into_uuid(),
            occurred_at: change.occurred_at,
            kind: change.kind.as_str(),
            item: change.item.into(),
            operation_run_id: change.run_id.into_uuid(),
            content,
            assignments,
        }
    }
}

impl From<FieldDifference> for FieldChange {
    fn from(difference: FieldDifference) -> Self {
        Self {
            field: difference.field,
            old: difference.old.map(without_nulls),
            new: difference.new.map(without_nulls),
        }
    }
}

impl From<ItemName> for ItemReference {
    fn from(item: ItemName) -> Self {
        Self {
            id: item.id.into_uuid(),
            policy_type: item.policy_type,
            external_id: item.external_id,
            name: item.name,
        }
    }
}
