//! Versions of inventory items.

use atlas_domain::inventory::difference::{
    AssignmentsDifference, ContentDifference, assignments_difference,
};
use atlas_store::{AssignmentNames, ItemVersion, KnownSettings, VersionSummary};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::actor::{ActorAttribution, ChangeActor};
use crate::wire::assignment_target::AssignmentTarget;
use crate::wire::change::{FieldChange, ItemReference};
use crate::wire::inventory::without_nulls;
use crate::wire::setting_names::FieldSetting;

/// A version of an item: its content and assignments between two moments.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryItemVersion {
    /// Its number, from 1.
    #[schema(minimum = 1)]
    number: i32,
    /// When a sync first read it.
    valid_from: DateTime<Utc>,
    /// When a sync read the next version, or detected that the item no longer exists. Absent while the
    /// version is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<DateTime<Utc>>,
    /// The run that first read it, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_run_id: Option<Uuid>,
    /// The item's name in this version.
    #[schema(max_length = 4096)]
    name: String,
    /// How surely the actors are known. Absent in exports.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributed: Option<ActorAttribution>,
    /// Who changed the item between the sync that read the previous version and the one that first read this
    /// one, the latest first. Empty if that is not known, or not any more. Absent in exports.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20)]
    actors: Option<Vec<ChangeActor>>,
}

/// What an item contains in one of its versions, without secrets and scripts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryItemContent {
    /// The item.
    item: ItemReference,
    /// The version.
    version: InventoryItemVersion,
    /// Each property or setting by its JSON pointer (RFC 6901). Lists are values; very long values are
    /// represented by their SHA-256 and length. Absent if the content of this version is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    content: Option<Value>,
    /// The properties that are settings, by pointer, with names for people, as far as the settings are
    /// known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100_000)]
    settings: Vec<FieldSetting>,
    /// Its assignments as Microsoft Graph represents them, without their identifiers. Absent if they are
    /// not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100_000, value_type = Option<Vec<Object>>)]
    assignments: Option<Vec<Value>>,
    /// The groups and assignment filters that the assignments refer to, as far as their names are known.
    #[schema(max_items = 100_000)]
    assignment_targets: Vec<AssignmentTarget>,
}

/// The differences between two versions of an item.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryItemDifference {
    /// The item.
    item: ItemReference,
    /// The earlier version.
    from: InventoryItemVersion,
    /// The later version.
    to: InventoryItemVersion,
    /// Changes of the content. Absent if the content of one of the versions is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<VersionContentDifference>,
    /// Changes of the assignments. Absent if the assignments of one of the versions are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignments: Option<VersionAssignmentsDifference>,
}

/// Changes of the content between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionContentDifference {
    /// The first changed fields, by name.
    #[schema(max_items = 1000)]
    fields: Vec<FieldChange>,
    /// Number of changed fields; may be larger than the list.
    field_count: u64,
}

/// Changes of the assignments between two versions, as Microsoft Graph represents them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionAssignmentsDifference {
    /// The first added assignments.
    #[schema(max_items = 1000, value_type = Vec<Object>)]
    added: Vec<Value>,
    /// Number of added assignments; may be larger than the list.
    added_count: u64,
    /// The first removed assignments.
    #[schema(max_items = 1000, value_type = Vec<Object>)]
    removed: Vec<Value>,
    /// Number of removed assignments; may be larger than the list.
    removed_count: u64,
    /// The groups and assignment filters that the assignments refer to, as far as their names are known.
    #[schema(max_items = 4000)]
    targets: Vec<AssignmentTarget>,
}

impl From<VersionSummary> for InventoryItemVersion {
    fn from(version: VersionSummary) -> Self {
        let (attributed, actors) = version.made_by.map(ActorAttribution::of).unzip();
        Self {
            number: version.number,
            valid_from: version.valid_from,
            valid_to: version.valid_to,
            operation_run_id: version.run.map(atlas_domain::ids::RunId::into_uuid),
            name: version.name,
            attributed,
            actors,
        }
    }
}

impl InventoryItemContent {
    /// What a version contains whose settings have these names.
    pub(crate) fn new(version: ItemVersion, known: &KnownSettings) -> Self {
        let settings = version
            .content
            .as_ref()
            .map(|fields| FieldSetting::among(fields, &version.item.policy_type, known));
        Self {
            settings: settings.unwrap_or_default(),
            item: version.item.into(),
            version: version.version.into(),
            content: version
                .content
                .map(|fields| without_nulls(Value::Object(fields))),
            assignments: version
                .assignments
                .map(|all| all.into_iter().map(without_nulls).collect()),
            assignment_targets: Vec::new(),
        }
    }

    /// The assignments, if they are known.
    pub(crate) fn assignments(&self) -> impl Iterator<Item = &Value> {
        self.assignments.iter().flatten()
    }

    /// The same with the names of what its assignments refer to.
    pub(crate) fn with_names(mut self, names: &AssignmentNames) -> Self {
        self.assignment_targets = AssignmentTarget::among(self.assignments(), names);
        self
    }
}

impl InventoryItemDifference {
    /// The differences of two versions of one item, whose contents differ in this.
    pub(crate) fn new(
        from: ItemVersion,
        to: ItemVersion,
        content: Option<ContentDifference>,
        known: &KnownSettings,
    ) -> Self {
        let content = content.map(|difference| {
            VersionContentDifference::new(difference, &to.item.policy_type, known)
        });
        let assignments = from.assignments.as_deref().zip(to.assignments.as_deref());
        let assignments = assignments.map(|(old, new)| assignments_difference(old, new).into());
        Self {
            item: to.item.into(),
            from: from.version.into(),
            to: to.version.into(),
            content,
            assignments,
        }
    }
}

impl InventoryItemDifference {
    /// The assignments that differ, as far as they are listed.
    pub(crate) fn assignments(&self) -> impl Iterator<Item = &Value> {
        let differences = self.assignments.iter();
        differences.flat_map(|one| one.added.iter().chain(&one.removed))
    }

    /// The same with the names of what they refer to.
    pub(crate) fn with_names(mut self, names: &AssignmentNames) -> Self {
        let targets = AssignmentTarget::among(self.assignments(), names);
        if let Some(assignments) = &mut self.assignments {
            assignments.targets = targets;
        }
        self
    }
}

impl VersionContentDifference {
    fn new(difference: ContentDifference, policy_type: &str, known: &KnownSettings) -> Self {
        let fields = difference.fields.into_iter();
        Self {
            fields: fields
                .map(|field| FieldChange::new(field, policy_type, known))
                .collect(),
            field_count: difference.field_count,
        }
    }
}

impl From<AssignmentsDifference> for VersionAssignmentsDifference {
    fn from(difference: AssignmentsDifference) -> Self {
        Self {
            added: difference.added.into_iter().map(without_nulls).collect(),
            added_count: difference.added_count,
            removed: difference.removed.into_iter().map(without_nulls).collect(),
            removed_count: difference.removed_count,
            targets: Vec::new(),
        }
    }
}
