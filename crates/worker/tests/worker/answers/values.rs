//! Values of the simulator's key under our pointers and in our form.

use std::collections::BTreeMap;

use atlas_graph_sim::{AnswerChange, ValueChange, ValueForm};
use serde_json::{Map, Value};

/// The fields that a change of values differs in, but for secrets. A script's hash is its own: only
/// whether it is there is compared.
pub(super) fn fields(change: &AnswerChange) -> BTreeMap<String, (String, String)> {
    let mut fields = BTreeMap::new();
    for value in &change.values {
        if matches!(value.form, ValueForm::Secret | ValueForm::UserInformation) {
            continue;
        }
        let pointer = pointer(&change.policy_type, value);
        let (old, new) = (
            said(value, value.old.as_ref()),
            said(value, value.new.as_ref()),
        );
        let (old, new) = (apart(&pointer, &old), apart(&pointer, &new));
        for pointer in old.keys().chain(new.keys()) {
            let of = |side: &BTreeMap<String, Value>| {
                canonical(side.get(pointer).unwrap_or(&Value::Null))
            };
            fields.insert(pointer.clone(), (of(&old), of(&new)));
        }
    }
    fields.retain(|_, (old, new)| old != new || old == SCRIPT);
    fields
}

/// Whether a field is in no key: names of definitions, and what a policy set says of an item beside its
/// kind.
pub(super) fn is_beside(pointer: &str) -> bool {
    let compared: &[&str] = if pointer.starts_with("/items/") {
        &["/itemType"]
    } else if pointer.starts_with("/definitionValues/") {
        &["/enabled", "/value"]
    } else {
        return false;
    };
    !compared.iter().any(|name| pointer.ends_with(name))
}

/// Whether an edit is one that a client cannot see: of a name and a password in a URL.
pub(super) fn is_invisible(change: &AnswerChange) -> bool {
    let bookkeeping = change.fields.iter().all(|one| one.bookkeeping);
    let hidden = |one: &ValueChange| one.form == ValueForm::UserInformation;
    bookkeeping && !change.values.is_empty() && change.values.iter().all(hidden)
}

/// What stands for the hash and the length of a script.
const SCRIPT: &str = "\"(script)\"";

/// A value as text that is the same whatever the order of members and of lists.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) if members.len() == 2 && members.contains_key("length") => {
            SCRIPT.to_owned()
        }
        Value::Object(members) => {
            let sorted: BTreeMap<&String, String> = members
                .iter()
                .map(|(name, value)| (name, canonical(value)))
                .collect();
            let texts = sorted
                .iter()
                .map(|(name, value)| format!("{name:?}: {value}"));
            format!("{{{}}}", texts.collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => {
            let mut texts: Vec<String> = values.iter().map(canonical).collect();
            texts.sort();
            format!("[{}]", texts.join(", "))
        }
        other => other.to_string(),
    }
}

fn said(change: &ValueChange, value: Option<&Value>) -> Value {
    match (change.form, value) {
        (_, None) => Value::Null,
        (ValueForm::Script, Some(body)) if body.as_str().is_none_or(str::is_empty) => Value::Null,
        (ValueForm::Script, Some(_)) => Value::String("(script)".to_owned()),
        (_, Some(value)) => value.clone(),
    }
}

/// Objects with their members apart.
fn apart(pointer: &str, value: &Value) -> BTreeMap<String, Value> {
    fn add(pointer: &str, members: &Map<String, Value>, fields: &mut BTreeMap<String, Value>) {
        for (name, value) in members {
            let pointer = format!("{pointer}/{name}");
            match value {
                Value::Object(members) if !members.is_empty() => add(&pointer, members, fields),
                value => drop(fields.insert(pointer, value.clone())),
            }
        }
    }
    let mut fields = BTreeMap::new();
    match value {
        Value::Object(members) if pointer.starts_with("/items/") => {
            let item = members.get("itemType").cloned().unwrap_or_default();
            let payload = members["payloadId"].as_str().unwrap_or_default();
            fields.insert(format!("/items/{payload}/itemType"), item);
        }
        Value::Object(members) if !members.is_empty() => add(pointer, members, &mut fields),
        value => drop(fields.insert(pointer.to_owned(), value.clone())),
    }
    fields
}

fn pointer(policy_type: &str, change: &ValueChange) -> String {
    let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
    match (policy_type, change.setting.as_slice()) {
        ("groupPolicyConfiguration", [definition]) => {
            format!("/definitionValues/{definition}/enabled")
        }
        ("groupPolicyConfiguration", [definition, presentation]) => {
            format!("/definitionValues/{definition}/presentations/{presentation}/value")
        }
        ("notificationMessageTemplate", [locale, member]) => {
            let locale = locale.to_ascii_lowercase();
            format!("/localizedNotificationMessages/{locale}/{member}")
        }
        ("policySet", [_]) => "/items/".to_owned(),
        (script, [member]) if script.ends_with("Script") => format!("/{member}"),
        (_, setting) => {
            let parts = setting.iter().map(|part| match part.split_once('[') {
                Some((definition, "0]")) => escaped(definition),
                Some((definition, entry)) => {
                    let entry = escaped(entry.trim_end_matches(']'));
                    format!("{}/{entry}", escaped(definition))
                }
                None => escaped(part),
            });
            format!("/settings/{}", parts.collect::<Vec<_>>().join("/"))
        }
    }
}
