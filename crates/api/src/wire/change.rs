//! Changes of inventory items.

use atlas_domain::inventory::difference::FieldDifference;
use atlas_store::{AssignmentNames, ChangeDetail, ChangeView, ItemName, KnownSettings};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::actor::{ActorAttribution, ChangeActor};
use crate::wire::assignment_target::AssignmentTarget;
use crate::wire::inventory::without_nulls;
use crate::wire::setting_names::{SettingOption, SettingReference};

/// A change of an item, as a sync detected it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryChange {
    /// Its identifier.
    id: Uuid,
    /// When a sync detected the change. It happened between the previous sync and this one.
    occurred_at: DateTime<Utc>,
    /// `created`, `changed`, `reassigned`, `gone` or `back`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// The item.
    item: ItemReference,
    /// The run that detected the change.
    operation_run_id: Uuid,
    /// How surely the actors are known.
    attributed: ActorAttribution,
    /// Who changed the item between the two syncs, the latest first. Empty if that is not known; later syncs
    /// may add actors for a day.
    #[schema(max_items = 20)]
    actors: Vec<ChangeActor>,
    /// Changes of the content, for `changed`. Absent if the previous content is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentDifference>,
    /// Changes of the assignments, for `reassigned`. Absent if the previous assignments are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignments: Option<AssignmentsDifference>,
}

/// A reference to an item.
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
    /// Its last known name.
    #[schema(max_length = 4096)]
    name: String,
}

/// Changes of the content of an item. Secrets, scripts and timestamps are not compared.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContentDifference {
    /// The first changed fields, by name.
    #[schema(max_items = 100)]
    fields: Vec<FieldChange>,
    /// Number of changed fields; may be larger than the list.
    field_count: u64,
}

/// A changed field. Lists are compared as a whole; very long values are represented by their SHA-256 and
/// length.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldChange {
    /// JSON pointer (RFC 6901) to the field.
    #[schema(max_length = 65536)]
    field: String,
    /// The previous value. Absent if the field was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Value>,
    /// The new value. Absent if the field was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Value>,
    /// The setting that the field is, if it is one that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<SettingReference>,
    /// The options that both values are or contain, as far as their names are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10_000)]
    options: Vec<SettingOption>,
}

/// Changes of the assignments of an item, as Microsoft Graph represents them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssignmentsDifference {
    /// The first added assignments.
    #[schema(max_items = 100, value_type = Vec<Object>)]
    added: Vec<Value>,
    /// Number of added assignments; may be larger than the list.
    added_count: u64,
    /// The first removed assignments.
    #[schema(max_items = 100, value_type = Vec<Object>)]
    removed: Vec<Value>,
    /// Number of removed assignments; may be larger than the list.
    removed_count: u64,
    /// The groups and assignment filters that the assignments refer to, as far as their names are known.
    #[schema(max_items = 400)]
    targets: Vec<AssignmentTarget>,
}

impl InventoryChange {
    /// How a change looks whose settings have these names.
    pub(crate) fn new(change: ChangeView, known: &KnownSettings) -> Self {
        let (content, assignments) = match change.detail {
            Some(ChangeDetail::Content {
                fields,
                field_count,
            }) => {
                let policy_type = &change.item.policy_type;
                let fields = fields
                    .into_iter()
                    .map(|field| FieldChange::new(field, policy_type, known))
                    .collect();
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
                    targets: Vec::new(),
                };
                (None, Some(assignments))
            }
            None => (None, None),
        };
        let (attributed, actors) = ActorAttribution::of(change.made_by);
        Self {
            id: change.id.into_uuid(),
            occurred_at: change.occurred_at,
            kind: change.kind.as_str(),
            item: change.item.into(),
            operation_run_id: change.run_id.into_uuid(),
            attributed,
            actors,
            content,
            assignments,
        }
    }
}

impl InventoryChange {
    /// The same with the names of what its assignments refer to.
    pub(crate) fn with_names(mut self, names: &AssignmentNames) -> Self {
        if let Some(assignments) = &mut self.assignments {
            let all = assignments.added.iter().chain(&assignments.removed);
            assignments.targets = AssignmentTarget::among(all, names);
        }
        self
    }
}

impl FieldChange {
    /// A difference of an object of this type.
    pub(crate) fn new(
        difference: FieldDifference,
        policy_type: &str,
        known: &KnownSettings,
    ) -> Self {
        let setting = known.of_field(policy_type, &difference.field);
        let values = difference.old.iter().chain(&difference.new);
        Self {
            setting: setting.map(|(id, names)| SettingReference::new(id, names)),
            options: setting
                .map_or_else(Vec::new, |(_, names)| SettingOption::among(values, names)),
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
