//! Names of settings and of their options, kept once for all tenants.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::ids::TenantId;
use atlas_domain::inventory::values::setting_of;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::setting_definitions;
use crate::statement::{row, statement};

/// How long it is remembered that the catalog does not have a setting.
const ASKED_AGAIN: &str = "7 days";

/// What the settings catalog says of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingDescription {
    pub name: String,
    pub description: Option<String>,
    /// Names of its options, by the ids that items set.
    pub options: BTreeMap<String, String>,
}

/// What is known of a setting by its id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingNames {
    pub name: Option<String>,
    /// Names of its options, by the ids that items set.
    pub options: BTreeMap<String, String>,
}

impl SettingNames {
    /// The name of the option that a value is.
    #[must_use]
    pub fn option(&self, value: &Value) -> Option<String> {
        self.options.get(value.as_str()?).cloned()
    }

    /// The options among a value, which may be a list of them: each with its id and its name.
    pub fn options_in<'a>(&'a self, value: &'a Value) -> impl Iterator<Item = (&'a str, &'a str)> {
        let several = value.as_array().into_iter().flatten();
        let ids = std::iter::once(value)
            .chain(several)
            .filter_map(Value::as_str);
        ids.filter_map(|id| {
            let (id, name) = self.options.get_key_value(id)?;
            Some((id.as_str(), name.as_str()))
        })
    }
}

/// Settings that are known, by their ids.
#[derive(Debug, Clone, Default)]
pub struct KnownSettings {
    by_id: BTreeMap<String, SettingNames>,
}

impl KnownSettings {
    /// Settings of which this is known.
    #[must_use]
    pub const fn new(by_id: BTreeMap<String, SettingNames>) -> Self {
        Self { by_id }
    }

    /// The setting that a field of an object of this type is, or is a part of: its id and what is known
    /// of it. `None` when the field is no setting that is known.
    #[must_use]
    pub fn of_field(&self, policy_type: &str, field: &str) -> Option<(&str, &SettingNames)> {
        let setting = setting_of(policy_type, field)?;
        let (id, names) = self.by_id.get_key_value(setting.id.as_ref())?;
        Some((id, names))
    }
}

statement! {
    struct UnknownSettings {
        tenant: Uuid,
        limit: i64,
    }
    file: "inventory/unknown_settings",
    row: UnknownSetting,
    constants: [asked_again = ASKED_AGAIN],
}

row! {
    struct UnknownSetting {
        id: String,
    }
}

statement! {
    struct DescribeSettings<'a> {
        ids: Vec<&'a str>,
        names: Vec<Option<String>>,
        descriptions: Vec<Option<String>>,
        options: Vec<Option<Value>>,
    }
    file: "inventory/describe_settings",
    row: (),
}

impl Store {
    /// Names of these settings, as far as they are known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn setting_names(
        &self,
        ids: BTreeSet<String>,
    ) -> Result<BTreeMap<String, SettingNames>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let query = setting_definitions::table
            .filter(setting_definitions::id.eq_any(ids))
            .select((
                setting_definitions::id,
                setting_definitions::name,
                setting_definitions::options,
            ));
        let rows: Vec<(String, Option<String>, Option<Value>)> = self
            .read(async |connection| query.load(connection).await)
            .await?;
        rows.into_iter()
            .map(|(id, name, options)| {
                let options = options.map(serde_json::from_value).transpose();
                let options = options.map_err(|error| StoreError::corrupt("setting", error))?;
                let names = SettingNames {
                    name,
                    options: options.unwrap_or_default(),
                };
                Ok((id, names))
            })
            .collect()
    }

    /// The settings that these fields are, each with the policy type of its object before it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settings_of_fields<'a>(
        &self,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<KnownSettings, StoreError> {
        let settings = fields
            .into_iter()
            .filter_map(|(policy_type, field)| setting_of(policy_type, field));
        let ids = settings.map(|one| one.id.into_owned()).collect();
        Ok(KnownSettings::new(self.setting_names(ids).await?))
    }

    /// Settings of the catalog that items of the tenant set and that have no name here; not those that
    /// the catalog did not have in the last seven days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unknown_settings(
        &self,
        tenant: TenantId,
        limit: u16,
    ) -> Result<Vec<String>, StoreError> {
        let unknown = UnknownSettings {
            tenant: tenant.into_uuid(),
            limit: limit.into(),
        };
        let rows = self.fetch_all(&unknown).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Stores what the catalog says of settings, and which ones it does not have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn describe_settings(
        &self,
        settings: &[(String, Option<SettingDescription>)],
    ) -> Result<(), StoreError> {
        let known = |pick: fn(&SettingDescription) -> Option<String>| {
            let texts = settings.iter().map(|(_, known)| pick(known.as_ref()?));
            texts.collect::<Vec<_>>()
        };
        self.execute(&DescribeSettings {
            ids: settings.iter().map(|(id, _)| id.as_str()).collect(),
            names: known(|one| Some(storable(&one.name))),
            descriptions: known(|one| one.description.as_deref().map(storable)),
            options: settings
                .iter()
                .map(|(_, known)| known.as_ref().and_then(options))
                .collect(),
        })
        .await?;
        Ok(())
    }
}

fn options(description: &SettingDescription) -> Option<Value> {
    let options = description.options.iter();
    let options: serde_json::Map<String, Value> = options
        .map(|(id, name)| (storable(id), Value::String(storable(name))))
        .collect();
    (!options.is_empty()).then_some(Value::Object(options))
}

/// PostgreSQL's text cannot hold the character NUL.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <UnknownSettings as crate::statement::Statement>::INFO,
    <DescribeSettings<'_> as crate::statement::Statement>::INFO,
];
