//! Redacting secrets.
//!
//! Objects come with pre-shared keys, passwords, enrolment tokens, scripts and whole profiles in
//! them. None of that may be stored, and a hash over it would let anybody who can read the hash try
//! out short secrets. So the values are replaced before anything is derived from the object, by the
//! version that Graph gives the object: an edited secret still shows as a change. User information in
//! URLs is replaced by a fixed word, wherever one stands.

use atlas_domain::inventory::values::REDACTED;
use serde_json::{Map, Value};

use crate::row::user_information;

/// Members whose values are secrets or may hold some, by their whole name in lower case.
const NAMES: [&str; 18] = [
    "token",
    "tokenvalue",
    "qrcodecontent",
    "qrcodeimage",
    "payload",
    "payloadjson",
    "encodedsettingxml",
    "appconfigkeyvalue",
    "productkey",
    "sharedkey",
    "secretkey",
    "connectionstring",
    "credential",
    "credentials",
    "customdata",
    "customkeyvaluedata",
    "configurationxml",
    "authorizationheader",
];

/// Members whose values are secrets, by how their name ends, in lower case.
const ENDINGS: [&str; 8] = [
    "password",
    "passphrase",
    "secret",
    "presharedkey",
    "privatekey",
    "accesstoken",
    BODY,
    // Installers are given keys on their command line.
    "commandline",
];

/// Bodies of scripts, by how the name ends, in lower case. Lists show them as null or empty, which
/// says nothing of whether there is one.
const BODY: &str = "scriptcontent";

/// Collections of name and value pairs whose values may be secrets.
const PAIRS: [&str; 2] = ["omaSettings", "customSettings"];

/// Replaces every value in `object` that is or may hold a secret. Returns the object as
/// earlier versions redacted it, where that differs: they left URLs as they are.
pub(crate) fn redact_secrets(object: &mut Value) -> Option<Value> {
    let mark = mark_of(object);
    walk(object, &mark, false);
    if !user_information::is_in(object) {
        return None;
    }
    let former = object.clone();
    user_information::redact_in(object);
    Some(former)
}

/// Replaces every secret in what belongs to an object: by `mark`, which is that of the object.
pub(crate) fn redact_as(value: &mut Value, mark: &Value) {
    walk(value, mark, false);
    user_information::redact_in(value);
}

/// What stands in place of the secrets of an object.
pub(crate) fn mark_of(object: &Value) -> Value {
    let mark = ["version", "lastModifiedDateTime", "modifiedDateTime"]
        .iter()
        .find_map(|name| object.get(*name).filter(|value| !value.is_null()))
        .map_or_else(
            || REDACTED.to_owned(),
            |value| format!("{REDACTED} at {value}"),
        );
    Value::String(mark)
}

fn walk(value: &mut Value, mark: &Value, in_pair: bool) {
    match value {
        Value::Array(values) => {
            for value in values {
                walk(value, mark, in_pair);
            }
        }
        Value::Object(members) => {
            let is_secret_setting = is_secret_setting(members);
            for (name, value) in members.iter_mut() {
                let holds = if name == "value" && (in_pair || is_secret_setting) {
                    !value.is_null()
                } else {
                    is_secret_name(name) && has_text(value) || is_left_out(name, value)
                };
                if holds {
                    value.clone_from(mark);
                } else {
                    walk(value, mark, PAIRS.contains(&name.as_str()));
                }
            }
        }
        _ => {}
    }
}

/// Whether a value of this name is or may hold a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// A body that a list does not show. Whether it was edited shows in the object's version alone.
fn is_left_out(name: &str, value: &Value) -> bool {
    name.to_ascii_lowercase().ends_with(BODY) && (value.is_null() || value.as_str() == Some(""))
}

/// Numbers and switches under such a name are rules about passwords, not passwords.
fn has_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

/// A secret of the settings catalog: `deviceManagementConfigurationSecretSettingValue`.
pub(crate) fn is_secret_setting(members: &Map<String, Value>) -> bool {
    members
        .get("@odata.type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.ends_with("SecretSettingValue"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        let mut object = json!({
            "id": "1", "version": 3, "preSharedKey": "SECRET", "scriptContent": "U0VDUkVU",
            "detectionScriptContent": "SECRET", "payload": "SECRET", "installCommandLine": "setup KEY=SECRET",
            "tokenValue": "SECRET",
            "qrCodeImage": {"type": "png", "value": "SECRET"},
            "omaSettings": [
                {"@odata.type": "#microsoft.graph.omaSettingString", "omaUri": "./a", "value": "SECRET"},
                {"@odata.type": "#microsoft.graph.omaSettingInteger", "omaUri": "./b", "value": 4711}
            ],
            "settings": [{"appConfigKey": "k", "appConfigKeyValue": "SECRET"},
                {"simpleSettingValue": {
                    "@odata.type": "#microsoft.graph.deviceManagementConfigurationSecretSettingValue",
                    "value": "SECRET"}}],
            "deep": {"er": [{"localAdminPassword": "SECRET"}]}
        });
        redact_secrets(&mut object);
        let text = object.to_string();
        for gone in ["SECRET", "U0VDUkVU", "4711"] {
            assert!(!text.contains(gone), "{text}");
        }
        assert_eq!(object["omaSettings"][1]["omaUri"], "./b");
        assert_eq!(object["preSharedKey"], "withheld at 3");
    }

    #[test]
    fn urls_are_redacted_and_what_was_stored_before_is_known() {
        let object = json!({"version": 1, "preSharedKey": "SECRET",
            "proxy": {"address": "http://u:SECRET@h:80", "bypass": ["*.example"]}});
        let mut kept = object.clone();
        let former = redact_secrets(&mut kept).unwrap();
        assert_eq!(kept["proxy"]["address"], "http://redacted@h:80");
        assert_eq!(former["proxy"], object["proxy"]);
        assert_eq!(former["preSharedKey"], "withheld at 1");
        assert_eq!(redact_secrets(&mut kept), None);
    }

    #[test]
    fn rules_about_passwords_and_absent_secrets_stay() {
        let object = json!({
            "id": "1", "passwordRequired": true, "passwordMinimumLength": 8,
            "storageRequirePassword": true, "passwordRequiredType": "alphanumeric",
            "preSharedKey": null, "value": 5, "vppTokenId": "x",
            "payloads": [], "settings": [{"simpleSettingValue": {"value": 1}}]
        });
        let mut kept = object.clone();
        redact_secrets(&mut kept);
        assert_eq!(kept, object);
    }

    #[test]
    fn a_body_that_a_list_leaves_out_is_redacted_like_one_that_it_shows() {
        for body in [json!(null), json!(""), json!("U0VDUkVU")] {
            let mut object = json!({"version": "2", "detectionScriptContent": body});
            redact_secrets(&mut object);
            assert_eq!(object["detectionScriptContent"], "withheld at \"2\"");
        }
    }

    #[test]
    fn an_edited_secret_shows_by_the_objects_version() {
        let hidden = |secret: &str, modified: &str| {
            let mut object = json!({"preSharedKey": secret, "lastModifiedDateTime": modified});
            redact_secrets(&mut object);
            object["preSharedKey"].clone()
        };
        assert_eq!(hidden("a", "t1"), hidden("b", "t1"));
        assert_ne!(hidden("a", "t1"), hidden("b", "t2"));
    }
}
