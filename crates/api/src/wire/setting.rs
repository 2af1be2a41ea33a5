//! Settings of inventory items.

use atlas_store::{LinkView, SettingView};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::change::ItemReference;
use crate::wire::inventory::without_nulls;
use crate::wire::link::LinkTarget;
use crate::wire::setting_names::SettingReference;

/// A setting of an item, with its value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventorySetting {
    /// The item that sets it.
    item: ItemReference,
    /// The setting.
    setting: SettingReference,
    /// JSON pointer (RFC 6901) to the setting in the content of the item.
    #[schema(max_length = 65536)]
    field: String,
    /// Its value. Lists are values; very long values are represented by their SHA-256 and length. Secrets
    /// are redacted.
    value: Value,
    /// The name of the option, if the value is one and its name is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    value_name: Option<String>,
    /// Number of assignments of the item. Absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    assignment_count: Option<i32>,
    /// Some of the item's assignments, with what they exclude; the links of the item have all of them.
    #[schema(max_items = 10)]
    assignments: Vec<SettingAssignment>,
}

/// To whom an item is assigned, or from whom it is excluded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettingAssignment {
    /// The kind of link, such as `assigned_to` or `excluded_from`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// The target.
    target: LinkTarget,
    /// Further properties, such as `intent`, `filter_id` or `filter_type`.
    #[schema(value_type = Object)]
    qualifier: Value,
}

impl From<SettingView> for InventorySetting {
    fn from(setting: SettingView) -> Self {
        Self {
            item: setting.item.into(),
            setting: SettingReference {
                id: setting.setting_id,
                name: setting.setting_name,
            },
            field: setting.field,
            value: without_nulls(setting.value),
            value_name: setting.value_name,
            assignment_count: setting.assignment_count,
            assignments: setting.assigned.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<LinkView> for SettingAssignment {
    fn from(link: LinkView) -> Self {
        Self {
            kind: link.kind.as_str(),
            target: LinkTarget::new(link.target, link.target_item, link.target_group),
            qualifier: link.qualifier,
        }
    }
}
