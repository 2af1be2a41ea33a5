//! What policies set: values that stand under an object and not in its list row.
//!
//! Values are kept as the content of rows is ([`fields`](super::change::fields)): a flat map from
//! JSON pointer to value. Its keys are made of what the service calls a thing (definition ids,
//! locales, ids of payloads) and never of positions, so that two readings whose rows come in another
//! order are the same, and a difference names the setting. Secrets are redacted before anything is
//! added here. Where a row has a field of the same pointer, as rows of scripts have one for a body that
//! they do not show, the value stands in its place.
//!
//! | what | key |
//! | --- | --- |
//! | setting of the settings catalog | `/settings/{definition}`, children below their parents |
//! | element of a collection of groups | `/settings/{definition}/{identity}/…`: see `catalog` |
//! | setting of an intent | `/settings/{definition}` |
//! | value of an administrative template | `/definitionValues/{definition}/enabled`, `…/presentations/{presentation}/value` |
//! | message in one language | `/localizedNotificationMessages/{locale}/…` |
//! | item of a policy set | `/items/{payload}/…` |
//! | body of a script | `/{member}`, as its SHA-256 and length |

mod catalog;
mod others;
mod setting;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::change::{digest, kept, take_apart};
use super::content::{content_hash, hash_of, normal};
use super::json_text::{JsonText, length_of};
use crate::guid::fold_guids;

pub use others::parse_value_json;
pub use setting::{
    SettingOfField, SettingSource, places_of_value, setting_id, setting_of, setting_place,
};

/// Values of one object that are kept; what is beyond is kept as one digest.
const MOST_VALUES: usize = 20_000;
/// A value that is longer, in bytes of JSON, is kept as its digest. Lists of addresses are long.
const LONGEST_VALUE: usize = 8_192;
/// Where the values beyond [`MOST_VALUES`] are kept.
const FURTHER_VALUES: &str = "/…values";
/// Characters of a name in a key; longer ones stand as their digest.
const LONGEST_NAME: usize = 200;

/// What the texts begin with that stand in place of a secret.
pub const REDACTED: &str = "withheld";

/// The values of one object, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// A flat map from JSON pointer to value.
    pub fields: JsonText,
    /// Hash of the fields.
    pub hash: [u8; 32],
}

/// Values of one object as they are read, in any order.
#[derive(Debug, Clone, Default)]
pub struct ValuesBuilder {
    /// Several values of one key are what the service sent twice.
    entries: BTreeMap<String, Vec<Value>>,
    /// About so many bytes of JSON.
    bytes: usize,
}

impl ValuesBuilder {
    /// Adds a setting of the settings catalog, or of a compliance policy made of it:
    /// `{"settingInstance": {…}}`.
    pub fn add_setting(&mut self, setting: &Value) {
        if let Some(instance) = setting.get("settingInstance") {
            catalog::instance("/settings", instance, self);
        }
    }

    /// Adds a setting of an intent: `{"definitionId": …, "value": …}`, with its value as
    /// [`parse_value_json`] leaves it.
    pub fn add_intent_setting(&mut self, setting: &Value) {
        others::intent_setting(setting, self);
    }

    /// Adds a value of an administrative template, with its definition and its presentation values.
    pub fn add_definition_value(&mut self, value: &Value) {
        others::definition_value(value, self);
    }

    /// Adds a message in one language.
    pub fn add_message(&mut self, message: &Value) {
        others::message(message, self);
    }

    /// Adds an item of a policy set.
    pub fn add_item(&mut self, item: &Value) {
        others::item(item, self);
    }

    /// Adds the body of a script, which stands in `member` in Base64.
    pub fn add_script(&mut self, member: &str, body: &str) {
        others::script(member, body, self);
    }

    /// About how many bytes [`Self::finish`] makes of it.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The values in their normal form.
    #[must_use]
    pub fn finish(self) -> Values {
        // In the order of their keys.
        let mut all: Vec<(String, Value)> = self.fields().into_iter().collect();
        let further = all.split_off(all.len().min(MOST_VALUES));
        let mut fields: Map<String, Value> = all.into_iter().collect();
        if !further.is_empty() {
            let further = Value::Object(further.into_iter().collect());
            fields.insert(FURTHER_VALUES.to_owned(), digest(&further.to_string()));
        }
        Values {
            hash: content_hash(&fields),
            fields: JsonText::of(&fields),
        }
    }

    fn fields(self) -> Map<String, Value> {
        let entries = self.entries.into_iter();
        entries.map(|(key, values)| (key, one_of(values))).collect()
    }

    /// Adds a value, whose own objects are not taken apart.
    fn put(&mut self, key: String, value: &Value) {
        let value = kept(&normal(value), LONGEST_VALUE);
        self.bytes += key.len() + length_of(&value) + 6;
        self.entries.entry(key).or_default().push(value);
    }

    /// Adds a value; an object with its members apart.
    fn put_apart(&mut self, key: &str, value: &Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                let mut all = Vec::new();
                take_apart(key, members, 0, &mut all);
                for (key, value) in all {
                    self.put(key, value);
                }
            }
            other => self.put(key.to_owned(), other),
        }
    }

    /// Adds what was gathered elsewhere, under `prefix`.
    fn absorb(&mut self, prefix: &str, fields: Map<String, Value>) {
        for (key, value) in fields {
            let key = format!("{prefix}{key}");
            self.bytes += key.len() + length_of(&value) + 6;
            self.entries.entry(key).or_default().push(value);
        }
    }
}

/// What stands for several values of one key: the one that they all are, otherwise all of them in an
/// order of their own.
fn one_of(mut values: Vec<Value>) -> Value {
    values.sort_by_cached_key(hash_of);
    values.dedup();
    if values.len() > 1 {
        return Value::Array(values);
    }
    values.pop().unwrap_or_default()
}

/// Whether a text stands in place of a secret.
fn is_redacted(value: &Value) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| text.starts_with(REDACTED))
}

/// A part of a JSON pointer.
fn part(text: &str) -> String {
    let text = fold_guids(text);
    if text.chars().nth(LONGEST_NAME).is_some() {
        return short_digest(&Sha256::digest(text.as_bytes()));
    }
    text.replace('~', "~0").replace('/', "~1")
}

/// Twelve hexadecimal digits of a hash: enough to distinguish what one object has.
fn short_digest(hash: &[u8]) -> String {
    crate::hex::hex(&hash[..6.min(hash.len())])
}
