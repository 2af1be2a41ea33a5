//! Storing items that are new, differ, were missing, or have other links: see
//! `sql/inventory/store_differing.sql`.

use std::time::Duration;

use atlas_domain::inventory::Observation;
use atlas_domain::run::Lease;
use serde_json::Value;
use uuid::Uuid;

use super::columns::{Columns, LinkColumns, as_bytes, column};
use super::page::{index, kept};
use super::setting_columns::SettingColumns;
use super::stored_json::StoredJson;
use super::{PageEffect, TypeEffect, WriteError};
use crate::pool::Store;
use crate::runs::milliseconds;
use crate::statement::{row, statement};

/// The changes that one observation can be at once: created or back, changed, and reassigned.
const CHANGES_OF_EACH: usize = 3;
/// How many versions of an item are kept however old they are, the current one included.
const VERSIONS_ALWAYS_KEPT: &str = "10";

statement! {
    struct StoreDiffering<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        reading_ms: i64,
        item_ids: Vec<Uuid>,
        policy_types: Vec<&'a str>,
        external_ids: Vec<String>,
        names: Vec<String>,
        categories: Vec<&'a str>,
        platforms: Vec<String>,
        foundations: Vec<bool>,
        scope_tags: Vec<Option<String>>,
        assignment_counts: Vec<Option<i32>>,
        metadata: Vec<StoredJson<'a>>,
        content_hashes: Vec<&'a [u8]>,
        assignments_hashes: Vec<Option<&'a [u8]>>,
        object_links: Vec<Option<Vec<u8>>>,
        assignment_links: Vec<Option<Vec<u8>>>,
        related_links: Vec<Option<Vec<u8>>>,
        values_hashes: Vec<Option<&'a [u8]>>,
        values_marks: Vec<Option<&'a [u8]>>,
        contents: Vec<StoredJson<'a>>,
        value_fields: Vec<Option<StoredJson<'a>>>,
        assignments: Vec<Option<StoredJson<'a>>>,
        former_content_hashes: Vec<Option<&'a [u8]>>,
        former_assignments_hashes: Vec<Option<&'a [u8]>>,
        change_ids: Vec<Uuid>,
        link_places: Vec<i64>,
        link_ids: Vec<Uuid>,
        link_sources: Vec<&'a str>,
        link_kinds: Vec<&'a str>,
        link_target_kinds: Vec<&'a str>,
        link_target_ids: Vec<String>,
        link_qualifiers: Vec<Value>,
        setting_items: Vec<i64>,
        setting_places: Vec<Uuid>,
        setting_ids: Vec<String>,
        setting_fields: Vec<String>,
        definition_ids: Vec<String>,
        definitions_in_catalog: Vec<bool>,
        definition_names: Vec<Option<String>>,
    }
    file: "inventory/store_differing",
    row: SettledRow,
    pieces: [
        "inventory/pieces/guard",
        "inventory/pieces/observation_values",
        "inventory/pieces/observation_columns",
        "inventory/pieces/seen_again",
        "inventory/pieces/standing_item",
        "inventory/pieces/settings",
    ],
    constants: [most_listed = "100", always_kept = VERSIONS_ALWAYS_KEPT],
}

row! {
    struct SettledRow {
        at: Option<i64>,
        created: bool,
        changed: bool,
        reassigned: bool,
        back: bool,
    }
}

impl Store {
    /// Stores what is new or differs, and returns what somebody else wrote meanwhile.
    pub(super) async fn store_differing<'a>(
        &self,
        lease: &Lease,
        batch: Vec<&'a Observation>,
        reading: Duration,
        total: &mut PageEffect,
    ) -> Result<Vec<&'a Observation>, WriteError> {
        let columns = Columns::of(&batch);
        let links = LinkColumns::of(&batch, || self.mint());
        let mut settings = SettingColumns::of(&batch)?;
        let definitions = settings.take_definitions();
        let mint = |count| -> Vec<Uuid> {
            let mut ids: Vec<Uuid> = std::iter::repeat_with(|| self.mint()).take(count).collect();
            // Changes of one statement have one time, and stand in the order of their ids.
            ids.sort_unstable();
            ids
        };
        let rows = self
            .fetch_all(&StoreDiffering {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                reading_ms: milliseconds(reading),
                item_ids: mint(batch.len()),
                policy_types: columns.policy_types,
                external_ids: columns.external_ids,
                names: columns.names,
                categories: columns.categories,
                platforms: columns.platforms,
                foundations: columns.foundations,
                scope_tags: columns.scope_tags,
                assignment_counts: columns.assignment_counts,
                metadata: columns.metadata,
                content_hashes: columns.content_hashes,
                assignments_hashes: columns.assignments_hashes,
                object_links: columns.object_links,
                assignment_links: columns.assignment_links,
                related_links: columns.related_links,
                values_hashes: columns.values_hashes,
                values_marks: columns.values_marks,
                contents: column(&batch, |o| StoredJson::of(&o.content)),
                value_fields: column(&batch, |o| {
                    o.values.as_ref().map(|one| StoredJson::of(&one.fields))
                }),
                assignments: column(&batch, |o| o.assignments.as_ref().map(StoredJson::of)),
                former_content_hashes: column(&batch, |o| {
                    o.former_content_hash.as_ref().map(as_bytes)
                }),
                former_assignments_hashes: column(&batch, |o| {
                    o.former_assignments_hash.as_ref().map(as_bytes)
                }),
                change_ids: mint(CHANGES_OF_EACH * batch.len()),
                link_places: links.places,
                link_ids: links.ids,
                link_sources: links.sources,
                link_kinds: links.kinds,
                link_target_kinds: links.target_kinds,
                link_target_ids: links.target_ids,
                link_qualifiers: links.qualifiers,
                setting_items: settings.items,
                setting_places: settings.places,
                setting_ids: settings.ids,
                setting_fields: settings.fields,
                definition_ids: definitions.ids,
                definitions_in_catalog: definitions.in_catalog,
                definition_names: definitions.names,
            })
            .await?;
        let mut left = vec![true; batch.len()];
        let mut held = false;
        for row in rows {
            let Some(at) = row.at.and_then(index) else {
                held = true;
                continue;
            };
            left[at] = false;
            *total.entry(batch[at].policy_type).or_default() += TypeEffect {
                seen: 1,
                created: row.created.into(),
                changed: row.changed.into(),
                reassigned: row.reassigned.into(),
                back: row.back.into(),
            };
        }
        if !held {
            return Err(WriteError::Lost);
        }
        Ok(kept(batch, &left))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<StoreDiffering<'_> as crate::statement::Statement>::INFO];
