//! What an object sets beside its list row: whether that is known, and reading it without secrets.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use atlas_domain::hex::hex;
use atlas_domain::inventory::values::{REDACTED, Values, ValuesBuilder, parse_value_json};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::collections::{Collection, ValuesAt};
use crate::known_values::{Standing, ValuesMark, mark_of_row};
use crate::request::parse::leads_on;
use crate::row::context::RowContext;
use crate::row::redact::{is_secret_name, is_secret_setting, mark_of, redact_as};

/// How the names of members end that hold the body of a script, in lower case.
const SCRIPT: &str = "scriptcontent";

/// The state of a secret setting whose value is not the secret but the service's name for it.
const TOKEN: &str = "encryptedValueToken";

/// What is known of an object's values once its row was read.
#[derive(Debug)]
pub(crate) enum RowValues {
    /// It has none beside its row.
    None,
    /// The row carries them.
    Read(Values),
    /// They are stored, and the object has not moved since.
    Known,
    /// They have to be read.
    Lacking(ValuesReading),
}

/// What a row says of when its object was edited last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowMark {
    pub(crate) mark: Option<ValuesMark>,
    /// Whether that is what it said when the values were stored.
    pub(crate) stood: bool,
}

impl RowValues {
    /// Takes the values out of a row, as far as it carries them. `id` is the object's external id.
    pub(crate) fn take(
        collection: &Collection,
        context: RowContext<'_>,
        id: &str,
        row: &mut Value,
    ) -> (Self, RowMark) {
        let Some(at) = collection.values else {
            return (Self::None, RowMark::default());
        };
        let mark = mark_of_row(row);
        let known = context.known.filter(|_| at.shows_by_its_row());
        let standing = known
            .zip(mark)
            .and_then(|(known, mark)| known.of(collection.key(), id, mark));
        let stood = standing.is_some();
        let mark = RowMark { mark, stood };
        let reading = ValuesReading::of(at, row);
        let carried = take_carried(at, row);
        if let Some(settings) = carried.filter(|_| context.with_settings) {
            let mut reading = reading.clone();
            for setting in settings {
                reading.add(setting);
            }
            // Otherwise they are cut, or were edited in between.
            if let Ok(values) = reading.finish() {
                return (Self::Read(values), mark);
            }
        }
        if standing == Some(Standing::Stands) {
            return (Self::Known, mark);
        }
        (Self::Lacking(reading), mark)
    }

    pub(crate) const fn is_lacking(&self) -> bool {
        matches!(self, Self::Lacking(_))
    }
}

impl ValuesAt {
    /// Whether the list row moves when the values are edited, as far as that is known. Messages have
    /// times of their own, and there are few.
    const fn shows_by_its_row(self) -> bool {
        !matches!(self, Self::Messages)
    }
}

/// The settings that a row carries, all of them; they are no content of the row.
fn take_carried(at: ValuesAt, row: &mut Value) -> Option<Vec<Value>> {
    let name = match at {
        ValuesAt::Settings | ValuesAt::IntentSettings => "settings",
        ValuesAt::DefinitionValues => "definitionValues",
        ValuesAt::PolicySetItems => "items",
        // Lists show no messages; rows that carry some have them as their content.
        ValuesAt::Messages | ValuesAt::Scripts => return None,
    };
    let cut = leads_on(row, &format!("{name}@odata.nextLink"));
    match row.as_object_mut()?.remove(name)? {
        Value::Array(settings) if !cut && at == ValuesAt::Settings => Some(settings),
        _ => None,
    }
}

/// The values of one object while they are read.
#[derive(Debug, Clone)]
pub(crate) struct ValuesReading {
    at: ValuesAt,
    values: ValuesBuilder,
    /// Ids of the rows that came.
    ids: BTreeSet<String>,
    /// Rows that came, each once.
    rows: u64,
    /// How many the object says that there are.
    expected: Option<u64>,
    /// What stands in place of the object's secrets.
    mark: Value,
}

impl ValuesReading {
    /// Nothing yet of the values of the object with this row.
    fn of(at: ValuesAt, row: &Value) -> Self {
        let counted = row.get("settingCount").filter(|_| at == ValuesAt::Settings);
        Self {
            at,
            values: ValuesBuilder::default(),
            ids: BTreeSet::new(),
            rows: 0,
            expected: counted.and_then(Value::as_u64),
            mark: mark_of(row),
        }
    }

    /// Whether the object says how many there are.
    pub(crate) const fn is_counted(&self) -> bool {
        self.expected.is_some()
    }

    /// Adds a row of the collection that holds the values. One that came before, as on a page of a
    /// list that moved, is passed over.
    pub(crate) fn add(&mut self, mut row: Value) {
        let id = row.get("id").and_then(Value::as_str);
        if id.is_some_and(|id| !self.ids.insert(id.to_owned())) {
            return;
        }
        self.rows += 1;
        match self.at {
            ValuesAt::Settings => {
                redact_settings(&mut row, &self.mark);
                redact_as(&mut row, &self.mark);
                self.values.add_setting(&row);
            }
            ValuesAt::DefinitionValues => {
                redact_presented(&mut row, &self.mark);
                redact_as(&mut row, &self.mark);
                self.values.add_definition_value(&row);
            }
            ValuesAt::IntentSettings => {
                parse_value_json(&mut row);
                redact_intent(&mut row, &self.mark);
                redact_as(&mut row, &self.mark);
                self.values.add_intent_setting(&row);
            }
            ValuesAt::Messages => {
                redact_as(&mut row, &self.mark);
                self.values.add_message(&row);
            }
            ValuesAt::PolicySetItems => {
                redact_as(&mut row, &self.mark);
                self.values.add_item(&row);
            }
            ValuesAt::Scripts => self.add_scripts(&row),
        }
    }

    /// Adds the bodies of a script that was read by itself.
    fn add_scripts(&mut self, object: &Value) {
        for (name, value) in object.as_object().into_iter().flatten() {
            let body = value.as_str().filter(|body| !body.is_empty());
            if let Some(body) = body.filter(|_| name.to_ascii_lowercase().ends_with(SCRIPT)) {
                self.values.add_script(name, body);
            }
        }
    }

    /// All of the values.
    ///
    /// # Errors
    /// Why these are not all, or not those of the object as its row has it.
    pub(crate) fn finish(self) -> Result<Values, &'static str> {
        if self.expected.is_some_and(|expected| expected != self.rows) {
            return Err("an object has fewer or more settings than it says");
        }
        Ok(self.values.finish())
    }
}

/// Redacts what the names of members do not show in settings of the catalog: texts whose definition
/// is named like a secret, and the service's names for secrets, in place of which their digest shows
/// that a secret was edited.
fn redact_settings(value: &mut Value, mark: &Value) {
    match value {
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| redact_settings(value, mark)),
        Value::Object(members) => {
            if let Some(token) = token_of(members) {
                let digest = Sha256::digest(token);
                let digest = hex(&digest[..6]);
                *members = Map::new();
                members.insert("value".to_owned(), format!("{REDACTED}, {digest}").into());
                return;
            }
            let definition = members.get("settingDefinitionId").and_then(Value::as_str);
            if definition.is_some_and(names_secret) {
                for name in ["simpleSettingValue", "simpleSettingCollectionValue"] {
                    if let Some(held) = members.get_mut(name) {
                        redact_texts(held, mark);
                    }
                }
            }
            members
                .values_mut()
                .for_each(|value| redact_settings(value, mark));
        }
        _ => {}
    }
}

/// The service's name for a secret, which is not made of it.
fn token_of(members: &Map<String, Value>) -> Option<String> {
    let state = members.get("valueState").and_then(Value::as_str);
    let is_token = is_secret_setting(members) && state == Some(TOKEN);
    let token = members.get("value").and_then(Value::as_str);
    token.filter(|_| is_token).map(str::to_owned)
}

/// Redacts a text, and the `value` of objects.
fn redact_texts(value: &mut Value, mark: &Value) {
    match value {
        Value::String(text) if !text.is_empty() => value.clone_from(mark),
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| redact_texts(value, mark)),
        // Redacted as what it is.
        Value::Object(members) if is_secret_setting(members) => {}
        Value::Object(members) => {
            for name in ["value", "values"] {
                if let Some(value) = members.get_mut(name) {
                    redact_texts(value, mark);
                }
            }
        }
        _ => {}
    }
}

/// Redacts what stands in a box of a template whose label names a secret.
fn redact_presented(value: &mut Value, mark: &Value) {
    let presented = value.get_mut("presentationValues");
    for presented in presented
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let label = presented.pointer("/presentation/label");
        let label: String = label
            .and_then(Value::as_str)
            .unwrap_or_default()
            .chars()
            .filter(|one| one.is_alphanumeric())
            .collect();
        if is_secret_name(&label) {
            redact_texts(presented, mark);
        }
    }
}

/// Redacts a text whose definition is named like a secret.
fn redact_intent(setting: &mut Value, mark: &Value) {
    let definition = setting.get("definitionId").and_then(Value::as_str);
    if definition.is_some_and(names_secret) {
        redact_texts(setting, mark);
    }
}

/// Whether a definition's id names a secret, as a whole or by its last word.
fn names_secret(definition: &str) -> bool {
    let word = definition
        .rsplit(['_', '.', '-'])
        .next()
        .unwrap_or_default();
    is_secret_name(definition) || is_secret_name(word)
}
