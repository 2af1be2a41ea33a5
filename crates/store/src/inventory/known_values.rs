//! Which objects have values stored, so that a sync reads those of no others.

use std::collections::BTreeMap;

use atlas_domain::ids::TenantId;
use atlas_domain::policy_types::PolicyTypeKey;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{row, statement};

/// Objects of each type that one statement returns: some hundred kilobytes.
const PAGE_SIZE: &str = "2000";
const OBJECTS: usize = 2_000;

/// An object whose values are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredValues {
    pub policy_type: PolicyTypeKey,
    pub external_id: String,
    /// What its list row said of the last edit when they were read.
    pub mark: [u8; 16],
    /// Seconds since they were read.
    pub age: u32,
}

statement! {
    struct KnownValues<'a> {
        tenant: Uuid,
        policy_types: Vec<&'a str>,
        after: Vec<&'a str>,
    }
    file: "inventory/known_values",
    row: KnownRow,
    constants: [page_size = PAGE_SIZE],
}

row! {
    struct KnownRow {
        policy_type: String,
        external_id: String,
        values_mark: Vec<u8>,
        age: i64,
    }
}

/// Some of the objects whose values are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredValuesPage {
    pub objects: Vec<StoredValues>,
    /// The types that have more, each with the id after which the next page begins.
    pub next: BTreeMap<PolicyTypeKey, String>,
}

impl Store {
    /// Objects of these types whose values are stored, by id, at most two thousand of each type and
    /// only those after the id that stands beside it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn known_values(
        &self,
        tenant: TenantId,
        after: &BTreeMap<PolicyTypeKey, String>,
    ) -> Result<StoredValuesPage, StoreError> {
        let rows = self
            .fetch_all(&KnownValues {
                tenant: tenant.into_uuid(),
                policy_types: after.keys().map(|key| key.as_str()).collect(),
                after: after.values().map(String::as_str).collect(),
            })
            .await?;
        let mut page = StoredValuesPage::default();
        let mut counts: BTreeMap<PolicyTypeKey, usize> = BTreeMap::new();
        for row in rows {
            let key = after.keys().find(|key| key.as_str() == row.policy_type);
            let Some(&policy_type) = key else { continue };
            *counts.entry(policy_type).or_default() += 1;
            page.next.insert(policy_type, row.external_id.clone());
            let Ok(mark) = row.values_mark.try_into() else {
                continue;
            };
            page.objects.push(StoredValues {
                policy_type,
                external_id: row.external_id,
                mark,
                age: u32::try_from(row.age.max(0)).unwrap_or(u32::MAX),
            });
        }
        page.next.retain(|key, _| counts[key] >= OBJECTS);
        Ok(page)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<KnownValues<'_> as crate::statement::Statement>::INFO];
