//! The columns of what a batch of observations sets, and of the definitions of that.

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
    definitions: BTreeMap<String, Definition>,
}

/// What a batch says of a definition.
struct Definition {
    in_catalog: bool,
    /// The name that items say themselves.
    name: Option<String>,
}

/// The definitions of the settings of a batch, each once.
#[derive(Default)]
pub(super) struct DefinitionColumns {
    pub(super) ids: Vec<String>,
    pub(super) in_catalog: Vec<bool>,
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
        let id = storable(&setting.id);
        let name = name.map(|name| shortened(&storable(name), LONGEST_NAME).to_owned());
        match self.definitions.get_mut(&id) {
            Some(known) => known.name = known.name.take().or(name),
            None => {
                let in_catalog = setting.source == SettingSource::Catalog;
                let definition = Definition { in_catalog, name };
                self.definitions.insert(id.clone(), definition);
            }
        }
        self.ids.push(id);
        self.fields.push(storable(field));
    }

    /// Takes the definitions.
    pub(super) fn take_definitions(&mut self) -> DefinitionColumns {
        let mut columns = DefinitionColumns::default();
        for (id, definition) in std::mem::take(&mut self.definitions) {
            columns.ids.push(id);
            columns.in_catalog.push(definition.in_catalog);
            columns.names.push(definition.name);
        }
        columns
    }
}
