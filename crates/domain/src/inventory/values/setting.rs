//! Settings: which of the values of an object are settings, and of which definition.

use std::borrow::Cow;

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{LONGEST_NAME, short_digest};
use crate::guid::fold_guids;
use crate::inventory::content::normal;

/// The policy type whose settings have definitions of their own, below which their members stand.
const INTENT: &str = "endpointSecurityIntent";

/// What describes a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSource {
    /// The settings catalog.
    Catalog,
    /// The template of an intent.
    Intent,
    /// A definition of administrative templates, whose name is among the values of the object.
    AdministrativeTemplate,
}

/// The setting that a value is, or is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingOfField<'a> {
    /// The id of its definition.
    pub id: Cow<'a, str>,
    pub source: SettingSource,
    /// The field that holds its name, where the object says it.
    pub name_field: Option<String>,
}

/// The setting of a value of an object of this type; `None` when the value is no setting.
#[must_use]
pub fn setting_of<'a>(policy_type: &str, field: &'a str) -> Option<SettingOfField<'a>> {
    let (parent, rest) = field.strip_prefix('/')?.split_once('/')?;
    match parent {
        "settings" if policy_type == INTENT => Some(SettingOfField {
            id: text_of(rest.split('/').next()?),
            source: SettingSource::Intent,
            name_field: None,
        }),
        "settings" => Some(SettingOfField {
            // An element of a collection that holds nothing stands by itself.
            id: text_of(rest.rsplit('/').find(|part| !part.starts_with('#'))?),
            source: SettingSource::Catalog,
            name_field: None,
        }),
        "definitionValues" => {
            let (definition, member) = rest.split_once('/')?;
            let is_presented =
                || member.starts_with("presentations/") && member.ends_with("/value");
            (member == "enabled" || is_presented()).then(|| SettingOfField {
                id: text_of(definition),
                source: SettingSource::AdministrativeTemplate,
                name_field: Some(format!("/definitionValues/{definition}/displayName")),
            })
        }
        _ => None,
    }
}

/// The id of a definition as [`setting_of`] returns it.
#[must_use]
pub fn setting_id(given: &str) -> String {
    let folded = fold_guids(given);
    if folded.chars().nth(LONGEST_NAME).is_some() {
        return short_digest(&Sha256::digest(folded.as_bytes()));
    }
    folded.into_owned()
}

/// Where a setting of an object stands among all rows of that setting: rows with the same value are
/// together.
#[must_use]
pub fn setting_place(policy_type: &str, external_id: &str, field: &str, value: &Value) -> Uuid {
    let own = Sha256::new()
        .chain_update(policy_type)
        .chain_update([0])
        .chain_update(external_id)
        .chain_update([0])
        .chain_update(field)
        .finalize();
    let text = match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    };
    place(half(&Sha256::digest(text.as_bytes())), half(&own))
}

/// The first and the last place of rows with this value: a text as it is, anything else as JSON
/// without spaces.
#[must_use]
pub fn places_of_value(given: &str) -> (Uuid, Uuid) {
    let value = normal(&Value::String(given.to_owned()));
    let digest = Sha256::digest(value.as_str().unwrap_or(given).as_bytes());
    let value = half(&digest);
    (place(value, [0; 8]), place(value, [u8::MAX; 8]))
}

fn place(value: [u8; 8], own: [u8; 8]) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&value);
    bytes[8..].copy_from_slice(&own);
    Uuid::from_bytes(bytes)
}

fn half(digest: &[u8]) -> [u8; 8] {
    std::array::from_fn(|at| digest.get(at).copied().unwrap_or_default())
}

/// What a part of a JSON pointer stands for.
fn text_of(part: &str) -> Cow<'_, str> {
    if part.contains('~') {
        return Cow::Owned(part.replace("~1", "/").replace("~0", "~"));
    }
    Cow::Borrowed(part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::inventory::values::ValuesBuilder;

    fn id(policy_type: &str, field: &str) -> Option<String> {
        setting_of(policy_type, field).map(|one| one.id.into_owned())
    }

    #[test]
    fn a_setting_is_found_by_its_own_definition_and_not_by_its_parents() {
        for (field, expected) in [
            ("/settings/a", Some("a")),
            ("/settings/a/b", Some("b")),
            ("/settings/rules/Allow ~1 all/name", Some("name")),
            ("/settings/x~1y~01", Some("x/y~1")),
            ("/settings/rules/#0123456789ab", Some("rules")),
            ("/settings/rules/#0123456789ab#2", Some("rules")),
            ("/displayName", None),
            ("/…values", None),
            ("/items/a/b", None),
        ] {
            assert_eq!(
                id("settingsCatalogPolicy", field).as_deref(),
                expected,
                "{field}"
            );
        }
        assert_eq!(id(INTENT, "/settings/a/b").as_deref(), Some("a"));
    }

    #[test]
    fn what_a_template_sets_is_its_state_and_what_stands_in_its_boxes() {
        fn of(member: &str) -> Option<SettingOfField<'_>> {
            setting_of("groupPolicyConfiguration", member)
        }
        let field = "/definitionValues/d/presentations/p/value";
        let found = of(field).map(|one| (one.id.into_owned(), one.name_field));
        let name = "/definitionValues/d/displayName".to_owned();
        assert_eq!(found, Some(("d".to_owned(), Some(name))));
        assert!(of("/definitionValues/d/enabled").is_some());
        assert_eq!(of("/definitionValues/d/displayName"), None);
        assert_eq!(of("/definitionValues/d/presentations/p/label"), None);
    }

    #[test]
    fn an_id_that_is_given_is_written_as_keys_have_it() {
        let long = "x".repeat(300);
        for given in ["a/b~c", "{0F3D5E2A-0000-4000-8000-00000000ABCD}_x", &long] {
            let mut builder = ValuesBuilder::default();
            builder.add_setting(&json!({"settingInstance": {
                "settingDefinitionId": given,
                "simpleSettingValue": {"value": 1},
            }}));
            let fields = builder.finish().fields.value();
            let (field, _) = fields
                .as_object()
                .into_iter()
                .flatten()
                .next()
                .expect("one");
            assert_eq!(id("settingsCatalogPolicy", field), Some(setting_id(given)));
        }
    }

    #[test]
    fn rows_with_a_value_are_a_range_of_places() {
        for (value, given) in [
            (json!("x_1"), "x_1"),
            (json!(15), "15"),
            (json!(true), "true"),
            (json!(["a", 2]), r#"["a",2]"#),
        ] {
            let (first, last) = places_of_value(given);
            let place = |field: &str| setting_place("t", "id", field, &value);
            assert!((first..=last).contains(&place("/settings/a")), "{given}");
            assert_ne!(place("/settings/a"), place("/settings/b"));
            let other = setting_place("t", "id", "/settings/a", &json!("other"));
            assert!(!(first..=last).contains(&other));
        }
    }
}
