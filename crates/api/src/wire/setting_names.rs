//! Names of settings and of their options, beside the raw values of items.

use std::collections::BTreeSet;

use atlas_store::{KnownSettings, SettingNames};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A reference to a setting.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SettingReference {
    /// The identifier of its definition in Microsoft Graph.
    #[schema(max_length = 1024)]
    pub(crate) id: String,
    /// Its name, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub(crate) name: Option<String>,
}

/// An option of a setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct SettingOption {
    /// The identifier that items set.
    #[schema(max_length = 8192)]
    id: String,
    /// Its name.
    #[schema(max_length = 4096)]
    name: String,
}

/// A property that is a setting, with names for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldSetting {
    /// JSON pointer (RFC 6901) to the property.
    #[schema(max_length = 65536)]
    field: String,
    /// The setting.
    setting: SettingReference,
    /// The options that the property's value is or contains, as far as their names are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10_000)]
    options: Vec<SettingOption>,
}

impl FieldSetting {
    /// The settings among the fields of an object of this type, as far as they are known.
    pub(crate) fn among(
        fields: &Map<String, Value>,
        policy_type: &str,
        known: &KnownSettings,
    ) -> Vec<Self> {
        let known_fields = fields.iter().filter_map(|(field, value)| {
            let (id, names) = known.of_field(policy_type, field)?;
            Some(Self {
                field: field.clone(),
                setting: SettingReference::new(id, names),
                options: SettingOption::among([value], names),
            })
        });
        let mut settings: Vec<Self> = known_fields.collect();
        settings.sort_unstable_by(|one, other| one.field.cmp(&other.field));
        settings
    }
}

impl SettingReference {
    /// A setting of which this is known.
    pub(crate) fn new(id: &str, names: &SettingNames) -> Self {
        Self {
            id: id.to_owned(),
            name: names.name.clone(),
        }
    }
}

impl SettingOption {
    /// The options that these values are or contain, each once.
    pub(crate) fn among<'a>(
        values: impl IntoIterator<Item = &'a Value>,
        names: &SettingNames,
    ) -> Vec<Self> {
        let options: BTreeSet<Self> = values
            .into_iter()
            .flat_map(|value| names.options_in(value))
            .map(|(id, name)| Self {
                id: id.to_owned(),
                name: name.to_owned(),
            })
            .collect();
        options.into_iter().collect()
    }
}
