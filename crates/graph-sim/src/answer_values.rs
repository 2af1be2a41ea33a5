//! What a correct client must have stored of what objects say beside their rows.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::collections::collections;
use crate::content::{Row, ValueForm};
use crate::directory::Directory;
use crate::readable_rows::rows;

/// One value under an object, or the body of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerValue {
    /// The policy type of the object.
    pub policy_type: String,
    /// The path of the object's collection, without the version.
    pub path: String,
    /// The object's id.
    pub id: String,
    /// Where the value stands, from the outside to the inside. Settings of the catalogue: ids of
    /// definitions; behind a group's stands in brackets the name of the entry, or its number where
    /// it has none. Administrative templates: the definition's id for being enabled, and behind it
    /// the presentation's for a value. Intents: the definition's id. Messages: the language and the
    /// member. Policy sets: the item's id. Scripts: the member.
    pub setting: Vec<String>,
    /// What the setting is called, where there is a definition of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The value as Graph shows it, also when it is a secret, so that one can look for it in what a
    /// client stored.
    pub value: Value,
    /// What a client may do with it.
    pub form: ValueForm,
}

/// A value that differs between two states of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueChange {
    /// Where it stands, as in [`AnswerValue::setting`].
    pub setting: Vec<String>,
    /// What the setting is called, where there is a definition of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// What it was; absent when it was not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old: Option<Value>,
    /// What it is; absent when it is not there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new: Option<Value>,
    /// What a client may do with it.
    pub form: ValueForm,
}

/// Every value of a tenant's own objects, by collection, object and setting.
pub(crate) fn values(directory: &Directory) -> Vec<AnswerValue> {
    rows(directory)
        .filter(Row::has_values)
        .flat_map(|row| of_row(&row))
        .collect()
}

/// The values of one object, by setting.
pub(crate) fn of_row(row: &Row<'_>) -> Vec<AnswerValue> {
    let path = collections()[row.index()].path();
    let id = row.id();
    row.values()
        .into_iter()
        .map(|(setting, one)| AnswerValue {
            policy_type: row.key().to_owned(),
            path: path.to_owned(),
            id: id.clone(),
            setting,
            name: one.name,
            value: one.value,
            form: one.form,
        })
        .collect()
}

/// The values that differ between two states of an object, by setting.
pub(crate) fn changes(old: &Row<'_>, new: &Row<'_>) -> Vec<ValueChange> {
    if !new.has_values() {
        return Vec::new();
    }
    let (before, mut after) = (old.values(), new.values());
    let mut changes: Vec<ValueChange> = before
        .into_iter()
        .filter_map(|(setting, old)| {
            let new = after.remove(&setting);
            (new.as_ref() != Some(&old)).then(|| ValueChange {
                setting,
                name: old.name,
                old: Some(old.value),
                new: new.map(|new| new.value),
                form: old.form,
            })
        })
        .collect();
    changes.extend(after.into_iter().map(|(setting, new)| ValueChange {
        setting,
        name: new.name,
        old: None,
        new: Some(new.value),
        form: new.form,
    }));
    changes.sort_by(|one, other| one.setting.cmp(&other.setting));
    changes
}
