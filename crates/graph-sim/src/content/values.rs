//! What an object says beside its row, taken apart into single values.
//!
//! It is read from the same payloads that are sent, so that the two cannot drift apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::edits::REMOVED;
use super::navigation::Held;
use super::row::{Expand, View};
use super::{Links, Row, administrative, catalog, definition, intents, messages, policy_sets};
use crate::collections::Shape;
use crate::directory::Edit;

/// What a client may do with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueForm {
    /// Keep it.
    Plain,
    /// Not keep it: it is a secret.
    Secret,
    /// Keep a hash of it: it is the body of a script, in base64.
    Script,
    /// Keep it without the name and the password that stand in a URL.
    UserInformation,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContentValue {
    pub(crate) name: Option<String>,
    pub(crate) value: Value,
    pub(crate) form: ValueForm,
}

/// Values by where they stand: ids of definitions from the outside to the inside. Behind the id of a
/// group of settings stands in brackets the name of the entry, or its number where it has none.
pub(crate) type Values = BTreeMap<Vec<String>, ContentValue>;

/// What kind of edit is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EditKind {
    /// Another value that a client may see.
    Value,
    /// Another secret.
    Secret,
    /// A value that is not there any more, or there again.
    Removal,
}

/// How many edits are tried before an object is left alone.
const TRIALS: usize = 500;

impl Row<'_> {
    /// Whether values stand under the object or in its scripts.
    pub(crate) fn has_values(&self) -> bool {
        matches!(
            self.collection.shape,
            Shape::ConfigurationPolicy
                | Shape::CompliancePolicyV2
                | Shape::GroupPolicy
                | Shape::Intent
                | Shape::Script
                | Shape::HealthScript
                | Shape::NotificationTemplate
                | Shape::PolicySet
        )
    }

    /// The values.
    pub(crate) fn values(&self) -> Values {
        let mut values = Values::new();
        match self.collection.shape {
            Shape::ConfigurationPolicy | Shape::CompliancePolicyV2 => {
                for setting in self.held("settings", &[]) {
                    setting_instance(&setting["settingInstance"], &[], &mut values);
                }
            }
            Shape::GroupPolicy => {
                let leaf = |name: &str, inner| Expand {
                    name: name.to_owned(),
                    inner,
                };
                let expand = [
                    leaf("definition", Vec::new()),
                    leaf("presentationValues", vec![leaf("presentation", Vec::new())]),
                ];
                for value in self.held("definitionValues", &expand) {
                    definition_value(&value, &mut values);
                }
            }
            Shape::Intent => {
                for setting in self.held("settings", &[]) {
                    let text = setting["valueJson"].as_str().unwrap_or_default();
                    let value = serde_json::from_str(text).unwrap_or(Value::Null);
                    add(
                        &mut values,
                        vec![text_of(&setting["definitionId"])],
                        None,
                        value,
                    );
                }
            }
            Shape::NotificationTemplate => {
                for message in self.held("localizedNotificationMessages", &[]) {
                    for name in ["subject", "messageTemplate", "isDefault"] {
                        let setting = vec![text_of(&message["locale"]), name.to_owned()];
                        add(&mut values, setting, None, message[name].clone());
                    }
                }
            }
            Shape::PolicySet => {
                for item in self.held("items", &[]) {
                    let setting = vec![text_of(&item["id"])];
                    let value = json!({
                        "itemType": item["itemType"],
                        "payloadId": item["payloadId"],
                    });
                    add(
                        &mut values,
                        setting,
                        Some(text_of(&item["displayName"])),
                        value,
                    );
                }
            }
            Shape::Script | Shape::HealthScript => self.scripts(&mut values),
            _ => {}
        }
        values
    }

    fn held(&self, name: &str, expand: &[Expand]) -> Vec<Value> {
        match self.navigate(name, expand, &mut Links::ignored()) {
            Some(Held::Many(rows)) => rows,
            _ => Vec::new(),
        }
    }

    fn scripts(&self, values: &mut Values) {
        let view = View {
            item: true,
            v1: false,
            unknown_members: true,
            expand: &[],
        };
        let body = self.body(view, &mut Links::ignored());
        for (name, value) in body {
            if name.to_ascii_lowercase().ends_with("scriptcontent") {
                let value = ContentValue {
                    name: None,
                    value,
                    form: ValueForm::Script,
                };
                values.insert(vec![name], value);
            }
        }
    }

    /// How many values the object has that are edited apart.
    fn value_places(&self) -> usize {
        match self.collection.shape {
            Shape::ConfigurationPolicy | Shape::CompliancePolicyV2 => catalog::places_of(self),
            Shape::GroupPolicy => administrative::value_count(self),
            Shape::Intent => intents::setting_count(self),
            Shape::NotificationTemplate => messages::message_count(self),
            Shape::PolicySet => policy_sets::ITEM_COUNT,
            Shape::Script => 1,
            Shape::HealthScript => 2,
            _ => 0,
        }
    }

    /// An edit of this kind, of the value that stands at `setting` if that is not empty. `first`
    /// decides which of several.
    pub(crate) fn find_edit(
        &self,
        kind: EditKind,
        setting: &[String],
        first: usize,
    ) -> Option<Edit> {
        let before = self.values();
        let places = self.value_places();
        let only = match (self.collection.shape, setting.first()) {
            (Shape::ConfigurationPolicy | Shape::CompliancePolicyV2, Some(id)) => {
                let id = id.split('[').next().unwrap_or_default();
                Some(catalog::place_of(self, id)?)
            }
            _ => None,
        };
        let part = |number: usize| match kind {
            EditKind::Removal => REMOVED,
            _ => (number + first / 7) % REMOVED,
        };
        let parts = if kind == EditKind::Removal {
            1
        } else {
            REMOVED
        };
        (0..places)
            .map(|number| (number + first) % places)
            .filter(|place| only.is_none_or(|only| only == *place))
            .flat_map(|place| (0..parts).map(move |number| Edit::of(place, part(number))))
            .take(TRIALS)
            .find(|edit| {
                let tried = Row {
                    trial: Some(*edit),
                    ..*self
                };
                suits(&before, &tried.values(), kind, setting)
            })
    }
}

/// Whether what differs is what is looked for.
fn suits(before: &Values, after: &Values, kind: EditKind, setting: &[String]) -> bool {
    let mut differing = before
        .keys()
        .chain(after.keys())
        .filter(|key| before.get(*key) != after.get(*key))
        .peekable();
    if differing.peek().is_none() {
        return false;
    }
    let mut forms = Vec::new();
    let mut named = setting.is_empty();
    for key in differing {
        named |= key == setting;
        forms.extend(
            [before, after]
                .iter()
                .filter_map(|of| Some(of.get(key)?.form)),
        );
    }
    let secret = |form: &ValueForm| matches!(form, ValueForm::Secret | ValueForm::UserInformation);
    named
        && match kind {
            EditKind::Value => !forms.iter().any(secret),
            EditKind::Secret => forms.iter().all(secret),
            EditKind::Removal => true,
        }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn add(values: &mut Values, setting: Vec<String>, name: Option<String>, value: Value) {
    let form = if value.to_string().contains("://svc-proxy:purl-") {
        ValueForm::UserInformation
    } else {
        ValueForm::Plain
    };
    values.insert(setting, ContentValue { name, value, form });
}

/// A setting of the catalogue and those inside of it.
fn setting_instance(instance: &Value, under: &[String], values: &mut Values) {
    let id = text_of(&instance["settingDefinitionId"]);
    let mut own = under.to_vec();
    own.push(id.clone());
    let name = definition(&id).map(|one| one.name.clone());
    let list = |member: &str| instance[member].as_array().cloned().unwrap_or_default();
    let of = |one: &Value| one["value"].clone();
    if let Some(simple) = instance.get("simpleSettingValue") {
        let kind = simple["@odata.type"].as_str().unwrap_or_default();
        if kind.ends_with("SecretSettingValue") {
            let value = ContentValue {
                name,
                value: of(simple),
                form: ValueForm::Secret,
            };
            values.insert(own, value);
        } else {
            add(values, own, name, of(simple));
        }
    } else if let Some(choice) = instance.get("choiceSettingValue") {
        add(values, own.clone(), name, of(choice));
        for child in choice["children"].as_array().into_iter().flatten() {
            setting_instance(child, &own, values);
        }
    } else if instance.get("simpleSettingCollectionValue").is_some() {
        let all = list("simpleSettingCollectionValue");
        add(values, own, name, all.iter().map(of).collect());
    } else if instance.get("choiceSettingCollectionValue").is_some() {
        let all = list("choiceSettingCollectionValue");
        add(values, own, name, all.iter().map(of).collect());
    } else {
        for (number, entry) in list("groupSettingCollectionValue").iter().enumerate() {
            let children = entry["children"].as_array();
            let entry_name = children
                .and_then(|children| children[0]["simpleSettingValue"]["value"].as_str())
                .map_or_else(|| number.to_string(), str::to_owned);
            let mut own = under.to_vec();
            own.push(format!("{id}[{entry_name}]"));
            for child in children.into_iter().flatten() {
                setting_instance(child, &own, values);
            }
        }
    }
}

/// Whether a policy is enabled, and what its presentations say.
fn definition_value(value: &Value, values: &mut Values) {
    let definition = &value["definition"];
    let own = vec![text_of(&definition["id"])];
    let name = Some(text_of(&definition["displayName"]));
    add(values, own.clone(), name, value["enabled"].clone());
    for one in value["presentationValues"].as_array().into_iter().flatten() {
        let mut setting = own.clone();
        setting.push(text_of(&one["presentation"]["id"]));
        let label = Some(text_of(&one["presentation"]["label"]));
        let content = one.get("values").or(one.get("value"));
        add(
            values,
            setting,
            label,
            content.cloned().unwrap_or(Value::Null),
        );
    }
}
