//! What was found in tenants.

pub(crate) mod example;

use std::fmt::Write as _;

use atlas_domain::policy_types::{self, registry};
use atlas_domain::run::RunCounts;
use atlas_store::{ItemView, SyncRunView, TypeSummary};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::links::{Links, RunLinks};
use crate::wire::run::{Counts, Initiator, Outcome, Status};

/// A policy or foundation of a tenant, as it was last seen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryItem {
    /// Its identifier here.
    id: Uuid,
    /// Key of its policy type.
    #[schema(max_length = 128)]
    policy_type: String,
    /// Its identifier in Microsoft Graph, with GUIDs in lower case. Of a policy type that is one object
    /// in each tenant: the key of the policy type.
    #[schema(max_length = 1024)]
    external_id: String,
    /// Its name.
    #[schema(max_length = 4096)]
    name: String,
    /// The category of its policy type.
    #[schema(max_length = 128)]
    category: String,
    /// Its platform; several are joined by commas.
    #[schema(max_length = 256)]
    platform: String,
    /// Whether it is an object that policies lean on.
    foundation: bool,
    /// Identifiers of its scope tags.
    #[schema(max_items = 1000)]
    scope_tags: Vec<String>,
    /// How many assignments it has, when the list that it came from tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    assignment_count: Option<i32>,
    /// Small facts about it, such as a description or times; the names are those of Microsoft
    /// Graph.
    #[schema(value_type = Object)]
    metadata: Value,
    /// SHA-256 of its content in hexadecimal: it differs when the content does.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    content_hash: String,
    /// When it was first seen.
    first_seen_at: DateTime<Utc>,
    /// When it was last seen.
    last_seen_at: DateTime<Utc>,
    /// When its content or assignments last differed.
    changed_at: DateTime<Utc>,
    /// Since when it is no longer there; absent while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_since: Option<DateTime<Utc>>,
    /// The run that last saw it.
    last_seen_run_id: Uuid,
}

/// How many items a tenant has, per policy type that was read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventorySummary {
    /// Items that are there.
    #[schema(minimum = 0)]
    present: i64,
    /// Items that were there once.
    #[schema(minimum = 0)]
    missing: i64,
    /// When any policy type was last read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
    /// Counts per policy type, by key.
    #[schema(max_items = 200)]
    types: Vec<PolicyTypeSummary>,
}

/// How many items of one policy type a tenant has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyTypeSummary {
    /// Key of the policy type.
    #[schema(max_length = 128)]
    policy_type: String,
    /// Its name.
    #[schema(max_length = 256)]
    label: String,
    /// Its category.
    #[schema(max_length = 128)]
    category: String,
    /// Items that are there.
    #[schema(minimum = 0)]
    present: i64,
    /// Items that were there once.
    #[schema(minimum = 0)]
    missing: i64,
    /// When it was last read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
}

/// A sync of a tenant that a worker has begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventorySyncRun {
    /// Its operation run.
    operation_run_id: Uuid,
    /// Who asked for it.
    initiator: Initiator,
    /// SHA-256 of its selection, in hexadecimal. The operation run has the selection itself.
    #[schema(max_length = 64, pattern = "^[0-9a-f]{64}$")]
    selection_hash: String,
    /// When a worker began it.
    created_at: DateTime<Utc>,
    /// Where it is.
    status: Status,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// What it did; all zero until it ends.
    counts: Counts,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    error_code: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
    /// Where to look at its operation run.
    links: RunLinks,
}

/// A kind of object that syncs read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyType {
    /// Its key, as selections and filters name it.
    #[schema(max_length = 128)]
    key: &'static str,
    /// Its name.
    #[schema(max_length = 256)]
    label: &'static str,
    /// The group under which people look for it.
    #[schema(max_length = 128)]
    category: &'static str,
    /// Its platform; several are joined by commas.
    #[schema(max_length = 256)]
    platform: &'static str,
    /// Whether it is an object that policies lean on. Selections do not name these; they are chosen
    /// by `include_foundations`.
    foundation: bool,
    /// The least Microsoft Graph permissions that read it.
    #[schema(max_items = 20)]
    permissions: &'static [String],
    /// Whether an application can read it without a signed-in user.
    app_only: bool,
}

/// All policy types of this version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyTypeList {
    /// In the order of the registry.
    #[schema(max_items = 200)]
    items: Vec<PolicyType>,
    /// The categories that selections may name, sorted.
    #[schema(max_items = 100)]
    categories: Vec<&'static str>,
}

impl From<ItemView> for InventoryItem {
    fn from(item: ItemView) -> Self {
        Self {
            id: item.id.into_uuid(),
            policy_type: item.policy_type,
            external_id: item.external_id,
            name: item.name,
            category: item.category,
            platform: item.platform,
            foundation: item.foundation,
            scope_tags: item.scope_tags,
            assignment_count: item.assignment_count,
            metadata: without_nulls(item.metadata),
            content_hash: hexadecimal(&item.content_hash),
            first_seen_at: item.first_seen_at,
            last_seen_at: item.last_seen_at,
            changed_at: item.changed_at,
            missing_since: item.missing_since,
            last_seen_run_id: item.last_seen_run.into_uuid(),
        }
    }
}

impl InventorySummary {
    /// Adds up the types.
    pub(crate) fn new(types: Vec<TypeSummary>) -> Self {
        Self {
            present: types.iter().map(|one| one.present).sum(),
            missing: types.iter().map(|one| one.missing).sum(),
            data_as_of: types.iter().filter_map(|one| one.data_as_of).max(),
            types: types.into_iter().map(PolicyTypeSummary::from).collect(),
        }
    }
}

impl From<TypeSummary> for PolicyTypeSummary {
    fn from(summary: TypeSummary) -> Self {
        // A type of an earlier version is shown by its key.
        let known = registry()
            .find(&summary.policy_type)
            .map(|key| key.describe());
        Self {
            label: known.map_or_else(|| summary.policy_type.clone(), |known| known.label.clone()),
            category: known.map_or_else(String::new, |known| known.category.clone()),
            policy_type: summary.policy_type,
            present: summary.present,
            missing: summary.missing,
            data_as_of: summary.data_as_of,
        }
    }
}

impl InventorySyncRun {
    /// How a sync looks.
    pub(crate) fn new(sync: SyncRunView, links: &Links) -> Self {
        Self {
            operation_run_id: sync.run_id.into_uuid(),
            initiator: Initiator {
                id: sync.initiator_id.into_uuid(),
                display: sync.initiator_name,
            },
            selection_hash: sync.selection_hash,
            created_at: sync.created_at,
            status: sync.status.into(),
            outcome: sync.outcome.map(Outcome::from),
            counts: RunCounts::from(sync.counts).into(),
            error_code: sync.error_code,
            completed_at: sync.completed_at,
            links: links.run(sync.run_id),
        }
    }
}

impl PolicyTypeList {
    /// The registry.
    pub(crate) fn of_this_version() -> Self {
        Self {
            items: registry().all().iter().map(PolicyType::from).collect(),
            categories: registry().categories().iter().map(String::as_str).collect(),
        }
    }

    /// The list with no more than so many entries.
    fn beginning(mut self, entries: usize) -> Self {
        self.items.truncate(entries);
        self.categories.truncate(entries);
        self
    }
}

impl From<&'static policy_types::PolicyType> for PolicyType {
    fn from(row: &'static policy_types::PolicyType) -> Self {
        Self {
            key: &row.key,
            label: &row.label,
            category: &row.category,
            platform: &row.platform,
            foundation: row.foundation,
            permissions: &row.permissions,
            app_only: row.app_only,
        }
    }
}

/// Leaves out members without a value, at every depth.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        Value::Array(values) => Value::Array(
            values
                .into_iter()
                .filter(|value| !value.is_null())
                .map(without_nulls)
                .collect(),
        ),
        other => other,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_null() {
        let value = json!({"a": null, "b": {"c": null, "d": [null, 1]}});
        assert_eq!(without_nulls(value), json!({"b": {"d": [1]}}));
    }
}
