//! Values of templates, intents, messages, policy sets and scripts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{ValuesBuilder, part};
use crate::hex::hex;
use crate::inventory::content::is_content;

/// Members of an item of a policy set that are not its own: where it stands, how it is doing, and what
/// its payload is called.
const NOT_OF_ITEMS: [&str; 5] = ["id", "payloadId", "status", "errorCode", "displayName"];

/// The value of an intent's setting, which is JSON in a text, in place of that text: secrets within it
/// are found by the names of their members. What cannot be read stays a text.
pub fn parse_value_json(setting: &mut Value) {
    let Some(members) = setting.as_object_mut() else {
        return;
    };
    let text = members.remove("valueJson");
    let parsed = text
        .as_ref()
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(value) = parsed.or(text) {
        members.insert("value".to_owned(), value);
    }
}

pub(super) fn intent_setting(setting: &Value, into: &mut ValuesBuilder) {
    if let Some(definition) = text(setting, "definitionId") {
        let value = setting.get("value").unwrap_or(&Value::Null);
        into.put_apart(&format!("/settings/{}", part(definition)), value);
    }
}

pub(super) fn definition_value(value: &Value, into: &mut ValuesBuilder) {
    let definition = value.get("definition").unwrap_or(&Value::Null);
    let id = text(definition, "id").or_else(|| text(value, "id"));
    let Some(id) = id else {
        return;
    };
    let key = format!("/definitionValues/{}", part(id));
    for (holder, member) in [
        (value, "enabled"),
        (value, "configurationType"),
        (definition, "displayName"),
        (definition, "categoryPath"),
        (definition, "classType"),
    ] {
        if let Some(said) = holder.get(member).filter(|said| !said.is_null()) {
            into.put(format!("{key}/{member}"), said);
        }
    }
    let presented = value.get("presentationValues").and_then(Value::as_array);
    for presented in presented.into_iter().flatten() {
        presentation_value(&key, presented, into);
    }
}

/// What stands in one box of a template's definition. Lists and lines of text keep their order.
fn presentation_value(key: &str, presented: &Value, into: &mut ValuesBuilder) {
    let presentation = presented.get("presentation").unwrap_or(&Value::Null);
    let label = text(presentation, "label").filter(|label| !label.trim().is_empty());
    let id = text(presentation, "id").or(label);
    let Some(id) = id.or_else(|| text(presented, "id")) else {
        return;
    };
    let key = format!("{key}/presentations/{}", part(id));
    if let Some(label) = label {
        into.put(format!("{key}/label"), &json!(label));
    }
    let said = presented.get("value").or_else(|| presented.get("values"));
    into.put(format!("{key}/value"), said.unwrap_or(&Value::Null));
}

pub(super) fn message(message: &Value, into: &mut ValuesBuilder) {
    let Some(locale) = text(message, "locale") else {
        return;
    };
    let key = format!(
        "/localizedNotificationMessages/{}",
        part(&locale.to_ascii_lowercase())
    );
    for member in ["subject", "messageTemplate", "isDefault"] {
        if let Some(said) = message.get(member) {
            into.put(format!("{key}/{member}"), said);
        }
    }
}

pub(super) fn item(item: &Value, into: &mut ValuesBuilder) {
    let Some(payload) = text(item, "payloadId").or_else(|| text(item, "id")) else {
        return;
    };
    let members = item.as_object().into_iter().flatten();
    let said = members.filter(|(name, value)| {
        is_content(name) && !NOT_OF_ITEMS.contains(&name.as_str()) && !value.is_null()
    });
    let said: Map<String, Value> = said
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    into.put_apart(&format!("/items/{}", part(payload)), &Value::Object(said));
}

/// The length is that of the script in bytes. A body that is not Base64 is taken as it is.
pub(super) fn script(member: &str, body: &str, into: &mut ValuesBuilder) {
    let bytes = STANDARD
        .decode(body)
        .unwrap_or_else(|_| body.as_bytes().to_vec());
    let hash = hex(&Sha256::digest(&bytes));
    into.put(
        format!("/{}", part(member)),
        &json!({"sha256": hash, "length": bytes.len()}),
    );
}

fn text<'a>(object: &'a Value, member: &str) -> Option<&'a str> {
    object.get(member)?.as_str()
}
