//! The columns of what a batch of observations sets.

use std::collections::BTreeMap;

use atlas_domain::inventory::Observation;
use atlas_domain::inventory::values::{SettingSource, setting_of, setting_place};
use atlas_domain::limits::{LONGEST_NAME, shortened};
use serde_json::Value;
use uuid::Uuid;

use super::columns::storable;
use crate::error::StoreError;

/// The settings of a batch, each with the place of its item from 1.
#[derive(Default)]
pub(super) struct SettingColumns {
    pub(super) items: Vec<i64>,
    pub(super) places: Vec<Uuid>,
    pub(super) ids: Vec<String>,
    pub(super) fields: Vec<String>,
    pub(super) in_catalog: Vec<bool>,
    /// Names that the items say themselves.
    pub(super) names: Vec<Option<String>>,
}

impl SettingColumns {
    pub(super) fn of(batch: &[&Observation]) -> Result<Self, StoreError> {
        let mut columns = Self::default();
        for (item, observation) in (1..).zip(batch) {
            let Some(values) = &observation.values else {
                continue;
            };
            let fields: BTreeMap<String, Value> = serde_json::from_str(values.fields.as_str())
                .map_err(|error| StoreError::corrupt("values", error))?;
            let policy_type = observation.policy_type.as_str();
            columns.add(item, (policy_type, &observation.external_id), &fields);
        }
        Ok(columns)
    }

    /// Adds what the item with this policy type and external id sets.
    pub(super) fn add(&mut self, item: i64, key: (&str, &str), fields: &BTreeMap<String, Value>) {
        for (field, value) in fields {
            self.add_field(item, key, (field, value), fields);
        }
    }

    fn add_field(
        &mut self,
        item: i64,
        (policy_type, external_id): (&str, &str),
        (field, value): (&str, &Value),
        fields: &BTreeMap<String, Value>,
    ) {
        let Some(setting) = setting_of(policy_type, field) else {
            return;
        };
        let name = setting.name_field.and_then(|field| fields.get(&field));
        let name = name.and_then(Value::as_str);
        self.items.push(item);
        self.places
            .push(setting_place(policy_type, external_id, field, value));
        self.ids.push(storable(&setting.id));
        self.fields.push(storable(field));
        self.in_catalog
            .push(setting.source == SettingSource::Catalog);
        self.names
            .push(name.map(|name| shortened(&storable(name), LONGEST_NAME).to_owned()));
    }
}
