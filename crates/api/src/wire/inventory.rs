//! What was found in tenants.

pub(crate) mod example;

use atlas_domain::policy_types::{self, registry};
use atlas_domain::run::RunCounts;
use atlas_store::{SyncRunView, TypeSummary};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::links::{Links, RunLinks};
use crate::wire::run::{Counts, Initiator, Outcome, Status};

/// Numbers of items in a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventorySummary {
    /// Number of items that exist.
    #[schema(minimum = 0)]
    present: i64,
    /// Number of items that no longer exist.
    #[schema(minimum = 0)]
    missing: i64,
    /// When a policy type was last read completely.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
    /// Counts per policy type, by key.
    #[schema(max_items = 200)]
    types: Vec<PolicyTypeSummary>,
}

/// Numbers of items of one policy type.
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
    /// Number of items that exist.
    #[schema(minimum = 0)]
    present: i64,
    /// Number of items that no longer exist.
    #[schema(minimum = 0)]
    missing: i64,
    /// When it was last read completely.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
}

/// A sync of a tenant that a worker has started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventorySyncRun {
    /// Its operation run.
    operation_run_id: Uuid,
    /// The user who started it.
    initiator: Initiator,
    /// SHA-256 of its selection, in hexadecimal. The operation run has the selection itself.
    #[schema(max_length = 64, pattern = "^[0-9a-f]{64}$")]
    selection_hash: String,
    /// When a worker started it.
    created_at: DateTime<Utc>,
    /// The status.
    status: Status,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Numbers of what it did; zero until it ends.
    counts: Counts,
    /// Code of the error, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    error_code: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
    /// Addresses of its operation run.
    links: RunLinks,
}

/// A policy type or foundation that syncs read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyType {
    /// Its key, for selections and filters.
    #[schema(max_length = 128)]
    key: &'static str,
    /// Its name.
    #[schema(max_length = 256)]
    label: &'static str,
    /// Its category.
    #[schema(max_length = 128)]
    category: &'static str,
    /// Its platform; several are joined by commas.
    #[schema(max_length = 256)]
    platform: &'static str,
    /// Whether it is a foundation. Foundations are selected by `include_foundations`, not by key.
    foundation: bool,
    /// The least privileged Microsoft Graph permissions that can read it.
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
    /// The categories that selections can filter by, sorted.
    #[schema(max_items = 100)]
    categories: Vec<&'static str>,
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
