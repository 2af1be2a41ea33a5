//! Items of the inventory, now and as of an earlier time.

use atlas_domain::hex::hex;
use atlas_domain::ids::RunId;
use atlas_store::{ItemView, PastItem, TypeReading};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::paging::Page;
use crate::wire::inventory::without_nulls;
use crate::wire::version::InventoryItemVersion;

/// A policy or foundation of a tenant, as a sync last read it, or as it was known at an earlier time.
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
    /// Whether it is a foundation: an object that policies refer to.
    foundation: bool,
    /// Identifiers of its scope tags.
    #[schema(max_items = 1000)]
    scope_tags: Vec<String>,
    /// Number of its assignments, if Microsoft Graph reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    assignment_count: Option<i32>,
    /// Further properties, such as a description or timestamps, with the names of Microsoft Graph.
    #[schema(value_type = Object)]
    metadata: Value,
    /// SHA-256 of its content in hexadecimal. With `as_of`, absent if the content of that time was not
    /// stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    content_hash: Option<String>,
    /// When a sync first read it.
    first_seen_at: DateTime<Utc>,
    /// When a sync last read it; with `as_of`, before that time and as far as is known.
    last_seen_at: DateTime<Utc>,
    /// When a sync last detected a change of its content or assignments; with `as_of`, that it had changed
    /// or returned.
    changed_at: DateTime<Utc>,
    /// When a sync detected that it no longer exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_since: Option<DateTime<Utc>>,
    /// The run that last read it. With `as_of`, absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_run_id: Option<Uuid>,
    /// The version that was valid at `as_of`. Absent without `as_of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<InventoryItemVersion>,
    /// The last reading of its policy type before `as_of`. Absent without `as_of`, in lists, and if it is
    /// not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<PolicyTypeReading>,
}

/// A page of items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InventoryItemPage {
    /// The entries, in the list's order.
    #[schema(max_items = 200)]
    items: Vec<InventoryItem>,
    /// Cursor of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    next_cursor: Option<String>,
    /// Cursor of the previous page. Absent on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    previous_cursor: Option<String>,
    /// The last reading of each listed policy type before `as_of`. Types that had not been read are left
    /// out, and so are types whose readings are not stored any more. Absent without `as_of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    readings: Option<Vec<PolicyTypeReading>>,
}

/// The last time that a policy type had been read before another time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PolicyTypeReading {
    /// Key of the policy type.
    #[schema(max_length = 128)]
    policy_type: String,
    /// The run that read it.
    operation_run_id: Uuid,
    /// When it had been read.
    completed_at: DateTime<Utc>,
    /// Seconds from then to `as_of`.
    #[schema(minimum = 0)]
    age_seconds: u64,
    /// Whether everything of the policy type could be read. If not, some assignments, links or settings are
    /// older, and deleted items may be listed.
    complete: bool,
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
            content_hash: Some(hex(&item.content_hash)),
            first_seen_at: item.first_seen_at,
            last_seen_at: item.last_seen_at,
            changed_at: item.changed_at,
            missing_since: item.missing_since,
            last_seen_run_id: Some(item.last_seen_run.into_uuid()),
            version: None,
            reading: None,
        }
    }
}

impl InventoryItem {
    /// An item as it was known at an earlier time, and the last reading of its type before that time.
    pub(crate) fn as_of(item: PastItem, reading: Option<&TypeReading>) -> Self {
        let version = &item.version;
        // A reading that was complete saw what existed.
        let seen_again =
            reading.filter(|one| one.is_complete && one.completed_at > version.valid_from);
        let (last_seen_at, last_seen_run) = match seen_again {
            Some(reading) => (reading.completed_at, Some(reading.run)),
            None => (version.valid_from, version.run),
        };
        Self {
            id: item.id.into_uuid(),
            policy_type: item.policy_type,
            external_id: item.external_id,
            name: version.name.clone(),
            category: item.category,
            platform: item.platform,
            foundation: item.foundation,
            scope_tags: item.scope_tags,
            assignment_count: item.assignment_count,
            metadata: without_nulls(item.metadata),
            content_hash: item.content_hash.as_deref().map(hex),
            first_seen_at: item.first_seen_at,
            last_seen_at,
            changed_at: version.valid_from,
            missing_since: None,
            last_seen_run_id: last_seen_run.map(RunId::into_uuid),
            version: Some(item.version.into()),
            reading: None,
        }
    }

    /// The same, with the reading that it is known from.
    pub(crate) fn with_reading(self, reading: Option<PolicyTypeReading>) -> Self {
        Self { reading, ..self }
    }
}

impl InventoryItemPage {
    /// A page of what is known now, or of an earlier time with the readings before it.
    pub(crate) fn new(page: Page<InventoryItem>, readings: Option<Vec<PolicyTypeReading>>) -> Self {
        Self {
            items: page.items,
            next_cursor: page.next_cursor,
            previous_cursor: page.previous_cursor,
            readings,
        }
    }
}

impl PolicyTypeReading {
    /// A reading, seen from a later time.
    pub(crate) fn new(reading: &TypeReading, time: DateTime<Utc>) -> Self {
        let age = (time - reading.completed_at).num_seconds();
        Self {
            policy_type: reading.policy_type.clone(),
            operation_run_id: reading.run.into_uuid(),
            completed_at: reading.completed_at,
            age_seconds: age.unsigned_abs(),
            complete: reading.is_complete,
        }
    }
}
