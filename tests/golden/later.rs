//! What was added after the recording. The recorded files hold what there was then, so that a kind of
//! run, an operation or a policy type is added without recording anything; they have tests of their own.

use std::collections::BTreeSet;

use atlas_domain::policy_types::registry;
use atlas_domain::run::OperationKind;
use serde_json::{Map, Value, json};

use crate::recorded::recorded;

/// Policy types of a selection that names none, when the answers were recorded.
const ALL_RECORDED: usize = 87;

/// The value without the words of later kinds, and without the entries that are about them.
pub(crate) fn without_kinds(mut value: Value) -> Value {
    let kinds = kinds();
    if !kinds.is_empty() {
        leave_out(&mut value, &kinds);
    }
    value
}

/// The document without paths and components that the recorded one has not.
pub(crate) fn without_operations(mut document: Value, recorded: &Value) -> Value {
    let components = document["components"].as_object().into_iter().flatten();
    let sections = components.map(|(name, _)| format!("/components/{name}"));
    for section in sections.chain(["/paths".to_owned()]).collect::<Vec<_>>() {
        let known = recorded.pointer(&section).unwrap_or(&Value::Null);
        if let Some(Value::Object(members)) = document.pointer_mut(&section) {
            members.retain(|name, _| known.get(name).is_some());
        }
    }
    document
}

/// The value without members of objects that the recorded one has not: answers and schemas may get more.
/// In the lists that a schema has of names, and an operation of parameters, what is not recorded is left
/// out likewise.
pub(crate) fn without_members(value: Value, recorded: &Value) -> Value {
    match (value, recorded) {
        (Value::Object(members), Value::Object(known)) => {
            let kept = members.into_iter().filter_map(|(name, member)| {
                let known = known.get(&name)?;
                let member = match (name.as_str(), member, known) {
                    ("required" | "parameters", Value::Array(found), Value::Array(known)) => {
                        without_entries(found, known)
                    }
                    (_, member, known) => without_members(member, known),
                };
                Some((name, member))
            });
            Value::Object(kept.collect())
        }
        (Value::Array(elements), Value::Array(known)) if elements.len() == known.len() => {
            let pairs = elements.into_iter().zip(known);
            Value::Array(
                pairs
                    .map(|(one, known)| without_members(one, known))
                    .collect(),
            )
        }
        (value, _) => value,
    }
}

/// The entries that are recorded: by their names, where they have some.
fn without_entries(found: Vec<Value>, known: &[Value]) -> Value {
    let key = |entry: &Value| match entry {
        Value::Object(members) => members
            .get("name")
            .or_else(|| members.get("$ref"))
            .cloned()
            .unwrap_or_default(),
        entry => entry.clone(),
    };
    let kept = found.into_iter().filter_map(|entry| {
        let known = known.iter().find(|known| key(known) == key(&entry))?;
        Some(without_members(entry, known))
    });
    Value::Array(kept.collect())
}

/// All tables without those, and without columns and counts, that the recorded ones have not. Of a table
/// without recorded rows no columns are known.
pub(crate) fn without_columns(mut tables: Value, recorded: &Value) -> Value {
    let Value::Object(members) = &mut tables else {
        return tables;
    };
    members.retain(|name, _| recorded.get(name).is_some());
    for (name, rows) in members {
        let known: BTreeSet<&String> = rows_of(&recorded[name])
            .flat_map(|row| row.keys())
            .collect();
        for row in rows.as_array_mut().into_iter().flatten() {
            if let Value::Object(columns) = row
                && !known.is_empty()
            {
                columns.retain(|column, _| known.contains(column));
            }
            if let Some(Value::Object(counts)) = row.get_mut("counts") {
                let known = rows_of(&recorded[name]).filter_map(|row| row["counts"].as_object());
                let known: BTreeSet<&String> = known.flat_map(Map::keys).collect();
                counts.retain(|count, _| known.contains(count));
            }
        }
    }
    tables
}

fn rows_of(table: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    table
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}

/// The list of all types, with those that it did not have at their places.
pub(crate) fn types_listed(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let Some(Value::Array(items)) = answer.pointer_mut("/answer/items") else {
            continue;
        };
        let keys = items.iter().filter_map(|item| item["key"].as_str());
        let known: BTreeSet<String> = keys.map(str::to_owned).collect();
        let types = registry().all().iter().enumerate();
        for (place, later) in types.filter(|(_, one)| !known.contains(&one.key)) {
            let item = json!({
                "key": later.key,
                "label": later.label,
                "category": later.category,
                "platform": later.platform,
                "foundation": later.foundation,
                "permissions": later.permissions,
                "app_only": later.app_only,
            });
            items.insert(place.min(items.len()), item);
        }
    }
    answers
}

/// A selection that names no types selects those, too.
pub(crate) fn types_selected(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let selected = answer.pointer_mut("/answer/run/selection/policy_types");
        let Some(Value::Array(keys)) = selected else {
            continue;
        };
        if keys.len() == ALL_RECORDED {
            let all: BTreeSet<&str> = registry().policies().map(|key| key.as_str()).collect();
            *keys = all.into_iter().map(Value::from).collect();
        }
    }
    answers
}

/// The kinds of run that there were not.
fn kinds() -> Vec<&'static str> {
    let Some(names) = recorded("names.json") else {
        return Vec::new();
    };
    let known = names["kinds"].as_array().unwrap();
    let all = OperationKind::WORDS.into_iter();
    all.filter(|kind| !known.contains(&json!(kind))).collect()
}

fn leave_out(value: &mut Value, kinds: &[&str]) {
    let is_later = |word: &Value| word.as_str().is_some_and(|word| kinds.contains(&word));
    match value {
        Value::Array(elements) => {
            elements.retain(|one| !is_later(one) && !is_later(&one["kind"]));
            elements.iter_mut().for_each(|one| leave_out(one, kinds));
        }
        Value::Object(members) => {
            let members = members.values_mut();
            members.for_each(|member| leave_out(member, kinds));
        }
        // A refusal that lists the words.
        Value::String(text) if text.starts_with("Must be one of ") => {
            for kind in kinds {
                *text = text.replace(&format!(", {kind}"), "");
            }
        }
        _ => {}
    }
}
