//! Touching items that have not changed: only when and by which run they were seen is written.

use std::time::Duration;

use atlas_domain::inventory::Observation;
use atlas_domain::run::Lease;
use uuid::Uuid;

use super::columns::Columns;
use super::page::{index, kept};
use super::stored_json::StoredJson;
use super::{PageEffect, WriteError};
use crate::pool::Store;
use crate::runs::milliseconds;
use crate::statement::{row, statement};

statement! {
    struct Touch<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        reading_ms: i64,
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
    }
    file: "inventory/touch",
    row: PlaceRow,
    pieces: [
        "inventory/pieces/guard",
        "inventory/pieces/observation_values",
        "inventory/pieces/observation_columns",
        "inventory/pieces/seen_again",
        "inventory/pieces/standing_item",
    ],
}

row! {
    struct PlaceRow {
        at: Option<i64>,
    }
}

impl Store {
    /// Touches the items that have not changed, and returns the other observations.
    pub(super) async fn touch<'a>(
        &self,
        lease: &Lease,
        batch: Vec<&'a Observation>,
        reading: Duration,
        total: &mut PageEffect,
    ) -> Result<Vec<&'a Observation>, WriteError> {
        let columns = Columns::of(&batch);
        let rows = self
            .fetch_all(&Touch {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                reading_ms: milliseconds(reading),
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
            })
            .await?;
        let mut left = vec![false; batch.len()];
        let mut held = false;
        for row in rows {
            match row.at.and_then(index) {
                Some(at) => left[at] = true,
                None => held = true,
            }
        }
        if !held {
            return Err(WriteError::Lost);
        }
        for (observation, _) in batch.iter().zip(&left).filter(|(_, left)| !**left) {
            total.entry(observation.policy_type).or_default().seen += 1;
        }
        Ok(kept(batch, &left))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<Touch<'_> as crate::statement::Statement>::INFO];
