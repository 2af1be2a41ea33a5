//! Lines of an export.

use atlas_domain::ids::TenantId;
use atlas_store::{ExportedItem, LinkView};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::wire::inventory::without_nulls;
use crate::wire::link::LinkTarget;
use crate::wire::version::InventoryItemVersion;

/// What the lines look like. A program that knows another number does not know all members.
const FORMAT_VERSION: u32 = 1;

/// A line: a JSON object whose member `line` is the word of its variant.
#[derive(Debug, Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub(crate) enum ExportLine {
    /// The first.
    Header(ExportHeader),
    Item(Box<ExportLineItem>),
    /// The last. Without it the export is not complete.
    End {
        item_count: u64,
    },
}

/// What is exported.
#[derive(Debug, Serialize)]
pub(crate) struct ExportHeader {
    format_version: u32,
    tenant_id: Uuid,
    tenant_name: String,
    exported_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy_types: Vec<String>,
}

/// An item as it was at the time of the export.
#[derive(Debug, Serialize)]
pub(crate) struct ExportLineItem {
    id: Uuid,
    policy_type: String,
    external_id: String,
    name: String,
    category: String,
    platform: String,
    foundation: bool,
    scope_tags: Vec<String>,
    metadata: Value,
    version: InventoryItemVersion,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignments: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Vec<ExportedLink>>,
}

/// A link of the item.
#[derive(Debug, Serialize)]
struct ExportedLink {
    kind: &'static str,
    target: LinkTarget,
    source: &'static str,
    qualifier: Value,
    dangling: bool,
}

impl ExportHeader {
    pub(crate) fn new(
        tenant: TenantId,
        tenant_name: String,
        exported_at: DateTime<Utc>,
        as_of: Option<DateTime<Utc>>,
        policy_types: Vec<String>,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            tenant_id: tenant.into_uuid(),
            tenant_name,
            exported_at,
            as_of,
            policy_types,
        }
    }
}

impl From<ExportedItem> for ExportLineItem {
    fn from(item: ExportedItem) -> Self {
        Self {
            id: item.id.into_uuid(),
            policy_type: item.policy_type,
            external_id: item.external_id,
            name: item.version.name.clone(),
            category: item.category,
            platform: item.platform,
            foundation: item.foundation,
            scope_tags: item.scope_tags,
            metadata: without_nulls(item.metadata),
            version: item.version.into(),
            content: item
                .content
                .map(|fields| without_nulls(Value::Object(fields))),
            assignments: item
                .assignments
                .map(|all| all.into_iter().map(without_nulls).collect()),
            links: item
                .links
                .map(|all| all.into_iter().map(ExportedLink::from).collect()),
        }
    }
}

impl From<LinkView> for ExportedLink {
    fn from(link: LinkView) -> Self {
        Self {
            kind: link.kind.as_str(),
            source: link.source.as_str(),
            dangling: link.dangling,
            target: LinkTarget::new(link.target, link.target_item, link.target_group),
            qualifier: link.qualifier,
        }
    }
}

impl ExportLine {
    /// The line with the character that ends it.
    pub(crate) fn to_text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        Ok(text)
    }
}
