//! Writing the settings of values that were stored before there were rows of settings.

use std::collections::BTreeMap;

use atlas_domain::run::Lease;
use serde_json::Value;
use uuid::Uuid;

use super::setting_columns::SettingColumns;
use super::{HeldRow, WriteError};
use crate::pool::Store;
use crate::statement::{row, statement};

/// Items of one statement.
const BATCH: &str = "200";

statement! {
    struct FindItemsWithoutSettings {
        tenant: Uuid,
    }
    file: "inventory/find_items_without_settings",
    row: FoundRow,
    constants: [batch = BATCH],
}

row! {
    struct FoundRow {
        item_id: Uuid,
        policy_type: Option<String>,
        external_id: Option<String>,
        value_fields: Option<Value>,
    }
}

statement! {
    struct StoreEarlierSettings<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        items: Vec<Uuid>,
        setting_items: Vec<i64>,
        setting_places: Vec<Uuid>,
        setting_ids: Vec<String>,
        setting_fields: Vec<String>,
        definition_ids: Vec<String>,
        definitions_in_catalog: Vec<bool>,
        definition_names: Vec<Option<String>>,
    }
    file: "inventory/store_earlier_settings",
    row: HeldRow,
    pieces: ["inventory/pieces/guard", "inventory/pieces/settings"],
}

impl Store {
    /// Writes the settings of up to 200 items of the tenant whose values were stored before there were
    /// rows of settings, and returns how many items that were: none when all have theirs.
    ///
    /// # Errors
    /// [`WriteError`]; nothing was written then.
    pub async fn store_earlier_settings(&self, lease: &Lease) -> Result<usize, WriteError> {
        let tenant = lease.tenant_id.into_uuid();
        let found = self.fetch_all(&FindItemsWithoutSettings { tenant }).await?;
        if found.is_empty() {
            return Ok(0);
        }
        let mut settings = SettingColumns::default();
        for (at, row) in (1..).zip(&found) {
            let key = row.policy_type.as_deref().zip(row.external_id.as_deref());
            if let (Some(key), Some(Value::Object(fields))) = (key, &row.value_fields) {
                let fields: BTreeMap<String, Value> = fields.clone().into_iter().collect();
                settings.add(at, key, &fields);
            }
        }
        let definitions = settings.take_definitions();
        let stored = self
            .fetch_one(&StoreEarlierSettings {
                tenant,
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                items: found.iter().map(|row| row.item_id).collect(),
                setting_items: settings.items,
                setting_places: settings.places,
                setting_ids: settings.ids,
                setting_fields: settings.fields,
                definition_ids: definitions.ids,
                definitions_in_catalog: definitions.in_catalog,
                definition_names: definitions.names,
            })
            .await?;
        stored.check()?;
        Ok(found.len())
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <FindItemsWithoutSettings as crate::statement::Statement>::INFO,
    <StoreEarlierSettings<'_> as crate::statement::Statement>::INFO,
];
